"""`top` and `rare`: how often each combination of values is there.

rows ──by──> counts of combinations ──most or least frequent──> one row each, with its share
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.commands.field_lists import read_plain_name
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.values import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.values import Row

_DEFAULT_ROWS = 10
_OPTIONS = ("limit", "showcount", "showperc", "useother", "countfield", "percentfield", "otherstr")
_Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Top(CommandNode):
    """`top` and `rare`: the most or least frequent combinations of values.

    Attributes:
        fields: the combination.
        by: groups, each with a list of its own.
        limit: combinations of a group; 0 is all.
        rare: the least frequent.
        count_name, percent_name: the names of the columns; None shows none.
        other: the value of a row for the combinations beyond the limit; None if there is no such row.
    """

    fields: tuple[str, ...]
    by: tuple[str, ...]
    limit: int
    rare: bool
    count_name: str | None
    percent_name: str | None
    other: str | None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


def _read_top(scanner: Scanner, span: Span) -> Top:
    """Read the arguments of `top`.

    Raises:
        QueryError: they are missing, or hold what Splunk does not know.
    """
    return _read(scanner, span, TOP, rare=False)


def _read_rare(scanner: Scanner, span: Span) -> Top:
    """Read the arguments of `rare`.

    Raises:
        QueryError: they are missing, or hold what Splunk does not know.
    """
    return _read(scanner, span, RARE, rare=True)


def _read(scanner: Scanner, span: Span, command: Command[Any], *, rare: bool) -> Top:
    number = scanner.leading_number()
    limit = _DEFAULT_ROWS if number is None else number
    count_name, percent_name, other = "count", "percent", "OTHER"
    show_count = show_percent = True
    use_other = False
    names: list[str] = []
    by: list[str] = []
    into = names
    while not scanner.at_command_end():
        start = scanner.offset
        match command.option(scanner):
            case "":
                if names and into is names and scanner.accept_word("by"):
                    into = by
                    continue
                into.append(read_plain_name(scanner, "a chart"))
                if into[-1] in (*names, *by)[: len(names) + len(by) - 1]:
                    raise scanner.error(f"the field {into[-1]!r} twice in {command.name}", scanner.span(start))
                scanner.accept(",")
            case "limit":
                limit = scanner.integer("a number of rows")
            case "showcount":
                show_count = scanner.boolean("showcount")
            case "showperc":
                show_percent = scanner.boolean("showperc")
            case "useother":
                use_other = scanner.boolean("useother")
            case "countfield":
                count_name = scanner.value("a name")
            case "percentfield":
                percent_name = scanner.value("a name")
            case "otherstr":
                other = scanner.value("a text")
    if not names or (into is by and not by):
        raise scanner.error(
            f"{command.name} without a field", span, f"for example: {command.name} limit=5 user by host"
        )
    if clash := next((name for name in (count_name, percent_name) if name in (*names, *by)), ""):
        raise scanner.error(f"two columns with the name {clash!r}", span, "use countfield= or percentfield=")
    return Top(
        tuple(names),
        tuple(by),
        limit,
        rare,
        count_name if show_count else None,
        percent_name if show_percent else None,
        other if use_other else None,
        span,
    )


def _compile_top(command: Top, context: SearchContext) -> Stage:
    """Return the stage of `top` or `rare`; rows without one of the fields take no part.

    Raises:
        QueryError: when run: a field has several values.
    """

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        groups: dict[_Key, Counter[_Key]] = {}
        shown: dict[_Key, list[Any]] = {}
        for row in rows:
            key = _key(row, command.by, command, context)
            values = _key(row, command.fields, command, context)
            if key is None or values is None:
                continue
            shown.setdefault(key, [row[name] for name in command.by])
            shown.setdefault((*key, *values), [row[name] for name in command.fields])
            groups.setdefault(key, Counter())[values] += 1
        for key in sorted(groups):
            yield from _rows(command, key, groups[key], shown)

    return run


def _key(row: Row, names: Sequence[str], command: Top, context: SearchContext) -> _Key | None:
    values = [row.get(name) for name in names]
    if None in values:
        return None
    for name, value in zip(names, values, strict=True):
        if type(value) is list:
            what = "rare" if command.rare else "top"
            raise context.error(f"{what} of the multivalue field {name!r}", command.span, "use mvexpand first")
    return tuple(map(text_of, values))


def _rows(command: Top, key: _Key, counts: Counter[_Key], shown: dict[_Key, list[Any]]) -> Iterator[Row]:
    what = "rare" if command.rare else "top"
    ordered = sorted(counts.items(), key=lambda item: (item[1] if command.rare else -item[1], item[0]))
    limit = command.limit
    most = current().limits.rows
    if not limit and most is not None and len(ordered) > most:
        current().note(f"{what} gave {most} rows of {len(ordered)} (maxresultrows)")
        limit = most
    best = ordered[:limit] if limit else ordered
    if len(best) < len(ordered) and best and best[-1][1] == ordered[len(best)][1]:
        current().note(f"{what} cut between combinations that are equally frequent: Splunk may show others of them")
    total = counts.total()
    group = dict(zip(command.by, shown[key], strict=True)) if command.by else {}
    for key_of_values, count in best:
        values = dict(zip(command.fields, shown[*key, *key_of_values], strict=True))
        yield {**group, **values, **_figures(command, count, total)}
    rest = total - sum(count for _, count in best)
    if rest and command.other is not None:
        yield {**group, **dict.fromkeys(command.fields, command.other), **_figures(command, rest, total)}


def _figures(command: Top, count: int, total: int) -> Row:
    """Return the count and the share, a text with six decimals."""
    figures: Row = {}
    if command.count_name is not None:
        figures[command.count_name] = count
    if command.percent_name is not None:
        figures[command.percent_name] = f"{100 * count / total:.6f}"
    return figures


TOP = Command(
    "top",
    _read_top,
    _compile_top,
    (Top,),
    aliases=("common",),
    arguments="a number of rows, fields, and `by` with fields",
    options=_OPTIONS,
)
RARE = Command(
    "rare",
    _read_rare,
    _compile_top,
    (Top,),
    arguments="a number of rows, fields, and `by` with fields",
    options=_OPTIONS,
)

COMMANDS: tuple[Command[Any], ...] = (TOP, RARE)
