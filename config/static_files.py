"""Which files of the installed apps are served."""

from django.contrib.staticfiles.apps import StaticFilesConfig


class ServedFiles(StaticFilesConfig):
    """All but what no page loads: collecting those would make every first start a second longer."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "redoc", "*.js.map"]
