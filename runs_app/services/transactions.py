"""Transactions that are done again where another one was first."""

from collections.abc import Callable
from typing import Final, TypeVar

from django.db import IntegrityError, OperationalError, transaction

from runs_app.domain.errors import Contention
from runs_app.services.write_turns import write_turn

TRIES: Final = 5
# PostgreSQL rolled one of several transactions back, so that the others could go on.
ROLLED_BACK_FOR_OTHERS: Final = frozenset({"40001", "40P01"})

Result = TypeVar("Result")


def write_runs(work: Callable[[], Result]) -> Result:
    """`write_again` for `work` that locks and writes runs.

    A report or a load may add one of the runs first, or wait for the same ones.
    """
    return write_again(
        work, "The same runs are being reported by many requests at once; try again."
    )


def write_again(work: Callable[[], Result], contention: str) -> Result:
    """Do `work` in a transaction of its own and in the write turn; what it returned in the one that
    was committed.

    Where somebody else added one of its rows first, or waited for the same ones, the whole
    transaction is done again, and finds the rows of the other. `work` is called anew each time
    and must begin anew. Raises Contention with that sentence after `TRIES` of them.
    """
    for _ in range(TRIES):
        try:
            with write_turn(), transaction.atomic():
                return work()
        except IntegrityError:
            continue
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in ROLLED_BACK_FOR_OTHERS:
                raise
    raise Contention(contention)
