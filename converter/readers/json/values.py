"""Read one JSON value of a log, whatever its writer put into it: no value may make an event unreadable, and so hide it.

    bytes ──orjson──> value                                            what is ordinary
      └──refused, or a sign of what is below──read_slowly──> value, and what was changed in it

docs/semantics.md, "Values that JSON leaves open", says what is read as what, and why.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any, NamedTuple

import orjson

BAD_BYTE = "a byte that is not UTF-8 is read as U+FFFD"
HALF_PAIR = "half a surrogate pair is read as U+FFFD"
NO_NUMBER = "a number that is none, or that no double can hold, is read as text"
CONTROL = "a control character is not escaped, and is read as itself"
PADDING = "NUL characters around the event are left out"

_LONGEST_NUMBER = 4_000  # Python converts no more digits than 4,300
# Of whole numbers of 20 digits some are beyond 64 bits, and orjson reads those as doubles.
_RUN = b"0" * 20
_TO_ZERO = bytes(48 if 48 <= code < 58 else 32 for code in range(256))  # noqa: PLR2004  every digit to 0, the rest to a space
_LONG_NUMBER = re.compile(rb"[:\[,]\s*+-?[0-9]{20}")
_AROUND = "\ufeff\0 \t\r\n"
_PLAIN = re.compile(r'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
_HALF = r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
_HAS_HALF = re.compile(_HALF)
_ESCAPE = re.compile(rf"\\u[dD][89abAB][0-9a-fA-F]{{2}}\\u[dD][c-fC-F][0-9a-fA-F]{{2}}|({_HALF})|\\.", re.DOTALL)
_HAS_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class JsonError(ValueError):
    """A text is not JSON, or nested too deep. `position` is that of the character at which this shows."""

    def __init__(self, problem: str, position: int, *, is_deep: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.position = position
        self.is_deep = is_deep


class Read(NamedTuple):
    """A value, and the sentences that say what was changed in it."""

    value: Any
    changes: tuple[str, ...] = ()


def read_value(raw: bytes, nesting: int) -> Read:
    """Return the JSON value that bytes spell, white space around it left out.

    Args:
        raw: the bytes.
        nesting: how many levels of objects and arrays there may be.

    Raises:
        JsonError: the bytes are not one JSON value, or are nested deeper.
    """
    if not (is_deep(raw, nesting) or has_long_number(raw)):
        try:
            return Read(orjson.loads(raw))
        except orjson.JSONDecodeError:
            pass
    return read_slowly(raw, nesting)


def is_deep(raw: bytes, nesting: int) -> bool:
    """Return whether the nesting may exceed a limit; sometimes true without need, never false when it does."""
    return raw.count(b"{") + raw.count(b"[") > nesting


def may_have_long_number(raw: bytes) -> bool:
    """Return whether as many digits are in a row as a number has that orjson reads as a double; quick."""
    return _RUN in raw.translate(_TO_ZERO)


def has_long_number(raw: bytes) -> bool:
    """Return whether there is a number, and not a string, of that many digits."""
    return may_have_long_number(raw) and _LONG_NUMBER.search(raw) is not None


def read_number(text: str) -> int | float | str:
    """Return the number that a text of JSON spells, or the text itself if a double could not hold it.

    A whole number is exact; one with a point or an exponent is the nearest double.
    """
    try:
        number = int(text) if text.lstrip("-").isdigit() and len(text) < _LONGEST_NUMBER else float(text)
        return number if isfinite(number) else text
    except (OverflowError, ValueError):
        return text


def read_slowly(raw: bytes, nesting: int) -> Read:
    """Do what `read_value` does, for bytes of every kind."""
    changes: dict[str, None] = {}
    text = _decoded(raw, changes)
    stripped = text.strip(_AROUND)
    begin = text.find(stripped[:1]) if stripped else 0
    if "\0" in text[:begin] or "\0" in text[begin + len(stripped) :]:
        changes[PADDING] = None
    if _HAS_CONTROL.search(stripped):
        changes[CONTROL] = None
    if _HAS_HALF.search(stripped):
        stripped = _ESCAPE.sub(lambda escape: _whole(escape, changes), stripped)
    too_deep = _first_below(stripped, nesting)
    if too_deep is not None:
        raise JsonError(f"nested deeper than {nesting:,} levels", begin + too_deep, is_deep=True)

    def number(digits: str) -> int | float | str:
        value = read_number(digits)
        if isinstance(value, str):
            changes[NO_NUMBER] = None
        return value

    def constant(name: str) -> str:
        changes[NO_NUMBER] = None
        return name

    decoder = json.JSONDecoder(parse_int=number, parse_float=number, parse_constant=constant, strict=False)
    try:
        value, end = decoder.raw_decode(stripped)
    except json.JSONDecodeError as error:
        raise _not_json(error, stripped, begin, is_plain=not changes) from None
    except RecursionError:
        raise JsonError("nested too deep for Python to read", begin, is_deep=True) from None
    if end < len(stripped):
        raise JsonError("Extra data", begin + end)
    return Read(value, tuple(changes))


def _not_json(error: json.JSONDecodeError, text: str, begin: int, *, is_plain: bool) -> JsonError:
    """Return the error of a text, as orjson says it if nothing in the text is odd that only Python's reader reads."""
    if is_plain:
        try:
            orjson.loads(text)
        except orjson.JSONDecodeError as plain:
            return JsonError(plain.msg.split(":", 1)[0], begin + plain.pos)
    return JsonError(error.msg, begin + error.pos)


def _decoded(raw: bytes, changes: dict[str, None]) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        changes[BAD_BYTE] = None
        return raw.decode("utf-8", "replace")


def _whole(escape: re.Match[str], changes: dict[str, None]) -> str:
    """Return an escape as it is, but half a pair as the replacement character."""
    if escape[1] is None:
        return escape[0]
    changes[HALF_PAIR] = None
    return r"\ufffd"


def _first_below(text: str, nesting: int) -> int | None:
    """Return the position of the first object or array that is nested deeper; None if there is none."""
    if text.count("{") + text.count("[") <= nesting:
        return None
    depth = position = 0
    while (position := _PLAIN.match(text, position).end()) < len(text):  # type: ignore[union-attr]  # it matches anywhere
        match text[position]:
            case "{" | "[":
                depth += 1
                if depth > nesting:
                    return position
            case "}" | "]":
                depth -= 1
            case _:  # a string without an end: not JSON
                return None
        position += 1
    return None
