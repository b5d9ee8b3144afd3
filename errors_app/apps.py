from django.apps import AppConfig


class ErrorsConfig(AppConfig):
    name = "errors_app"
    verbose_name = "Errors"

    def ready(self) -> None:
        from errors_app.queries.states import MIRROR_COLUMNS, write_mirror_rows  # noqa: PLC0415
        from runs_app.services.replicate import registry  # noqa: PLC0415

        registry.state_columns = MIRROR_COLUMNS
        registry.write_states = write_mirror_rows
