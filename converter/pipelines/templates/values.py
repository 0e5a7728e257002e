"""The values that a template of a pipeline sees: text, numbers, lists and mappings, never an object of the program.

a value of pySigma ──plain──> a copy as data; Part: text with named parts
"""

from __future__ import annotations

import datetime as dt
import uuid
from enum import Enum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DEPTH = 64
_LOGSOURCE = ("category", "product", "service", "definition")


class Part(str):
    """A text with named parts: `rule.level` is `high`, and `rule.level.name` is `HIGH`."""

    __slots__ = ("parts",)
    parts: Mapping[str, Any]

    def __new__(cls, text: str, parts: Mapping[str, Any]) -> Self:
        """Return the text with its parts."""
        part = super().__new__(cls, text)
        part.parts = parts
        return part


class Undefined:
    """What a name stands for that a template does not know: empty text, and an error if it is asked for more."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return ""

    def __repr__(self) -> str:
        return "Undefined"


class Namespace(dict[str, Any]):
    """What `namespace()` returns: the only values that a template may set in a loop and read after it."""


def plain(value: Any, depth: int = 0) -> Any:
    """Return a copy of a value as plain data; what is neither data nor part of a rule becomes text."""
    match value:
        case None | bool() | int() | float():
            return value if not isinstance(value, Enum) else _enum(value)
        case Part():
            return value
        case str() if type(value) is str:
            return value
        case Enum():
            return _enum(value)
        case uuid.UUID():
            return Part(str(value), {"hex": value.hex, "urn": value.urn})
        case dt.date():
            return Part(str(value), {"year": value.year, "month": value.month, "day": value.day})
        case dict() if depth < _DEPTH:
            return {_key(key): plain(item, depth + 1) for key, item in value.items()}
        case list() | tuple() | set() | frozenset() if depth < _DEPTH:
            items: Iterable[Any] = sorted(value, key=str) if isinstance(value, set | frozenset) else value
            return [plain(item, depth + 1) for item in items]
    return _of_rule(value)


def _of_rule(value: Any) -> Any:
    match type(value).__name__:
        case "SigmaRuleTag":
            return Part(str(value), {"namespace": str(value.namespace), "name": str(value.name)})
        case "SigmaLogSource":
            parts = {name: plain(getattr(value, name, None)) for name in _LOGSOURCE}
            custom = plain(getattr(value, "custom_attributes", None) or {})
            return Part("/".join(filter(None, map(value.__dict__.get, _LOGSOURCE[:3]))), {**custom, **parts})
        case "SigmaRelated":
            return [plain(item) for item in value.related]
        case "SigmaRelatedItem":
            return Part(str(value.id), {"id": plain(value.id), "type": plain(value.type)})
        case "SigmaCorrelationTimespan":
            parts = {"seconds": value.seconds, "count": value.count, "unit": value.unit, "spec": value.spec}
            return Part(str(value.spec), parts)
        case _:
            return str(value)


def _enum(value: Enum) -> Part:
    number = value.value if isinstance(value.value, int) else str(value.value)
    return Part(str(value), {"name": value.name, "value": number})


def _key(key: Any) -> Any:
    return key if key is None or isinstance(key, bool | int | float) or type(key) is str else str(key)
