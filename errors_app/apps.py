from django.apps import AppConfig


class ErrorsConfig(AppConfig):
    name = "errors_app"
    verbose_name = "Errors"

    def ready(self) -> None:
        from errors_app.queries.merged import groups_around  # noqa: PLC0415
        from errors_app.queries.states import (  # noqa: PLC0415
            MIRROR_COLUMNS,
            read_mirror_rows,
            write_mirror_rows,
        )
        from errors_app.services.rules import after_batch  # noqa: PLC0415
        from runs_app.services import browse_runs  # noqa: PLC0415
        from runs_app.services.replicate import registry  # noqa: PLC0415

        registry.state_columns = MIRROR_COLUMNS
        registry.write_states = write_mirror_rows
        registry.read_states = read_mirror_rows
        registry.after_runs.append(after_batch)
        browse_runs.registry.others = groups_around
