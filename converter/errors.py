"""Every error that has a place in a text, and the one renderer that shows it.

    text + offset ──> Place ──> SourceError ──> render() ──> path:line:column, the line, a caret, a hint

A rule, a query, a pipeline, a log or a case file that is wrong raises a subclass of `SourceError`. Anything else
that escapes is a bug of ours; `isolation.isolated` makes it an `InternalError` of the item that it concerns.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SHOWN_WIDTH = 160


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a text: its name (a path, or `<query>`), 1-based line and column, and the line itself."""

    name: str
    line: int
    column: int
    source_line: str
    length: int = 1

    @classmethod
    def at_offset(cls, text: str, offset: int, name: str = "<query>", length: int = 1) -> Place:
        """Return the place of the 0-based character `offset` of `text` (clamped to the text)."""
        offset = max(0, min(offset, len(text)))
        start = text.rfind("\n", 0, offset) + 1
        end = text.find("\n", offset)
        line = text[start : end if end >= 0 else len(text)]
        return cls(name, text.count("\n", 0, offset) + 1, offset - start + 1, line, length)

    @classmethod
    def at_line(cls, text: str, line: int, column: int, name: str, length: int = 1) -> Place:
        """Return the place at a 1-based line and column of `text`."""
        lines = _lines(text)
        shown = lines[line - 1] if 0 < line <= len(lines) else ""
        return cls(name, line, column, shown.rstrip("\r"), length)


@lru_cache(maxsize=4)
def _lines(text: str) -> tuple[str, ...]:
    """Return the lines of a text; a rule of many values asks for many places in the same one."""
    return tuple(text.split("\n"))


class SourceError(Exception):
    """Something is wrong in a text that the user gave.

    Args:
        message: what is wrong, one sentence, without the place.
        place: where; None when only the whole file can be blamed.
        hint: what was expected, or a suggestion; may be empty.
    """

    kind = "error"

    def __init__(self, message: str, place: Place | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        return _blank, (type(self), self.args), self.__dict__  # copied and sent between processes with all attributes

    def __str__(self) -> str:
        return self.render()

    def render(self) -> str:
        """Return the error as shown to a person: place, message, the line with a caret, the hint."""
        lines = []
        place = self.place
        if place is None:
            lines.append(_one_line(f"{self.kind}: {self.message}"))
        else:
            lines.append(_one_line(f"{place.name}:{place.line}:{place.column}: {self.kind}: {self.message}"))
            lines.extend(_caret(place))
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class QueryError(SourceError):
    """A query does not parse, or uses a construct that the engine does not know."""

    kind = "query error"


class RuleError(SourceError):
    """A rule is not valid Sigma, or refers to something that does not exist."""

    kind = "rule error"


class LeftOutError(RuleError):
    """A rule is left out because a rule that it refers to has an error, or was not judged.

    It is a consequence: the error of the other rule, its `cause`, is reported as well, and only that one is counted.
    """

    kind = "left out"

    def __init__(
        self, message: str, place: Place | None = None, hint: str = "", cause: SourceError | None = None
    ) -> None:
        super().__init__(message, place, hint)
        self.cause = cause


class LimitError(SourceError):
    """A limit stopped an evaluation, so nothing is known of its result: what it was about is not judged.

    The hint names the option that raises the limit (`converter.readers.limits`).
    """

    kind = "not judged"


class QueryLimitError(LimitError, QueryError):
    """A query reached a limit."""

    @classmethod
    def of(cls, error: QueryError, hint: str) -> QueryLimitError:
        """Return the error as one of a limit; the hint names the option that raises it."""
        return cls(error.message, error.place, hint)


class RuleLimitError(LimitError, RuleError):
    """The evaluation of a rule on an event reached a limit."""


class UnreadableError(RuleError):
    """A path that was given for rules is not there, cannot be read, or is a folder without rules."""


class RefusedError(SourceError):
    """A valid rule that cannot be said in a target, or a construct that is not supported yet.

    `construct` names it in the words of Sigma, for tables and counts. `revise` is called with the hint once, when the
    hint is read; what it returns takes its place.
    """

    kind = "refused"

    def __init__(self, message: str, construct: str, place: Place | None = None, hint: str = "") -> None:
        self.revise: Callable[[str], str] | None = None
        self._hint: str = hint
        super().__init__(message, place, hint)
        self.construct = construct

    @property
    def hint(self) -> str:
        """What was expected, or a suggestion; may be empty."""
        if self.revise is not None:
            revise, self.revise = self.revise, None
            self._hint = revise(self._hint)
        return self._hint

    @hint.setter
    def hint(self, hint: str) -> None:
        self._hint = hint


class RuleWarning(SourceError):  # noqa: N818  a warning is not an error
    """A rule is valid, and probably not what was meant, or not good practice. Never raised.

    `code` names the check, for machines.
    """

    kind = "warning"

    def __init__(self, message: str, code: str, place: Place | None = None, hint: str = "") -> None:
        super().__init__(message, place, hint)
        self.code = code


class LogError(SourceError):
    """A line of a log is not a usable event."""

    kind = "log error"


class UnreadableLogError(LogError):
    """A log, or the rest of one, cannot be read: how many events that leaves out is not known."""


class CaseError(SourceError):
    """A file of test cases is not valid."""

    kind = "case error"


class ConfigurationError(SourceError):
    """A pipeline, an option or a configuration file is wrong (exit status 3)."""

    kind = "configuration error"


class InternalError(SourceError):
    """A bug of ours: an exception that nobody expected, and the item of the input with which it happened.

    Args:
        message: the exception, and where in our code it was raised.
        place: of the item.
        hint: how to report it.
        trace: the traceback, for `--debug`.
    """

    kind = "internal error"

    def __init__(self, message: str, place: Place | None = None, hint: str = "", trace: str = "") -> None:
        super().__init__(message, place, hint)
        self.trace = trace


def suggest(word: str, known: Iterable[str]) -> str:
    """Return `did you mean 'x'?` for the nearest of `known`, or an empty string."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""


def _blank(kind: type[SourceError], arguments: tuple[Any, ...]) -> SourceError:
    """Return an error whose attributes are still to be set."""
    return kind.__new__(kind, *arguments)


def _one_line(text: str) -> str:
    """Return a text without line breaks: a stranger's file name must not look like a line of the output."""
    return text.replace("\n", "\\n")


def _caret(place: Place) -> list[str]:
    """Return the source line and a caret line, cut to a readable width around the column."""
    # Control characters would move the cursor of a terminal; a stranger's log or rule must not.
    line = "".join(c if c.isprintable() else " " for c in place.source_line)
    column = place.column - 1
    start = max(0, column - _SHOWN_WIDTH // 2)
    shown = line[start : start + _SHOWN_WIDTH]
    width = max(1, min(place.length, len(shown) - (column - start)))
    return [f"  {shown}", "  " + " " * (column - start) + "^" * width]
