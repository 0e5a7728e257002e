"""Limits of what strangers' files may cost: in time, in rows, in bytes. This is the one place that has them.

    --limit NAME=VALUE ──parse_limits──> Limits ──using──> current()

A file never raises a limit; only the command line and a caller of the public functions do. Whatever a limit stops is
named, counted, and not judged; its message ends in what `raises` returns.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from converter.errors import ConfigurationError, suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_KIB = 1024
_MIB = 1024 * _KIB
_UNITS = {"": 1, "k": _KIB, "m": _MIB, "g": 1024 * _MIB}
_NUMBER = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?([KMG]?)(?:i?B)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one run may cost. In `--limit` and in messages the names have hyphens: `regex-seconds`.

    Attributes:
        regex_seconds: how long the regular expressions of one rule, or of one query, may run on the whole log, beyond
            the time that grows with the length of the log.
        regex_bytes: the longest value that an expression with look-around or back-references is tried on.
        rows: how many rows a query may make beyond those that it reads.
        value_bytes: the size of one value that a query makes.
        query_bytes: the size of all large values that a query makes.
        log_bytes: the size of a log, unpacked.
        event_bytes: the size of one event of a log, and so of a line.
        file_bytes: the size of a rule, query, pipeline or case file, and of any other file that is read as a whole.
        events: how many events all cases of a file may have.
        nesting: how deep objects and arrays of an event may be nested.
        case_bytes: the size of all events of a case file, as JSON: those of its logs, and those that it repeats; also
            the size of a table of a query.
        template_steps: how many steps a template of a pipeline may take for one rule.
        rule_values: how many values and fields a pipeline may make of one rule.
    """

    regex_seconds: float = 2.0
    regex_bytes: int = _MIB
    rows: int = 1_000_000
    value_bytes: int = 16 * _MIB
    query_bytes: int = 256 * _MIB
    log_bytes: int = 4 * 1024 * _MIB
    event_bytes: int = 64 * _MIB
    file_bytes: int = 16 * _MIB
    events: int = 500_000
    nesting: int = 200
    case_bytes: int = 128 * _MIB
    template_steps: int = 200_000
    rule_values: int = 100_000


DEFAULTS = Limits()
_CURRENT: ContextVar[Limits] = ContextVar("limits", default=DEFAULTS)
NAMES = tuple(field.name.replace("_", "-") for field in fields(Limits))


def current() -> Limits:
    """Return the limits of this run."""
    return _CURRENT.get()


def bytes_of(name: str) -> int:
    """Return a limit of a size by its name, such as `file-bytes`."""
    return int(getattr(current(), name.replace("-", "_")))


@contextmanager
def using(limits: Limits) -> Iterator[None]:
    """Make these the current limits for as long as the block lasts."""
    token = _CURRENT.set(limits)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def raises(name: str) -> str:
    """Return which option raises a limit, for the hint of an error."""
    return f"--limit {name}=VALUE raises the limit"


def parse_limits(texts: Iterable[str]) -> Limits:
    """Return the current limits, changed by NAME=VALUE texts; sizes may have a unit, such as 64M.

    Raises:
        ConfigurationError: not NAME=VALUE, an unknown name, a name that is given twice, or not a number above 0.
    """
    values: dict[str, float] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ConfigurationError(f"--limit {text}: expected NAME=VALUE", hint=f"the names: {', '.join(NAMES)}")
        if name in values:
            raise ConfigurationError(f"--limit {name} is given twice")
        values[name] = _number(name, value.strip())
    return changed(values)


def changed(values: Mapping[str, float]) -> Limits:
    """Return the current limits with other values.

    Args:
        values: numbers by name, as in `--limit`.

    Raises:
        ConfigurationError: an unknown name, or not a number above 0.
    """
    for name, value in values.items():
        if name not in NAMES:
            raise ConfigurationError(
                f"unknown limit {name!r}", hint=suggest(name, NAMES) or f"the names: {', '.join(NAMES)}"
            )
        if not 0 < value < float("inf"):
            raise ConfigurationError(f"--limit {name}={value:g}: expected a number above 0")
    given: dict[str, Any] = {
        name.replace("-", "_"): float(value) if name.endswith("-seconds") else max(1, int(value))
        for name, value in values.items()
    }
    return replace(current(), **given)


def _number(name: str, text: str) -> float:
    number = _NUMBER.fullmatch(text)
    unit = number[2].lower() if number else ""
    if number is None or (unit and not name.endswith("-bytes")):
        example = "64M" if name.endswith("-bytes") else "60" if name.endswith("-seconds") else "1000000"
        raise ConfigurationError(f"--limit {name}={text}: expected a number above 0, such as {example}")
    return float(number[1]) * _UNITS[unit]
