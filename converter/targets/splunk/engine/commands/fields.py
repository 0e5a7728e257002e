"""Commands about which fields a row has, and under which name: `fields`, `table`, `rename`.

rename a as b, c* as d*  ──>  Rename((("a", "b"), ("c*", "d*")))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.commands.field_lists import matcher, read_some_names
from converter.targets.splunk.engine.language.search_parser import pattern_of
from converter.targets.splunk.engine.language.search_predicate import wildcard
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.values import put

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.values import Row


@dataclass(frozen=True, slots=True)
class Fields(CommandNode):
    """`fields + list` or `fields - list`; names may hold wildcards."""

    keep: bool
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table(CommandNode):
    """`table list`; names may hold wildcards."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rename(CommandNode):
    """`rename a as b, c as d`."""

    pairs: tuple[tuple[str, str], ...]


def _read_fields(scanner: Scanner, span: Span) -> Fields:
    """Read `fields + list` or `fields - list`."""
    keep = True
    if scanner.accept("-"):
        keep = False
    else:
        scanner.accept("+")
    return Fields(keep, read_some_names(scanner, span, "fields"))


def _compile_fields(command: Fields, _context: SearchContext) -> Stage:
    """Keep the fields of a list, or drop them."""
    return _keeping(command.names) if command.keep else _dropping(command.names)


def _keeping(names: Sequence[str]) -> Stage:
    """Keep the fields of a list, and the internal ones, whose names begin with an underscore."""
    matches = matcher(names)
    return lambda rows: ({name: row[name] for name in row if name[0:1] == "_" or matches(name)} for row in rows)


def _dropping(names: Sequence[str]) -> Stage:
    """Drop the fields of a list. `_id` is not a field of Splunk: only its own name drops it."""
    unwanted = matcher(names)
    drop_id = "_id" in names

    def stays(name: str) -> bool:
        return not drop_id if name == "_id" else not unwanted(name)

    return lambda rows: ({name: row[name] for name in row if stays(name)} for row in rows)


def _read_table(scanner: Scanner, span: Span) -> Table:
    """Read `table list`."""
    return Table(read_some_names(scanner, span, "table"))


def _compile_table(command: Table, _context: SearchContext) -> Stage:
    """Keep the fields of a list, in its order, and `_id`; if no row has any of them there are no rows."""

    def run(rows: Iterable[Row]) -> list[Row]:
        shown: list[Row] = []
        any_field = False
        for row in rows:
            new: Row = {}
            for name in command.names:
                if "*" in name:
                    matches = wildcard(pattern_of(name).parts, cased=True)
                    new.update((field, row[field]) for field in row if matches(field) and field[0:1] != "_")
                elif name in row:
                    new[name] = row[name]
            any_field = any_field or bool(new)
            if "_id" in row:
                new["_id"] = row["_id"]
            shown.append(new)
        return shown if any_field else []

    return run


def _read_rename(scanner: Scanner, span: Span) -> Rename:
    """Read `rename a as b, c as d`."""
    pairs: list[tuple[str, str]] = []
    while not scanner.at_command_end():
        start = scanner.offset
        source = scanner.name("a field to rename")
        if not scanner.accept_word("as"):
            raise scanner.error(f"expected as after the field to rename, found {scanner.describe()}")
        target = scanner.name("the new name")
        stars = (source.count("*"), target.count("*"))
        if stars not in ((0, 0), (1, 1)):
            raise scanner.error(
                "a rename with wildcards that are not one on each side", scanner.span(start), "rename a* as b*"
            )
        names = {name for pair in pairs for name in pair}
        if source in names or target in names:
            raise scanner.error("one field twice in a rename", scanner.span(start), "use two renames")
        pairs.append((source, target))
        scanner.accept(",")
    if not pairs:
        raise scanner.error("rename without a field", span)
    return Rename(tuple(pairs))


def _compile_rename(command: Rename, _context: SearchContext) -> Stage:
    """Rename fields, all at once; a source that is missing removes the target; a wildcard carries its part over."""
    plain = [pair for pair in command.pairs if "*" not in pair[0]]
    patterns = [(source.partition("*"), target.partition("*")) for source, target in command.pairs if "*" in source]

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            pairs = [*plain, *_expanded(row, patterns)] if patterns else plain
            values = [(target, row.pop(source, None)) for source, target in pairs]
            for target, value in values:
                put(row, target, value)
            yield row

    return run


def _expanded(row: Row, patterns: Sequence[tuple[tuple[str, str, str], tuple[str, str, str]]]) -> list[tuple[str, str]]:
    """Return the renames of the fields that match a pattern; the internal fields match none."""
    return [
        (name, before + name[len(first) : len(name) - len(last)] + after)
        for (first, _, last), (before, _, after) in patterns
        for name in row
        if name[0:1] != "_" and len(name) >= len(first) + len(last) and name.startswith(first) and name.endswith(last)
    ]


FIELDS = Command("fields", _read_fields, _compile_fields, (Fields,), arguments="`+` or `-`, and fields", streaming=True)
TABLE = Command("table", _read_table, _compile_table, (Table,), arguments="fields")
RENAME = Command(
    "rename",
    _read_rename,
    _compile_rename,
    (Rename,),
    arguments="pairs such as `old as new`",
    streaming=True,
    row_by_row=True,
)

COMMANDS: tuple[Command[Any], ...] = (FIELDS, TABLE, RENAME)
