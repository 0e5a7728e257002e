"""Run independent pieces of work in several processes, if the system can fork.

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
    """Return the results of `work(0)` to `work(count - 1)`, in order.

    Args:
        work: does a piece of work. With several processes, its results must be picklable; what it uses need not be,
            because the processes are forked.
        count: the number of pieces.
        jobs: the number of processes.
        done: called with the number of finished pieces: after each piece, or before each one with a single process.
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
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _do(number: int) -> Any:
    if _work is None:
        raise AssertionError
    return _work(number)


def _die_of_interrupts() -> None:
    """Let an interrupt end the process silently: the parent process is interrupted as well, and reports it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
