"""The rules of the house that no type checker holds."""

import importlib
import inspect
import json
import os
import pkgutil
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import errors_app.queries
import runs_app.queries
from runs_app.clickhouse.client import clickhouse
from runs_app.domain.tenant import Tenant

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("config", "runs_app", "errors_app")

WITHOUT_TENANT = {
    # Its rows carry their tenants in themselves, as the outbox kept them.
    "errors_app.queries.states.write_mirror_rows",
    # Looks at the inserts of the whole server, of which nobody may run.
    "runs_app.queries.counts.refuse_while_inserting",
    # Asks nothing: the value of a row that was read.
    "errors_app.queries.states.state_of",
    # For what belonged to environments that are gone: there is no tenant any more.
    "runs_app.queries.environments_in_clickhouse.environments_with_rows",
    "runs_app.queries.environments_in_clickhouse.delete_rows_of",
}

# Runs in a fresh interpreter: imports everything outside of the embedded package, and tells what
# was opened meanwhile and whether the engine came along.
IMPORT_EVERYTHING = """
import importlib, json, pkgutil, socket, sqlite3, sys
# A tool of the tests brings it, REST framework imports it where it is, and it binds a socket then.
sys.modules["requests"] = None
opened = []
sys.addaudithook(
    lambda event, args: opened.append(event)
    if event in ("socket.connect", "socket.bind", "sqlite3.connect", "subprocess.Popen",
                 "os.posix_spawn", "os.fork")
    else None
)
import django
django.setup()
for package in {packages!r}:
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, package + "."):
        if not module.name.startswith("runs_app.clickhouse.embedded."):
            importlib.import_module(module.name)
engine = sorted(name for name in sys.modules if name.partition(".")[0] == "chdb")
print(json.dumps({{"opened": opened, "engine": engine}}))
"""


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def public_functions(module: ModuleType) -> Iterator[FunctionType]:
    for name, value in vars(module).items():
        own = inspect.isfunction(value) and value.__module__ == module.__name__
        if own and not name.startswith("_"):
            yield value


def talks_to_clickhouse(module: ModuleType) -> bool:
    return any(value is clickhouse for value in vars(module).values())


def takes_a_tenant_first(function: FunctionType) -> bool:
    first = next(iter(inspect.signature(function).parameters), None)
    return first is not None and typing.get_type_hints(function)[first] is Tenant


QUERIES = [
    function
    for package in (runs_app.queries, errors_app.queries)
    for module in modules_of(package)
    if talks_to_clickhouse(module)
    for function in public_functions(module)
    if f"{module.__name__}.{function.__name__}" not in WITHOUT_TENANT
]


@pytest.mark.parametrize(
    "function", QUERIES, ids=lambda function: f"{function.__module__}.{function.__name__}"
)
def test_every_query_of_clickhouse_takes_the_tenant_first(function: FunctionType) -> None:
    assert takes_a_tenant_first(function)


def test_the_queries_were_found() -> None:
    names = {function.__name__ for function in QUERIES}

    assert {"rank_groups", "read_outlines", "read_histogram", "find_differences"} <= names


def test_imports_point_one_way() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout


def test_importing_everything_opens_nothing_and_leaves_the_engine_alone(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "FAULTLINE_DATA": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    imported = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING.format(packages=PACKAGES)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(imported.stdout) == {"opened": [], "engine": []}


def test_only_the_embedded_package_names_the_engine_in_an_import() -> None:
    naming = {
        str(path.relative_to(ROOT).parent)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for line in path.read_text().splitlines()
        if line.strip().startswith(("import chdb", "from chdb"))
    }

    assert naming == {"runs_app/clickhouse/embedded"}


def test_only_the_door_imports_the_driver() -> None:
    naming = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for line in path.read_text().splitlines()
        if line.strip().startswith(("import clickhouse_driver", "from clickhouse_driver"))
    }

    assert naming == {"runs_app/clickhouse/client.py", "runs_app/clickhouse/failures.py"}
