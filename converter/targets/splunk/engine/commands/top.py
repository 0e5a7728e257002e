"""`top` and `rare`: how often each combination of values is there.

rows ──by──> counts of combinations ──most or least frequent──> one row each, with its share
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.targets.splunk.engine.language.expression_code import error_at
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.values import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from converter.targets.splunk.engine.language.syntax import Top
    from converter.targets.splunk.engine.language.values import Row

Stage: TypeAlias = "Callable[[Iterable[Row]], Iterable[Row]]"
Key: TypeAlias = tuple[str, ...]


def top(command: Top, text: str) -> Stage:
    """Return the stage of `top` or `rare`; rows without one of the fields take no part.

    Raises:
        QueryError: when run: a field has several values.
    """

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        groups: dict[Key, Counter[Key]] = {}
        shown: dict[Key, list[Any]] = {}
        for row in rows:
            key = _key(row, command.by, command, text)
            found = _key(row, command.fields, command, text)
            if key is None or found is None:
                continue
            shown.setdefault(key, [row[name] for name in command.by])
            shown.setdefault((*key, *found), [row[name] for name in command.fields])
            groups.setdefault(key, Counter())[found] += 1
        for key in sorted(groups):
            yield from _rows(command, key, groups[key], shown)

    return run


def _key(row: Row, names: Sequence[str], command: Top, text: str) -> Key | None:
    values = [row.get(name) for name in names]
    if None in values:
        return None
    for name, value in zip(names, values, strict=True):
        if type(value) is list:
            what = "rare" if command.rare else "top"
            raise error_at(text, command.span, f"{what} of the multivalue field {name!r}", "use mvexpand first")
    return tuple(map(text_of, values))


def _rows(command: Top, key: Key, counts: Counter[Key], shown: dict[Key, list[Any]]) -> Iterator[Row]:
    what = "rare" if command.rare else "top"
    ordered = sorted(counts.items(), key=lambda item: (item[1] if command.rare else -item[1], item[0]))
    limit = command.limit
    most = current().limits.rows
    if not limit and most is not None and len(ordered) > most:
        current().note(f"{what} gave {most} rows of {len(ordered)} (maxresultrows)")
        limit = most
    kept = ordered[:limit] if limit else ordered
    if len(kept) < len(ordered) and kept and kept[-1][1] == ordered[len(kept)][1]:
        current().note(f"{what} cut between combinations that are equally frequent: Splunk may show others of them")
    total = counts.total()
    group = dict(zip(command.by, shown[key], strict=True)) if command.by else {}
    for found, count in kept:
        values = dict(zip(command.fields, shown[*key, *found], strict=True))
        yield {**group, **values, **_figures(command, count, total)}
    rest = total - sum(count for _, count in kept)
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
