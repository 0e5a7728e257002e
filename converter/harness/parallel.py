"""Do independent pieces of work in several processes, where the system can fork.

work(0), work(1), ... ──forked processes──> results in order
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")
_work: Callable[[int], Any] | None = None


def run_all(
    work: Callable[[int], _Result], count: int, jobs: int, done: Callable[[int], None] = lambda _: None
) -> list[_Result]:
    """Return `work` of every number below `count`.

    Args:
        work: what it returns must be picklable if `jobs` is more than one; what it uses need not be, because processes
            are forked with it.
        count: how many.
        jobs: how many processes.
        done: called before each piece without processes, and with processes after each; with how many are done.
    """
    jobs = min(jobs, count)
    if jobs <= 1 or not hasattr(os, "fork"):
        results = []
        for number in range(count):
            done(number)
            results.append(work(number))
        return results
    global _work  # noqa: PLW0603  the forked processes find it here
    _work = work
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_die_of_interrupts) as pool:
        futures = [pool.submit(_do, number) for number in range(count)]
        try:
            for finished, _ in enumerate(as_completed(futures), 1):
                done(finished)
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            _work = None


def available_jobs() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _do(number: int) -> Any:
    if _work is None:
        raise AssertionError
    return _work(number)


def _die_of_interrupts() -> None:
    """End without a word: the parent process is interrupted as well, and says so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
