"""For the OpenAPI document: what people, projects, tokens and runs look like."""

from collections.abc import Mapping
from typing import Final

from runs_app.api.schemas.api_keys import API_KEY_COMPONENTS
from runs_app.api.schemas.people import PEOPLE_COMPONENTS
from runs_app.api.schemas.reports import REPORT_COMPONENTS
from runs_app.api.schemas.runs import RUN_COMPONENTS
from runs_app.api.schemas.tokens import TOKEN_COMPONENTS
from runs_app.web.json_schemas import PAGINATION, Schema

COMPONENTS: Final[Mapping[str, Schema]] = {
    **PAGINATION,
    **RUN_COMPONENTS,
    **REPORT_COMPONENTS,
    **PEOPLE_COMPONENTS,
    **API_KEY_COMPONENTS,
    **TOKEN_COMPONENTS,
}
