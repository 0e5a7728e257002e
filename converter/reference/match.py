"""Evaluate an expression of the plan on one event, as the Sigma specification says.

Written for clarity; each `match` branch is one sentence of docs/semantics.md.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Literal, assert_never

from converter.errors import RuleLimitError
from converter.plan import nodes as ir
from converter.readers.limits import current, raises
from converter.reference.casefold import fold
from converter.reference.regex import searcher
from converter.reference.time import SECOND, parse_time
from converter.reference.values import every_value, find, number_of, string_of
from converter.reference.wildcards import contains, like

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
            return any(like(pattern, string, cased=cased) for string in _strings(find(event, field)))
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
            own, others = ({read(string) for string in _strings(find(event, name))} for name in (field, other))
            if relation == "equals":
                return not own.isdisjoint(others)
            most = current().rows
            if len(own) * len(others) > most:
                message = f"the values of {field} and {other} are more than {most:,} pairs in one event"
                raise RuleLimitError(message, expr.place, raises("rows"))
            return any(_related(string, relation, second) for string in own for second in others)
        case ir.TimePart(field, part, op, number):
            return any(_part_compares(value, part, op, number) for value in find(event, field))
        case ir.Unexpanded():
            raise expr.error
        case ir.Keyword(pattern, cased):
            return any(contains(pattern, string, cased=cased) for string in _strings(every_value(event)))
        case ir.KeywordRegex(pattern, flags, place):
            search = searcher(pattern, flags, place)
            return any(search(string) for string in _strings(every_value(event)))
        case _:
            assert_never(expr)


def _strings(values: Iterable[Any]) -> list[str]:
    return [string for value in values if (string := string_of(value)) is not None]


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


def _related(string: str, relation: Literal["startswith", "endswith", "contains"], other: str) -> bool:
    match relation:
        case "startswith":
            return string.startswith(other)
        case "endswith":
            return string.endswith(other)
        case "contains":
            return other in string
        case _:
            assert_never(relation)
