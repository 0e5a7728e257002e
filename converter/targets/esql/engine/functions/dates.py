"""Date functions: DATE_TRUNC, DATE_DIFF, DATE_EXTRACT, DATE_FORMAT. Everything is UTC.

Source: Elasticsearch docs "ES|QL date-time functions"; classes `DateTrunc`, `DateDiff`, `DateExtract`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from converter.errors import suggest
from converter.products.elastic.dates import iso
from converter.targets.esql.engine.functions.base import Function
from converter.targets.esql.engine.language.bound import STRINGS, Bound, Context, expect, expect_constant, lift
from converter.targets.esql.engine.language.operators import cast_text
from converter.targets.esql.engine.language.times import (
    DIFFERENCE_UNITS,
    EXTRACT_PARTS,
    Period,
    compile_format,
    difference,
    extract,
    format_with,
    truncate,
)
from converter.targets.esql.engine.language.types import NullifiedError, Type, in_range

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.readers.source import Span

_FORMAT = "DATE_FORMAT with this format"


def _moment(context: Context, name: str, argument: Bound) -> Bound:
    """Return an argument that is a datetime; a text constant becomes one."""
    if argument.literal and argument.type is Type.KEYWORD:
        return cast_text(context, argument, Type.DATETIME)
    expect(context, name, argument, (Type.DATETIME,), "a datetime")
    return argument


def _guarded(compute: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function for which a year outside 1 to 9999 is null and a warning, not an error."""

    def guarded(*arguments: Any) -> Any:
        try:
            return compute(*arguments)
        except (OverflowError, ValueError):
            raise NullifiedError("date out of range") from None

    return guarded


def _date_trunc(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    interval, moment = arguments
    expect(context, "DATE_TRUNC", interval, (Type.PERIOD, Type.DURATION), "a span of time such as 1 hour")
    moment = _moment(context, "DATE_TRUNC", moment)
    size = interval.value
    if size is None:
        raise context.error("DATE_TRUNC needs an interval", interval.span)
    if isinstance(size, Period):
        if size.months < 0 or size.days < 0 or not (size.months or size.days):
            raise context.error("DATE_TRUNC needs an interval above zero", interval.span)
        if size.months and size.days:
            raise context.error("DATE_TRUNC needs an interval of one unit", interval.span)
    elif size <= 0:
        raise context.error("DATE_TRUNC needs an interval above zero", interval.span)
    if isinstance(size, int):
        return lift(context, span, (moment,), Type.DATETIME, lambda millis: millis - millis % size)
    return lift(context, span, (moment,), Type.DATETIME, _guarded(lambda millis: truncate(millis, size)))


def _date_diff(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    unit = expect_constant(context, "DATE_DIFF", arguments[0], "unit")
    if not isinstance(unit, str) or unit.lower() not in DIFFERENCE_UNITS:
        hint = suggest(str(unit).lower(), DIFFERENCE_UNITS) or "such as seconds, minutes, hours, days"
        raise context.error("DATE_DIFF does not know this unit", arguments[0].span, hint)
    start, end = (_moment(context, "DATE_DIFF", argument) for argument in arguments[1:])
    name = unit.lower()
    compute = _guarded(lambda a, b: in_range(difference(name, a, b), Type.INTEGER))
    return lift(context, span, (start, end), Type.INTEGER, compute)


def _date_extract(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    part = expect_constant(context, "DATE_EXTRACT", arguments[0], "part")
    if not isinstance(part, str) or part.upper() not in EXTRACT_PARTS:
        hint = suggest(str(part).upper(), EXTRACT_PARTS) or f"known: {', '.join(sorted(EXTRACT_PARTS))}"
        raise context.error("DATE_EXTRACT does not know this part", arguments[0].span, hint)
    moment = _moment(context, "DATE_EXTRACT", arguments[1])
    name = part.upper()
    return lift(context, span, (moment,), Type.LONG, _guarded(lambda millis: extract(name, millis)))


def _date_format(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    moment = _moment(context, "DATE_FORMAT", arguments[-1])
    if len(arguments) == 1:
        return lift(context, span, (moment,), Type.KEYWORD, iso)
    pattern = arguments[0]
    expect(context, "DATE_FORMAT", pattern, STRINGS, "a format")
    if pattern.literal and pattern.value is None:
        raise context.error("DATE_FORMAT needs a format", pattern.span)

    @cache
    def pieces_of(text: str) -> tuple[str, ...]:
        pieces = compile_format(text) if text else None
        if pieces is None:
            raise context.refused(_FORMAT, pattern.span, "known: yyyy, MM, dd, HH, mm, ss, SSS and 'text'")
        return pieces

    if pattern.constant and isinstance(pattern.value, str):
        known = pieces_of(pattern.value)
        return lift(context, span, (moment,), Type.KEYWORD, _guarded(lambda millis: format_with(known, millis)))
    compute = _guarded(lambda text, millis: format_with(pieces_of(text), millis))
    return lift(context, span, (pattern, moment), Type.KEYWORD, compute)


FUNCTIONS = {
    "date_diff": Function(_date_diff, 3, 3),
    "date_extract": Function(_date_extract, 2, 2),
    "date_format": Function(_date_format, 1, 2, refuses=(_FORMAT,)),
    "date_trunc": Function(_date_trunc, 2, 2),
}
