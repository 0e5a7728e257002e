"""Compile one comparison of one field into a test of one scalar.

    Kind + value ──is_test / range_test──> scalar -> bool

Everything that depends on the query alone is settled here: dates, networks and numbers are read once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from operator import ge, gt, le, lt
from typing import Any, TypeAlias, assert_never

from converter.errors import QueryError
from converter.products.elastic.addresses import Block, block
from converter.products.elastic.dates import Span, span
from converter.products.elastic.documents import Scalar
from converter.products.elastic.field_types import ecs_type
from converter.products.elastic.floats import is_narrow, queried
from converter.products.elastic.wildcards import matcher, star_pieces
from converter.readers.source import Source
from converter.targets.kql.engine import syntax
from converter.targets.kql.engine.fields import Kind, converter
from converter.targets.kql.engine.numbers import Held, Number, equal, number_in, ordered

Test: TypeAlias = Callable[[Scalar], bool]

# What the engine does not run, as its messages say it.
TEXT_FIELD = "a text field; matching it needs its analyser, which is not simulated"
SPLIT_PATTERN = "Kibana splits a pattern with blanks"
FLATTENED_KEY = "a key of a flattened object: with a * at the start or inside, or a blank"
_BLANKS = frozenset(" \t\n\r\u3000")
DATE_MATHEMATICS = "date mathematics depends on the time of the query"


def is_test(name: str, kind: Kind, value: syntax.Value, query: str) -> Test:
    """Return the test of `name: value` on one scalar.

    Raises:
        QueryError: Elasticsearch would refuse the value for this kind of field, or would analyse it; the test itself
            raises it when a wildcard meets a number.
    """
    if isinstance(value, syntax.Constant) and value.value is None:
        raise error("null is not a value in KQL", value, query, "write: not field: *")
    match kind:
        case Kind.TEXT:
            raise error(
                f"{name} is {TEXT_FIELD}", value, query,
                "match a keyword field, or test only that the field exists",
            )  # fmt: skip
        case Kind.KEYWORD:
            if isinstance(value, syntax.Wildcard) and ".flattened." in name:
                _check_flattened(name, value, query)
            return _pattern_test(name, value, query) if isinstance(value, syntax.Wildcard) else _keyword_test(value)
        case Kind.WILDCARD:
            if isinstance(value, syntax.Wildcard) and splits(value):
                raise error(
                    f"{name} is a wildcard field: {SPLIT_PATTERN} there into words", value, query,
                    "write a * in place of each blank",
                )  # fmt: skip
            return _pattern_test(name, value, query) if isinstance(value, syntax.Wildcard) else _keyword_test(value)
        case _ if isinstance(value, syntax.Wildcard):
            raise error(f"{name} is of type {kind.value}, which takes no wildcard", value, query)
        case Kind.NUMBER:
            return _held(name, equal(_number_of(name, value, query, equal_to=True)))
        case Kind.BOOLEAN:
            expected = _boolean_of(name, value, query)
            return _held(name, lambda own: own is expected)
        case Kind.IP:
            low, high = _network_of(name, value, query)
            return _held(name, lambda own: low <= own <= high)
        case Kind.DATE:
            first, last = _span_of(name, value, query)
            return _held(name, lambda own: first <= own <= last)
        case _ as never:
            assert_never(never)


def range_test(name: str, kind: Kind, operator: syntax.RangeOperator, value: syntax.Value, query: str) -> Test:
    """Return the test of `name >= value` and its like on one scalar.

    Raises:
        QueryError: as `is_test`; also when the scalar is a boolean or a number that the bound is not, or a number that
            no long can be compared with.
    """
    match value:
        case syntax.Wildcard(parts):  # a star is a star in a range
            value = syntax.Text("*".join(parts), start=value.start, end=value.end)
        case syntax.Constant(None):
            raise error("null is not a value in KQL", value, query, "write: not field: *")
        case syntax.Constant():
            value = syntax.Text(text_of(value), start=value.start, end=value.end)
        case syntax.Text():
            pass
    match kind:
        case Kind.TEXT:
            raise error(f"{name} is {TEXT_FIELD}", value, query)
        case Kind.KEYWORD | Kind.WILDCARD:
            return _keyword_range(name, operator, value, query)
        case Kind.NUMBER:
            return _held(
                name, _number_range(name, operator, _number_of(name, value, query, equal_to=False), value, query)
            )
        case Kind.BOOLEAN:
            return _held(name, _compared(operator, _boolean_of(name, value, query)))
        case Kind.IP:
            if "/" in value.text:
                raise error("a range takes one address, not a network", value, query)
            bound, _ = _network_of(name, value, query)
            return _held(name, _compared(operator, bound))
        case Kind.DATE:
            first, last = _span_of(name, value, query)
            # A bound with parts left out is rounded up where its whole unit must be inside (<=) or outside (>).
            return _held(name, _compared(operator, last if operator in {"<=", ">"} else first))
        case _ as never:
            assert_never(never)


def text_of(value: syntax.Text | syntax.Constant) -> str:
    """Return the text that a keyword field is compared with."""
    if isinstance(value, syntax.Text):
        return value.text
    return "" if value.value is None else str(value.value).lower()


def pattern(value: syntax.Wildcard) -> Callable[[str], bool]:
    """Return a test whether a whole text is the pattern: its time is linear."""
    return matcher(star_pieces(value.parts))


def splits(value: syntax.Wildcard) -> bool:
    """Return whether `query_string`, which Kibana sends where a field is not a keyword, makes several terms of it."""
    return any(not _BLANKS.isdisjoint(part) for part in value.parts)


def error(message: str, value: syntax.Value, query: str, hint: str = "") -> QueryError:
    """Return a QueryError placed at `value`."""
    return Source(query, QueryError).error(message, value, hint)


_COMPARE: dict[syntax.RangeOperator, Callable[[Any, Any], bool]] = {
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


def _compared(symbol: syntax.RangeOperator, bound: Any) -> Callable[[Any], bool]:
    compare = _COMPARE[symbol]
    return lambda own: compare(own, bound)


def _held(name: str, test: Callable[[Any], bool]) -> Test:
    """Return the test of what the index holds of a scalar: what it does not hold does not pass."""
    convert = converter(name)
    return lambda scalar: (own := convert(scalar)) is not None and test(own)


def _keyword_test(value: syntax.Text | syntax.Constant) -> Test:
    text = text_of(value)
    number = number_in(text)
    same = None if number is None else equal(number)

    def test(scalar: Scalar) -> bool:
        if isinstance(scalar, str):
            return scalar == text
        if isinstance(scalar, bool):
            return text == ("true" if scalar else "false")
        return same is not None and same(scalar)

    return test


def _check_flattened(name: str, value: syntax.Wildcard, query: str) -> None:
    """Refuse patterns on a key of a flattened object whose star does not stand at the end."""
    start, *rest = value.parts
    if not start or rest != [""] or splits(value):
        raise error(
            f"{name} is {FLATTENED_KEY}, Elasticsearch finds other keys, or nothing", value, query,
            "put the only * at the end",
        )  # fmt: skip


def _pattern_test(name: str, value: syntax.Wildcard, query: str) -> Test:
    matches = pattern(value)

    def test(scalar: Scalar) -> bool:
        if isinstance(scalar, str):
            return matches(scalar)
        message = f"a wildcard meets {scalar!r} in {name}: Elasticsearch takes wildcards on text values only"
        raise error(message, value, query)

    return test


def _keyword_range(name: str, operator: syntax.RangeOperator, value: syntax.Text, query: str) -> Test:
    text = value.text
    number = number_in(text)
    compare_text = _COMPARE[operator]
    compare = None if number is None else _number_range(name, operator, number, value, query)

    def test(scalar: Scalar) -> bool:
        if isinstance(scalar, str):
            return compare_text(scalar, text)
        if isinstance(scalar, bool) and text in {"true", "false"}:
            return compare_text("true" if scalar else "false", text)
        if isinstance(scalar, bool) or compare is None:
            raise error(f"a range from {text!r} meets {scalar!r} in {name}", value, query)
        return compare(scalar)

    return test


def _number_range(
    name: str, operator: syntax.RangeOperator, number: Number, value: syntax.Text, query: str
) -> Callable[[Held], bool]:
    compare = ordered(operator, number)
    if not number.beyond_longs:
        return compare

    def test(own: Held) -> bool:
        if isinstance(own, int):
            raise error(f"a range from beyond 64 bits meets {own} in {name}", value, query)
        return compare(own)

    return test


def _number_of(
    name: str, value: syntax.Text | syntax.Constant | syntax.Wildcard, query: str, *, equal_to: bool
) -> Number:
    """Return the number that a field is compared with: a float is rounded as the values of the field are."""
    number = number_in(value.text) if isinstance(value, syntax.Text) else None
    if number is None:
        raise error(f"{name} is of type number, and this is not a number", value, query)
    kind = ecs_type(name) or ""
    if is_narrow(kind) and math.isfinite(number.double):
        return replace(number, double=queried(number.double, kind, equal=equal_to))
    return number


def _span_of(name: str, value: syntax.Text | syntax.Constant | syntax.Wildcard, query: str) -> Span:
    bounds = span(value.text) if isinstance(value, syntax.Text) else None
    if bounds is None:
        if isinstance(value, syntax.Text) and (value.text.startswith("now") or "||" in value.text):
            raise error(f"{DATE_MATHEMATICS}, which an engine on logs has not", value, query)
        raise error(f"{name} is of type date, and this is not a date", value, query, "write 2026-01-31T12:00:00.000Z")
    return bounds


def _network_of(name: str, value: syntax.Text | syntax.Constant | syntax.Wildcard, query: str) -> Block:
    """Return the first and the last address of an address or a network."""
    try:
        return block(value.text if isinstance(value, syntax.Text) else "")
    except ValueError:
        raise error(f"{name} is of type ip, and this is neither an address nor a network", value, query) from None


def _boolean_of(name: str, value: syntax.Text | syntax.Constant | syntax.Wildcard, query: str) -> bool:
    text = "" if isinstance(value, syntax.Wildcard) else text_of(value)
    if text not in {"true", "false"}:
        raise error(f"{name} is of type boolean, and this is neither true nor false", value, query)
    return text == "true"
