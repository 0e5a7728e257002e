"""`convert`: values of fields to other forms.

    convert timeformat="%F" ctime(first*) as *_shown none(first_seen)  ──>  Convert("%F", (Conversion, Conversion))
    row ──fields that match──> function(value) ──> row

The names of a wildcard are those that any row has, so rows are held back where there is one, and for `auto`, which
converts a field only if it can convert all of it.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, assert_never, cast, get_args

from converter.errors import suggest
from converter.readers.source import NOWHERE, Span
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.commands.field_lists import matcher
from converter.targets.splunk.engine.functions.evaluate import compile_expression
from converter.targets.splunk.engine.language.regexes import wildcard_groups
from converter.targets.splunk.engine.language.syntax import Call, CommandNode, Field, String
from converter.targets.splunk.engine.language.values import number_of, put, text_of, tidy, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.values import Row

ConvertFunction: TypeAlias = Literal[
    "auto", "ctime", "dur2sec", "memk", "mktime", "mstime", "none", "num", "rmcomma", "rmunit"
]
_Function: TypeAlias = "Callable[[Any], Any]"
_FUNCTION = re.compile(r"[A-Za-z0-9_]+")
_FUNCTIONS = frozenset(get_args(ConvertFunction))
_TIME_FORMAT = "%m/%d/%Y %H:%M:%S"
_DURATION = re.compile(r"(?:([0-9]{1,9})\+)?([0-9]{1,9}):([0-5]?[0-9]):([0-5]?[0-9](?:\.[0-9]{1,9})?)")
_MINUTES = re.compile(r"(?:([0-9]{1,9}):)?([0-9]{1,9}(?:\.[0-9]{1,9})?)")
_MEMORY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)\s*([KMGkmg]?)[Bb]?")
_LEADING = re.compile(r"\s*([+-]?[0-9]{1,300}(?:\.[0-9]{1,300})?)")
_KILOBYTES = {"": 1, "k": 1, "m": 1024, "g": 1024 * 1024}
_VALUE = "value"


@dataclass(frozen=True, slots=True)
class Conversion:
    """`function(field) as target` of a convert; the field and its target may hold wildcards; no target is in place."""

    function: ConvertFunction
    field: str
    target: str | None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Convert(CommandNode):
    """`convert timeformat=... function(field) as target ...`."""

    time_format: str
    conversions: tuple[Conversion, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


def _read_convert(scanner: Scanner, span: Span) -> Convert:
    """Read the arguments of `convert`.

    Raises:
        QueryError: they are missing, or hold what Splunk does not know.
    """
    time_format = _TIME_FORMAT
    conversions: list[Conversion] = []
    while not scanner.at_command_end():
        match CONVERT.option(scanner):
            case "":
                conversions.append(_conversion(scanner))
                scanner.accept(",")
            case "timeformat":
                time_format = scanner.value("a time format")
    if not conversions:
        raise scanner.error("convert without a function", span, "for example: convert ctime(firstTime)")
    return Convert(time_format, tuple(conversions), span)


def _conversion(scanner: Scanner) -> Conversion:
    scanner.skip()
    start = scanner.offset
    match = _FUNCTION.match(scanner.text, start)
    if match is None:
        raise scanner.error(f"expected a function of convert, found {scanner.describe()}")
    written = match.group(0)
    name = written.lower()
    if name not in _FUNCTIONS:
        raise scanner.error(
            f"unknown function {written!r} of convert", Span(start, start + len(written)), suggest(name, _FUNCTIONS)
        )
    scanner.offset = match.end()
    field = "*"
    if scanner.accept("("):
        if scanner.peek() != ")":
            field = scanner.name("a field")
        scanner.expect(")", f"to close {written}")
    elif name != "auto":
        raise scanner.error(f"{written} without a field", Span(start, start + len(written)), f"write {written}(field)")
    target: str | None = None
    span = scanner.span(start)
    if scanner.accept_word("as"):
        target = scanner.name("a name")
        if target.count("*") != field.count("*"):
            raise scanner.error(
                "as many wildcards in the name as in the field", span, "for example: ctime(*Time) as *_t"
            )
        if name == "none":
            raise scanner.error("none() with a name", span, "none() leaves a field as it is")
    return Conversion(cast("ConvertFunction", name), field, target, span)


def _compile_convert(command: Convert, context: SearchContext) -> Stage:
    """Return the stage of `convert`.

    Raises:
        QueryError: a time format that is not known.
    """
    functions = [(item, _function(item, command, context)) for item in command.conversions if item.function != "none"]
    spared_names = [item.field for item in command.conversions if item.function == "none"]
    spared = matcher(spared_names)
    if not any("*" in item.field or item.function == "auto" for item, _ in functions):
        plain = [(item, function) for item, function in functions if not spared(item.field)]
        return lambda rows: _plain(rows, plain)

    def run(rows: Iterable[Row]) -> list[Row]:
        everything = list(rows)
        for item, function in functions:
            for name, target in _targets(everything, item, spared):
                if item.function == "auto" and not _all_convert(everything, name, function):
                    continue
                for row in everything:
                    _convert(row, name, target, function)
        return everything

    return run


def _plain(rows: Iterable[Row], functions: Sequence[tuple[Conversion, _Function]]) -> Iterator[Row]:
    for row in rows:
        for item, function in functions:
            _convert(row, item.field, item.target or item.field, function)
        yield row


def _convert(row: Row, name: str, target: str, function: _Function) -> None:
    if name in row:
        converted = [function(value) for value in values_of(row[name])]
        put(row, target, [value for value in converted if value is not None])


def _all_convert(rows: Sequence[Row], name: str, function: _Function) -> bool:
    return all(function(value) is not None for row in rows for value in values_of(row.get(name)))


def _targets(rows: Sequence[Row], item: Conversion, spared: Callable[[str], bool]) -> list[tuple[str, str]]:
    """Return the fields of the rows that a conversion is for, and what each becomes."""
    if "*" not in item.field:
        return [] if spared(item.field) else [(item.field, item.target or item.field)]
    parts_of = wildcard_groups(item.field)
    names = {name: None for row in rows for name in row if name[0:1] != "_"}
    targets = []
    for name in names:
        matched = parts_of(name)
        if matched is None or spared(name):
            continue
        target = name
        if item.target is not None:
            parts = item.target.split("*")
            target = parts[0] + "".join(part + after for part, after in zip(matched, parts[1:], strict=True))
        targets.append((name, target))
    return targets


def _function(item: Conversion, command: Convert, context: SearchContext) -> _Function:
    """Return the function of a value; None if the value cannot be converted, which removes it."""
    match item.function:
        case "ctime":
            show = _time_function("strftime", item, command, context)
            return lambda value: value if number_of(value) is None else show(value)
        case "mktime":
            return _time_function("strptime", item, command, context)
        case "dur2sec":
            return _or_same(_duration)
        case "mstime":
            return _or_same(_minutes)
        case "memk":
            return _or_same(_memory)
        case "num" | "auto":
            return _number
        case "rmcomma":
            return lambda value: text_of(value).replace(",", "")
        case "rmunit":
            return _or_same(_without_unit)
        case "none":
            return lambda value: value
        case unknown:
            assert_never(unknown)


def _time_function(name: str, item: Conversion, command: Convert, context: SearchContext) -> _Function:
    """Return a function of eval, so that both show and read times alike."""
    arguments = (Field(_VALUE, item.span), String(command.time_format, item.span))
    run = compile_expression(Call(name, arguments, item.span), context.source).run
    return lambda value: run({_VALUE: value})


def _or_same(function: _Function) -> _Function:
    """Leave a value that cannot be converted as it is."""

    def run(value: Any) -> Any:
        converted = function(value)
        return value if converted is None else converted

    return run


def _number(value: Any) -> Any:
    """Return a value as a number by the first form that fits: a number, a duration, a size, one with commas."""
    number = number_of(value)
    if number is not None:
        return number
    for function in (_duration, _minutes_only, _memory):
        if (converted := function(value)) is not None:
            return converted
    return number_of(text_of(value).replace(",", ""))


def _exact(number: Fraction) -> Any:
    return tidy(float(number)) if number.denominator != 1 else tidy(number.numerator)


def _duration(value: Any) -> Any:
    match = _DURATION.fullmatch(text_of(value))
    if match is None:
        return None
    days, hours, minutes, seconds = (Fraction(part or 0) for part in match.groups())
    return _exact(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def _minutes(value: Any) -> Any:
    match = _MINUTES.fullmatch(text_of(value))
    return None if match is None else _exact(Fraction(match.group(1) or 0) * 60 + Fraction(match.group(2)))


def _minutes_only(value: Any) -> Any:
    return _minutes(value) if ":" in text_of(value) else None


def _memory(value: Any) -> Any:
    match = _MEMORY.fullmatch(text_of(value))
    return None if match is None else _exact(Fraction(match.group(1)) * _KILOBYTES[match.group(2).lower()])


def _without_unit(value: Any) -> Any:
    match = _LEADING.match(text_of(value))
    return None if match is None else number_of(match.group(1))


CONVERT = Command(
    "convert",
    _read_convert,
    _compile_convert,
    (Convert,),
    arguments="fields such as `ctime(field) as name`, with " + ", ".join(f"`{name}`" for name in sorted(_FUNCTIONS)),
    options=("timeformat",),
    streaming=True,
    row_by_row=True,
)

COMMANDS: tuple[Command[Any], ...] = (CONVERT,)
