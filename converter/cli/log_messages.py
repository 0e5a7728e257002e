"""What is said of logs: their errors, what was changed in events so that they could be read, envelopes, empty logs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from converter.cli.common import counted, explain, note, warn
from converter.errors import LogError, UnreadableLogError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from converter.readers.logs import Change, LogEvent

_SHOWN_LOG_ERRORS = 10
_KEPT_LINES = 100_000
_SHOWN_RANGES = 40


class LogsSaid:
    """What is said of logs beside their events and errors: which envelopes were opened, and which logs are empty."""

    def __init__(self, logs: Sequence[str]) -> None:
        self._logs = logs
        self._opened: dict[str, Sequence[str]] = {}

    def opened(self, name: str, envelopes: Sequence[str]) -> None:
        """Remember the envelopes of a log."""
        self._opened[name] = envelopes

    def say(self, read: Collection[str], errors: LogErrors) -> None:
        """Say it, once all logs are read; `read` are the names of those with an event."""
        from converter.readers.logs import log_name  # noqa: PLC0415

        for name, envelopes in self._opened.items():
            note(f"{name}: opened {', '.join(envelopes)}")
        for name in map(log_name, self._logs):
            if name not in read and errors.names.isdisjoint((name, "")):
                warn(f"warning: {name} holds no event")


def event_name(event: LogEvent, logs: Sequence[str]) -> int | str:
    """Return what an event without an `_id` is called: its position in the log, with the log if there are several."""
    return event.position if len(logs) == 1 else f"{event.path}:{event.position}"


def _ranges(lines: Sequence[int]) -> str:
    """Return numbers of lines, such as `3,7-9`; of many ranges only the first."""
    ranges: list[list[int]] = []
    for line in sorted(set(lines)):
        if ranges and ranges[-1][1] == line - 1:
            ranges[-1][1] = line
        else:
            ranges.append([line, line])
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in ranges[:_SHOWN_RANGES]]
    return ",".join([*shown, "..."] if len(ranges) > _SHOWN_RANGES else shown)


@dataclass(slots=True)
class LogErrors:
    """Shows the first errors in logs, and counts all.

    Attributes:
        count: all errors.
        unread: logs that could not be read to the end: how many events they still hold is not known.
        names: the logs that have errors; an empty string stands for one whose error has no place.
    """

    count: int = 0
    unread: int = 0
    shown: int = _SHOWN_LOG_ERRORS
    names: set[str] = field(default_factory=set)
    _hidden: int = 0
    _hidden_lines: dict[str, list[int]] = field(default_factory=dict)
    _changed: int = 0

    def __call__(self, error: LogError) -> None:
        """Show and count an error."""
        if self.count < self.shown or isinstance(error, UnreadableLogError):
            explain(error)
        else:
            self._hidden += 1
            if error.place is not None and self._hidden < _KEPT_LINES:
                self._hidden_lines.setdefault(error.place.name, []).append(error.place.line)
        self.count += 1
        self.names.add(error.place.name if error.place is not None else "")
        self.unread += isinstance(error, UnreadableLogError)

    def changed(self, change: Change) -> None:
        """Say what was changed in an event so that it could be read, for the first of them, and count it."""
        if self._changed < self.shown:
            note(f"{change.path}:{change.line}: note: {'; '.join(change.sentences)}")
        self._changed += 1

    @property
    def skipped(self) -> int:
        """How many lines or events were skipped."""
        return self.count - self.unread

    def summary(self) -> str:
        """Return what follows the number of events that were read."""
        changed = f", {self._changed} with a value that is read as another" if self._changed else ""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return changed + skipped + (f", {counted(self.unread, 'log')} not read to the end" if self.unread else "")

    def close(self) -> None:
        """Say how many errors were not shown, and in which lines they are."""
        if self._hidden:
            lines = "; ".join(f"{name}:{_ranges(lines)}" for name, lines in self._hidden_lines.items())
            note(f"... and {self._hidden} more errors in the logs{': ' if lines else ''}{lines}")
        if self._changed > self.shown:
            note(f"... and {self._changed - self.shown} more notes on the logs")
