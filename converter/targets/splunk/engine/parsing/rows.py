"""The arguments of commands that fill, join or make rows, and of those that look back at rows before.

delta count as more p=2  ──>  Delta("count", "more", 2)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from converter.targets.splunk.engine.language.syntax import (
    Accum,
    AutoRegress,
    Delta,
    FillDown,
    MakeResults,
    MvCombine,
    NoMv,
    Span,
    Uniq,
)

if TYPE_CHECKING:
    from converter.targets.splunk.engine.language.lex import Scanner

_STEPS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_MOST_STEPS = 10_000
_MOST_RANGE = 1_000
_MOST_ROWS = 10_000_000


def filldown(scanner: Scanner, _span: Span) -> FillDown:
    """Read `filldown fields`; names may hold wildcards."""
    names: list[str] = []
    while not scanner.at_command_end():
        names.append(scanner.name("a field"))
        scanner.accept(",")
    return FillDown(tuple(names))


def mvcombine(scanner: Scanner, span: Span) -> MvCombine:
    """Read `mvcombine delim=... field`."""
    delimiter = " "
    name = ""
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "delim":
                delimiter = scanner.value("a delimiter")
            case "" if not name:
                name = scanner.name("a field")
            case "":
                raise scanner.error(f"unexpected {scanner.found()} in mvcombine", hint="it takes one field")
            case option:
                raise scanner.unknown_option("mvcombine", option, start)
    if not name:
        raise scanner.error("mvcombine without a field", span)
    return MvCombine(name, delimiter, span)


def nomv(scanner: Scanner, span: Span) -> NoMv:
    """Read `nomv field`."""
    return NoMv(_one_field(scanner, span, "nomv"))


def uniq(_scanner: Scanner, _span: Span) -> Uniq:
    """Read `uniq`."""
    return Uniq()


def makeresults(scanner: Scanner, span: Span) -> MakeResults:
    """Read `makeresults count=N`.

    Raises:
        QueryError: `annotate=t`, which names a server, or `format`, of whose rows the internal fields are not known.
    """
    count = 1
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "count":
                count = scanner.integer("a number of rows")
                if count > _MOST_ROWS:
                    raise scanner.error(f"more than {_MOST_ROWS} rows", scanner.span_from(start))
            case "annotate":
                if scanner.boolean("annotate"):
                    raise scanner.error(
                        "annotate=t of makeresults is not supported", scanner.span_from(start), "it names a server"
                    )
            case "":
                raise scanner.error(f"unexpected {scanner.found()} in makeresults")
            case option:
                raise scanner.unknown_option("makeresults", option, start)
    return MakeResults(count, span)


def accum(scanner: Scanner, span: Span) -> Accum:
    """Read `accum field as target`."""
    name = _one_field(scanner, span, "accum")
    return Accum(name, scanner.name("a name") if scanner.accept_word("as") else name)


def delta(scanner: Scanner, span: Span) -> Delta:
    """Read `delta field as target p=N`."""
    name = _one_field(scanner, span, "delta")
    target, steps = _target_and_steps(scanner, "delta")
    first, last = steps
    if first != last:
        raise scanner.error("a range of p in delta", span, "p is one number")
    return Delta(name, f"delta({name})" if target is None else target, first)


def autoregress(scanner: Scanner, span: Span) -> AutoRegress:
    """Read `autoregress field as target p=first-last`."""
    name = _one_field(scanner, span, "autoregress")
    target, (first, last) = _target_and_steps(scanner, "autoregress")
    if target is not None and first != last:
        raise scanner.error("one name for several values in autoregress", span, "leave out as, or the range of p")
    steps = range(first, last + 1)
    return AutoRegress(name, tuple((step, f"{name}_p{step}" if target is None else target) for step in steps))


def _one_field(scanner: Scanner, span: Span, command: str) -> str:
    if scanner.at_command_end():
        raise scanner.error(f"{command} without a field", span)
    return scanner.name("a field")


def _target_and_steps(scanner: Scanner, command: str) -> tuple[str | None, tuple[int, int]]:
    """Read `as name` and `p=N` or `p=N-M`, in any order."""
    target: str | None = None
    steps = (1, 1)
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "p":
                text = scanner.value("a number of rows")
                match = _STEPS.fullmatch(text)
                first = int(match.group(1)) if match else 0
                last = int(match.group(2) or first) if match else 0
                if not 0 < first <= last <= _MOST_STEPS or last - first > _MOST_RANGE:
                    raise scanner.error(f"expected a number of rows, found {text!r}", scanner.span_from(start))
                steps = (first, last)
            case "" if target is None and scanner.accept_word("as"):
                target = scanner.name("a name")
            case "":
                raise scanner.error(f"unexpected {scanner.found()} in {command}")
            case option:
                raise scanner.unknown_option(command, option, start)
    return target, steps
