"""Evaluate an expression of the plan on one event, as the Sigma specification says.

Written for clarity; each `match` branch is one sentence of docs/semantics.md.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Literal, assert_never

from converter.plan import nodes as ir
from converter.reference.casefold import fold
from converter.reference.regex import searcher
from converter.reference.time import SECOND, parse_time
from converter.reference.values import every_value, find, number_of, string_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def matches(expr: ir.Expr, event: Mapping[str, Any]) -> bool:
    """Return whether the expression is true of the event."""
    match expr:
        case ir.And(items):
            return all(matches(item, event) for item in items)
        case ir.Or(items):
            return any(matches(item, event) for item in items)
        case ir.Not(item):
            return not matches(item, event)
        case ir.StringMatch(field, pattern, cased):
            return any(_like(pattern, string, cased=cased) for string in _strings(find(event, field)))
        case ir.NumberMatch(field, number):
            return any(number_of(value) == number for value in find(event, field))
        case ir.BoolMatch(field, value):
            return any(string.lower() == str(value).lower() for string in _strings(find(event, field)))
        case ir.NumberCompare(field, op, number):
            return any(_compares(number_of(value), op, number) for value in find(event, field))
        case ir.Regex(field, pattern, flags, place):
            search = searcher(pattern, flags, place)
            return any(search(string) for string in _strings(find(event, field)))
        case ir.Cidr(field, network):
            return any(_inside(string, network) for string in _strings(find(event, field)))
        case ir.IsNull(field):
            values = find(event, field)
            return not values or any(value is None for value in values)
        case ir.Exists(field):
            return bool(find(event, field))
        case ir.FieldRef(field, other, relation, cased):
            read = str if cased else fold
            others = [read(string) for string in _strings(find(event, other))]
            return any(
                _related(read(string), relation, second) for string in _strings(find(event, field)) for second in others
            )
        case ir.TimePart(field, part, op, number):
            return any(_part_compares(value, part, op, number) for value in find(event, field))
        case ir.Unexpanded():
            raise expr.error
        case ir.Keyword(pattern, cased):
            return any(_contains(pattern, string, cased=cased) for string in _strings(every_value(event)))
        case ir.KeywordRegex(pattern, flags, place):
            search = searcher(pattern, flags, place)
            return any(search(string) for string in _strings(every_value(event)))
        case _:
            assert_never(expr)


def _strings(values: Iterable[Any]) -> list[str]:
    return [string for value in values if (string := string_of(value)) is not None]


def _like(pattern: ir.Pattern, string: str, *, cased: bool) -> bool:
    """Return whether the whole string matches the pattern."""
    return _matches_parts(_units(pattern, cased), string if cased else fold(string))


def _contains(pattern: ir.Pattern, string: str, *, cased: bool) -> bool:
    """Return whether the pattern occurs anywhere in the string."""
    units = (ir.Wildcard.ANY, *_units(pattern, cased), ir.Wildcard.ANY)
    return _matches_parts(units, string if cased else fold(string))


@lru_cache(maxsize=4096)
def _units(pattern: ir.Pattern, cased: bool) -> tuple[str | ir.Wildcard, ...]:  # noqa: FBT001
    """Return the pattern as single characters and wildcards."""
    units: list[str | ir.Wildcard] = []
    for part in pattern.parts:
        if isinstance(part, ir.Wildcard):
            units.append(part)
        else:
            units.extend(part if cased else fold(part))
    return tuple(units)


def _matches_parts(units: tuple[str | ir.Wildcard, ...], string: str) -> bool:
    """Match greedily from the left, and go back only to the last `*`: never more than length times length steps."""
    unit = position = 0
    star = -1
    resume = 0
    while position < len(string):
        if unit < len(units) and units[unit] is ir.Wildcard.ANY:
            star, resume = unit, position
            unit += 1
        elif unit < len(units) and (units[unit] is ir.Wildcard.ONE or units[unit] == string[position]):
            unit += 1
            position += 1
        elif star >= 0:
            resume += 1
            unit, position = star + 1, resume
        else:
            return False
    return all(rest is ir.Wildcard.ANY for rest in units[unit:])


def _compares(value: float | None, op: ir.Comparison, number: float) -> bool:
    if value is None:
        return False
    match op:
        case "lt":
            return value < number
        case "lte":
            return value <= number
        case "gt":
            return value > number
        case "gte":
            return value >= number
        case _:
            assert_never(op)


def _part_compares(value: Any, part: ir.TimePartName, op: ir.Comparison | Literal["eq"], limit: float) -> bool:
    """Return whether a part of a time, in UTC, stands in the relation to a number; false if the value is not a time."""
    instant = parse_time(value)
    if instant is None:
        return False
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=instant // SECOND)
    number = time.isocalendar().week if part == "week" else int(getattr(time, part))
    return number == limit if op == "eq" else _compares(number, op, limit)


def _inside(value: str, network: Any) -> bool:
    try:
        address = ip_address(value)
    except ValueError:
        return False
    if "%" in value:  # an address with a zone is local to one machine; no network holds it
        return False
    return address.version == network.version and address in network


def _related(string: str, relation: ir.FieldRelation, other: str) -> bool:
    match relation:
        case "equals":
            return string == other
        case "startswith":
            return string.startswith(other)
        case "endswith":
            return string.endswith(other)
        case "contains":
            return other in string
        case _:
            assert_never(relation)
