"""Commands that give other values to fields that are there, or values to those that are not.

fillnull value=0 a  ──>  FillNull("0", ("a",))        replace old with new in a  ──>  Replace((("old", "new"),), ("a",))
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.commands.field_lists import matcher, read_names
from converter.targets.splunk.engine.language.regexes import wildcard_groups
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.values import put, text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.values import Row

_WITHOUT_FIELDS = "replace without fields"
_SEVERAL_WILDCARDS = "replace of several values, one with a wildcard"
_WILDCARD_FIELD = "a wildcard in the fields of replace"


@dataclass(frozen=True, slots=True)
class FillNull(CommandNode):
    """`fillnull value=... fields`; no fields means every field of the rows."""

    value: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FillDown(CommandNode):
    """`filldown fields`: a missing value is the last one before it; no fields means every field."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replace(CommandNode):
    """`replace old with new, ... in fields`; no fields means every field."""

    pairs: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


def _read_fillnull(scanner: Scanner, _span: Span) -> FillNull:
    """Read `fillnull value=... fields`."""
    value = "0"
    names: list[str] = []
    while not scanner.at_command_end():
        start = scanner.offset
        match FILLNULL.option(scanner):
            case "":
                name = scanner.name("a field")
                if "*" in name:
                    raise scanner.error("a wildcard in fillnull", scanner.span(start))
                names.append(name)
                scanner.accept(",")
            case "value":
                value = scanner.value("a value")
    return FillNull(value, tuple(names))


def _compile_fillnull(command: FillNull, _context: SearchContext) -> Stage:
    """Give a value to fields that a row lacks; without a list, to every field that any row has."""
    value: Any = command.value
    if command.fields:

        def fill(rows: Iterable[Row]) -> Iterator[Row]:
            for row in rows:
                for name in command.fields:
                    row.setdefault(name, value)
                yield row

        return fill

    def fill_all(rows: Iterable[Row]) -> list[Row]:
        everything = list(rows)
        names = {name: None for row in everything for name in row if name[0:1] != "_"}
        for row in everything:
            for name in names:
                row.setdefault(name, value)
        return everything

    return fill_all


def _read_filldown(scanner: Scanner, _span: Span) -> FillDown:
    return FillDown(read_names(scanner))


def _compile_filldown(command: FillDown, _context: SearchContext) -> Stage:
    """Give a row the last value of a field that it lacks."""
    matches = matcher(command.names) if command.names else lambda name: name[0:1] != "_"

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        last: Row = {}
        for row in rows:
            for name, value in last.items():
                row.setdefault(name, value)
            last.update((name, value) for name, value in row.items() if name != "_id" and matches(name))
            yield row

    return run


def _read_replace(scanner: Scanner, span: Span) -> Replace:
    """Read `replace old with new, ... in fields`."""
    pairs: list[tuple[str, str]] = []
    names: list[str] = []
    while not scanner.at_command_end():
        if pairs and scanner.accept_word("in"):
            while not scanner.at_command_end():
                names.append(scanner.name("a field"))
                scanner.accept(",")
            break
        start = scanner.offset
        old = scanner.value("a value to replace")
        if not scanner.accept_word("with"):
            raise scanner.error(f"expected with after the value to replace, found {scanner.describe()}")
        new = scanner.value("the new value")
        if new.count("*") not in (0, old.count("*")):
            raise scanner.error("wildcards of the new value that are not those of the old", scanner.span(start))
        pairs.append((old, new))
        scanner.accept(",")
    if not pairs:
        raise scanner.error("replace without a value", span, "replace old with new in field")
    return Replace(tuple(pairs), tuple(names), span)


def _compile_replace(command: Replace, context: SearchContext) -> Stage:
    """Replace whole values of fields; of several pairs for one value the last counts.

    Raises:
        QueryError: no field is named, or several pairs have wildcards; when run: a value differs in case only.
    """
    if not command.names:
        raise context.error(
            f"{_WITHOUT_FIELDS} is not supported",
            command.span,
            "it leaves out fields by a rule that is not documented",
        )
    if len(command.pairs) > 1 and any("*" in old for old, _ in command.pairs):
        raise context.error(_SEVERAL_WILDCARDS, command.span, "use a replace for each, as Splunk advises")
    if any("*" in name for name in command.names):
        raise context.error(f"{_WILDCARD_FIELD} is not supported", command.span, "name the fields")
    pairs = [
        (wildcard_groups(old), wildcard_groups(old, cased=False), new.split("*"))
        for old, new in reversed(command.pairs)
    ]

    def replaced(value: Any) -> Any:
        shown = text_of(value)
        for exact, loose, pieces in pairs:
            groups = exact(shown)
            if groups is not None:
                return pieces[0] + "".join(part + after for part, after in zip(groups, pieces[1:], strict=False))
            if loose(shown) is not None:
                raise context.error(
                    f"replace of a value that differs in case only: {shown[:80]!r}",
                    command.span,
                    "whether Splunk minds case here is not documented",
                )
        return value

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            for name in command.names:
                if name in row:
                    put(row, name, [replaced(value) for value in values_of(row[name])])
            yield row

    return run


FILLNULL = Command(
    "fillnull", _read_fillnull, _compile_fillnull, (FillNull,), arguments="fields", options=("value",), row_by_row=True
)
FILLDOWN = Command("filldown", _read_filldown, _compile_filldown, (FillDown,), arguments="fields")
REPLACE = Command(
    "replace",
    _read_replace,
    _compile_replace,
    (Replace,),
    arguments="pairs such as `old with new`, and `in` with fields",
    refuses=(_WITHOUT_FIELDS, _SEVERAL_WILDCARDS, _WILDCARD_FIELD),
    streaming=True,
)

COMMANDS: tuple[Command[Any], ...] = (FILLNULL, FILLDOWN, REPLACE)
