"""JSON text in fields: reading it, following and changing it by paths, writing it.

    text ──loads──> document ──steps of a path──> values ──dumps──> text

A path is `a.b{}.c{2}`: names of members, every element, one element counted from 0.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from converter.targets.splunk.engine.language.values import text_of, tidy

if TYPE_CHECKING:
    from collections.abc import Callable

# A member by its name, an element by its number, or every element.
Step: TypeAlias = str | int | None

_PART = re.compile(r"([^.{}]*)((?:\{[0-9]{0,9}\})*)")
_INDEX = re.compile(r"\{([0-9]*)\}")
_DEEP = 200
_EXACT = 2**63


class _Nothing:
    """What a text that is not JSON reads as."""


NOTHING: Final = _Nothing()


class TooDeepError(ValueError):
    """A document is nested too deeply."""


class PathError(ValueError):
    """A text is not a path."""


def loads(text: str) -> Any:
    """Return the document of a text, or `NOTHING` if it is not JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return NOTHING


def container(text: Any) -> Any:
    """Return the object or array of a text, or `NOTHING` if it holds neither."""
    if type(text) is not str or text.lstrip(" \t\r\n")[:1] not in ("{", "["):
        return NOTHING
    return loads(text)


def dumps(document: Any) -> str:
    """Return the compact text of a document, whole numbers without decimal places.

    Raises:
        TooDeepError: it is nested too deeply.
    """
    try:
        return orjson.dumps(_plain(document, 0)).decode()
    except orjson.JSONEncodeError as problem:
        raise TooDeepError(str(problem)) from None


def _plain(value: Any, depth: int) -> Any:
    if depth > _DEEP:
        raise TooDeepError("JSON of more than 200 levels")
    match value:
        case dict():
            return {name: _plain(member, depth + 1) for name, member in value.items()}
        case list():
            return [_plain(item, depth + 1) for item in value]
        case float():
            return tidy(value)
        case bool():
            return value
        case int():
            return value if -_EXACT <= value < _EXACT else float(value)
        case _:
            return value


def native(value: Any) -> Any:
    """Return a JSON value as a field holds it: text or number; objects and arrays as JSON text; null as None.

    Raises:
        TooDeepError: it is nested too deeply.
    """
    match value:
        case dict() | list():
            return dumps(value)
        case bool():
            return "true" if value else "false"
        case float():
            return tidy(value)
        case _:
            return value


@lru_cache(maxsize=1024)
def steps(path: str) -> tuple[Step, ...]:
    """Split a path.

    Raises:
        PathError: it is none.
    """
    read: list[Step] = []
    for number, part in enumerate(path.split(".")):
        match = _PART.fullmatch(part)
        if match is None or not part or (number and not match.group(1)):
            raise PathError(f"{path!r} is not a path")
        if match.group(1):
            read.append(match.group(1))
        read.extend(int(index) if index else None for index in _INDEX.findall(match.group(2)))
    return tuple(read)


def follow(document: Any, path: tuple[Step, ...]) -> list[Any]:
    """Return the values at a path; none where it leads nowhere."""
    values = [document]
    for step in path:
        match step:
            case str():
                values = [value[step] for value in values if isinstance(value, dict) and step in value]
            case int():
                values = [value[step] for value in values if isinstance(value, list) and step < len(value)]
            case None:
                values = [item for value in values if isinstance(value, list) for item in value]
    return values


def change(document: Any, path: tuple[Step, ...], compute: Callable[[Any], Any], *, create: bool) -> Any:
    """Return a document with the values at a path replaced by what is computed of them.

    Args:
        document: the document; its parts are changed in place.
        path: the path.
        compute: gives the new value of an old one, which is None for a member that is not there.
        create: whether members that are not there are made; otherwise a path that leads nowhere changes nothing.
    """
    if not path:
        return compute(document)
    step, rest = path[0], path[1:]
    match step:
        case str() if isinstance(document, dict):
            if step in document:
                document[step] = change(document[step], rest, compute, create=create)
            elif create and all(isinstance(later, str) for later in rest):
                document[step] = change({}, rest, compute, create=True) if rest else compute(None)
        case int() if isinstance(document, list) and step < len(document):
            document[step] = change(document[step], rest, compute, create=create)
        case None if isinstance(document, list):
            document[:] = [change(item, rest, compute, create=create) for item in document]
        case _:
            pass
    return document


def delete(document: Any, path: tuple[Step, ...]) -> None:
    """Remove the member at a path of names, if it is there."""
    for value in follow(document, path[:-1]):
        if isinstance(value, dict):
            value.pop(path[-1], None)


def inferred(text: str) -> Any:
    """Return the JSON value that a text is, or None if it is none."""
    value = loads(text)
    return None if value is NOTHING else value


def shown(value: Any) -> str:
    """Return a JSON value as text, without the quotes of a text.

    Raises:
        TooDeepError: it is nested too deeply.
    """
    return "null" if value is None else text_of(native(value))
