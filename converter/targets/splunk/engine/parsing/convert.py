"""The arguments of `convert`.

convert timeformat="%F" ctime(first*) as *_shown none(first_seen)  ──>  Convert("%F", (Conversion, Conversion))
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast, get_args

from converter.errors import suggest
from converter.targets.splunk.engine.language.syntax import Conversion, Convert, ConvertFunction, Span

if TYPE_CHECKING:
    from converter.targets.splunk.engine.language.lex import Scanner

_FUNCTION = re.compile(r"[A-Za-z0-9_]+")
_FUNCTIONS = frozenset(get_args(ConvertFunction))
_TIME_FORMAT = "%m/%d/%Y %H:%M:%S"


def convert(scanner: Scanner, span: Span) -> Convert:
    """Read the arguments of `convert`.

    Raises:
        QueryError: they are none, or hold what Splunk does not know.
    """
    time_format = _TIME_FORMAT
    conversions: list[Conversion] = []
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "":
                conversions.append(_conversion(scanner))
                scanner.accept(",")
            case "timeformat":
                time_format = scanner.value("a time format")
            case option:
                raise scanner.unknown_option("convert", option, start)
    if not conversions:
        raise scanner.error("convert without a function", span, "for example: convert ctime(firstTime)")
    return Convert(time_format, tuple(conversions), span)


def _conversion(scanner: Scanner) -> Conversion:
    scanner.skip()
    start = scanner.pos
    match = _FUNCTION.match(scanner.text, start)
    if match is None:
        raise scanner.error(f"expected a function of convert, found {scanner.found()}")
    written = match.group(0)
    name = written.lower()
    if name not in _FUNCTIONS:
        raise scanner.error(
            f"unknown function {written!r} of convert", Span(start, len(written)), suggest(name, _FUNCTIONS)
        )
    scanner.pos = match.end()
    field = "*"
    if scanner.accept("("):
        if scanner.peek() != ")":
            field = scanner.name("a field")
        scanner.expect(")", f"to close {written}")
    elif name != "auto":
        raise scanner.error(f"{written} without a field", Span(start, len(written)), f"write {written}(field)")
    target: str | None = None
    span = scanner.span_from(start)
    if scanner.accept_word("as"):
        target = scanner.name("a name")
        if target.count("*") != field.count("*"):
            raise scanner.error(
                "as many wildcards in the name as in the field", span, "for example: ctime(*Time) as *_t"
            )
        if name == "none":
            raise scanner.error("none() with a name", span, "none() leaves a field as it is")
    return Conversion(cast("ConvertFunction", name), field, target, span)
