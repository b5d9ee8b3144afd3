"""A bug of the demo project: one error group, with its error and its history."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from errors_app.domain.demo.environments import PROD_ONLY, DemoEnvironment
from errors_app.domain.demo.patterns import Pattern
from errors_app.domain.demo.stacks import Raised, node_stack, python_traceback
from errors_app.domain.demo.tasks import TASKS, Language
from errors_app.domain.demo.values import fill, is_constant


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """`type` is the class name, `module` what a traceback writes before it; `message` is a
    template of `values.fill`; `seconds` says how long a run lasts until it fails (None: as
    long as the task usually takes); `fixed` is the age of the deployment that mended it."""

    task: str
    type: str
    message: str
    frames: tuple[str, ...]
    when: tuple[Pattern, ...]
    module: str = ""
    status: str = "FAILED"
    seconds: float | None = None
    fixed: int | None = None
    environments: tuple[DemoEnvironment, ...] = PROD_ONLY
    cause: Raised | None = None
    attempts: int = 3


def error_of(
    bug: Bug, rng: Random, *, moment: int, payload: Mapping[str, object], shift: int = 0
) -> dict[str, object]:
    """An error as a worker reports it at `moment` about a run with that payload; `shift` moves
    the lines of the shop's own code."""
    message = fill(bug.message, rng, moment, payload)
    cause = bug.cause
    if TASKS[bug.task].language is Language.PYTHON:
        title = f"{bug.module}.{bug.type}" if bug.module else bug.type
        stack = python_traceback(Raised(title, message, bug.frames), cause, shift)
    else:
        # The first line of a Node.js stack is what the error said when it was made. Errors
        # that tell of one object get their message later; with it in the stack, rule v1
        # would make a group of each.
        said = message if is_constant(bug.message) else ""
        stack = node_stack(Raised(bug.type, said, bug.frames), cause, shift)
    return {"type": bug.type, "message": message, "stack": stack}
