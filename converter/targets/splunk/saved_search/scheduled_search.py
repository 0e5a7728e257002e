"""The search of a saved search, compiled in two halves: what depends on the events only, and what on the run.

    events ──found──> rows ──finished(window of the run)──> rows
        before `addinfo`          `addinfo` and all behind it

Runs that see the same events share the first half, which is the work.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from converter.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from converter.targets.splunk.engine.execute import CompiledSearch
    from converter.targets.splunk.saved_search.conf import SavedSearch

# Functions of eval that give another value at another time. What only looks like one costs time, and nothing else.
_CLOCK = re.compile(r"\b(now|time|random)\b")


class RunSearch(Protocol):
    """What a schedule needs to run its search; see `ScheduledSearch`."""

    @property
    def timed(self) -> bool:
        """Whether runs over the same events may differ, because the search reads the window of its run."""
        ...

    @property
    def reads_clock(self) -> bool:
        """Whether the first half depends on when it runs."""
        ...

    @property
    def first_half(self) -> Hashable | None:
        """What is equal for searches whose first halves give the same rows; None if nothing is known to be."""
        ...

    def relevant(self, event: Mapping[str, Any]) -> bool:
        """Return whether an event can matter to a run."""
        ...

    def found(self, events: Sequence[Mapping[str, Any]], now: float) -> list[dict[str, Any]]:
        """Return the rows of the first half; none if no run over these events gives one."""
        ...

    def finished(self, rows: list[dict[str, Any]], now: float, window: tuple[float, float]) -> list[dict[str, Any]]:
        """Return the rows of a run over `window` from those of the first half."""
        ...


class ScheduledSearch:
    """A saved search, compiled.

    Attributes:
        timed: whether it has an `addinfo`, so that runs over the same events may differ.
        reads_clock: whether the first half depends on when it runs.
        first_half: its commands.
    """

    first_half: Hashable | None

    def __init__(self, saved: SavedSearch, macros: str | None = None) -> None:
        from converter.targets.splunk.engine import execute  # noqa: PLC0415  only this type needs it
        from converter.targets.splunk.engine.commands.add_fields import AddInfo  # noqa: PLC0415
        from converter.targets.splunk.engine.commands.filter import Search  # noqa: PLC0415
        from converter.targets.splunk.engine.parse import parse  # noqa: PLC0415

        self._saved = saved
        self.reads_clock = _CLOCK.search(saved.search) is not None
        try:
            tree = parse(saved.search, macros)
            commands = tree.commands
            at = next((at for at, command in enumerate(commands) if isinstance(command, AddInfo)), len(commands))
            self.timed = at < len(commands)
            self.first_half = commands[:at]
            self._first = execute.compile_query(replace(tree, commands=commands[:at]), saved.search)
            self._second = (
                execute.compile_query(replace(tree, commands=commands[at:]), saved.search) if self.timed else None
            )
            self._filter = (
                execute.compile_query(replace(tree, commands=commands[:1]), saved.search)
                if isinstance(commands[0], Search)
                else None
            )
        except QueryError as error:
            raise saved.query_error(error) from None

    def relevant(self, event: Mapping[str, Any]) -> bool:
        """Return whether an event passes the first command: others cannot matter to any run."""
        return self._filter is None or bool(self._run(self._filter, [event]))

    def found(self, events: Sequence[Mapping[str, Any]], now: float) -> list[dict[str, Any]]:
        """Return the rows of the first half."""
        return self._run(self._first, events, now)

    def finished(self, rows: list[dict[str, Any]], now: float, window: tuple[float, float]) -> list[dict[str, Any]]:
        """Return the rows of a run over `window` from those of the first half."""
        return rows if self._second is None else self._run(self._second, rows, now, window)

    def _run(
        self,
        query: CompiledSearch,
        rows: Sequence[Mapping[str, Any]],
        now: float | None = None,
        window: tuple[float, float] | None = None,
    ) -> list[dict[str, Any]]:
        try:
            return query(rows, {}, now=now, window=window)
        except QueryError as error:
            raise self._saved.query_error(error) from None
