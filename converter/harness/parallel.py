"""Run independent pieces of work in processes of their own, if the system can fork: none of them can end the others.

work(0), work(1), ... ──forked processes──> results in order
                            └─ one that dies ──died(number, reason)──> the result of its piece; another takes its place
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from contextlib import suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, TypeVar

from converter.errors import CaseError, SourceError
from converter.isolation import died_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

_Result = TypeVar("_Result")


def run_all(
    work: Callable[[int], _Result],
    count: int,
    jobs: int,
    died: Callable[[int, SourceError], _Result],
    done: Callable[[int], None] = lambda _: None,
    *,
    here: bool = False,
) -> list[_Result]:
    """Return the results of `work(0)` to `work(count - 1)`, in order.

    Args:
        work: does a piece of work. Its results must be picklable; what it uses need not be, because the processes are
            forked.
        count: the number of pieces.
        jobs: the number of processes.
        died: returns the result of a piece whose process has died, with the reason: killed because the system has no
            memory left, for example.
        done: called with the number of finished pieces.
        here: do all the work in this process.
    """
    if here or not hasattr(os, "fork"):
        results = []
        for number in range(count):
            done(number)
            results.append(work(number))
        return results
    pool = _Pool(work, min(jobs, count))
    try:
        return pool.run(count, died, done)
    finally:
        pool.close()


def available_jobs() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Pool:
    """Forked processes, each with at most one piece of work at a time, so that a dead one names its piece."""

    def __init__(self, work: Callable[[int], Any], size: int) -> None:
        self._work = work
        self._size = size
        self._context = multiprocessing.get_context("fork")
        self._workers: dict[Connection, ForkProcess] = {}

    def run(self, count: int, died: Callable[[int, SourceError], Any], done: Callable[[int], None]) -> list[Any]:
        results: dict[int, Any] = {}
        busy: dict[Connection, int] = {}
        waiting = list(range(count))[::-1]
        while len(results) < count:
            while waiting and len(busy) < self._size:
                connection = next((free for free in self._workers if free not in busy), None) or self._start()
                busy[connection] = waiting.pop()
                with suppress(OSError):  # it is dead; reading from it will say so
                    connection.send(busy[connection])
            answered = set(map(id, wait(list(busy))))
            for connection in [free for free in busy if id(free) in answered]:
                number = busy.pop(connection)
                results[number] = self._result(connection, number, died)
                done(len(results))
        return [results[number] for number in range(count)]

    def _result(self, connection: Connection, number: int, died: Callable[[int, SourceError], Any]) -> Any:
        try:
            result, error = connection.recv()
        except (EOFError, OSError):
            process = self._workers.pop(connection)
            connection.close()
            process.join()
            return died(number, _reason(process.exitcode or 0))
        if error is not None:
            raise error
        return result

    def _start(self) -> Connection:
        ours, theirs = self._context.Pipe()
        others = [ours, *self._workers]
        process = self._context.Process(target=_serve, args=(self._work, theirs, others), daemon=True)
        process.start()
        theirs.close()
        self._workers[ours] = process
        return ours

    def close(self) -> None:
        """End the processes, whatever they do."""
        for connection, process in self._workers.items():
            connection.close()
            process.kill()
        for process in self._workers.values():
            process.join()


def _serve(work: Callable[[int], Any], connection: Connection, others: Sequence[Connection]) -> None:
    """Do the pieces of work that are asked for, until nobody asks any more."""
    # The parent process is interrupted as well, and reports it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for other in others:  # an inherited end would keep this process alive without its parent
        other.close()
    while True:
        try:
            number = connection.recv()
        except EOFError:
            return
        answer: tuple[Any, BaseException | None]
        try:
            answer = (work(number), None)
        except BaseException as error:  # noqa: BLE001  the parent raises it
            answer = (None, error)
        with suppress(BrokenPipeError):
            connection.send(answer)


def _reason(exit_code: int) -> SourceError:
    """Return the error of a process that has died."""
    if exit_code != -signal.SIGKILL:
        return died_of(_signal_name(-exit_code) if exit_code < 0 else f"exit status {exit_code}")
    message = "the process that did this was killed, probably because the system has no memory left"
    return CaseError(message, hint="give it fewer events, or fewer processes (-j)")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
