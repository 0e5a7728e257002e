"""Commands that make, choose or name columns: EVAL, KEEP, DROP, RENAME. All but EVAL change the scope only.

Source: Elasticsearch docs "ES|QL commands"; vendor cases `keep.csv-spec`, `drop.csv-spec`, `rename.csv-spec`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.targets.esql.engine.commands.base import Command, Pipeline, Step
from converter.targets.esql.engine.commands.fields import read_fields, read_pattern, read_patterns
from converter.targets.esql.engine.language import syntax
from converter.targets.esql.engine.language.lex import Mode, Token
from converter.targets.esql.engine.language.scope import Entry
from converter.targets.esql.engine.language.types import Type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.targets.esql.engine.language.bound import Getter, Row
    from converter.targets.esql.engine.language.parse_expression import Cursor

_PATTERN_IN_RENAME = "a pattern in RENAME"


# --- EVAL -----------------------------------------------------------------------------------------------------------


def _parse_eval(cursor: Cursor, word: Token) -> syntax.Eval:
    fields = read_fields(cursor)
    return syntax.Eval(fields, cursor.span(word.start))


def _bind_eval(pipeline: Pipeline, command: syntax.Eval) -> Step | None:
    getters: list[Getter] = []
    for field in command.fields:
        bound = pipeline.bind(field.value)
        pipeline.check_column(field, bound)
        entry = pipeline.scope.columns.get(field.value.name) if isinstance(field.value, syntax.Column) else None
        if entry is not None:
            pipeline.scope.put(field.name, entry)  # another name for the same slot
            continue
        pipeline.scope.add(field.name, bound.type)
        getters.append(bound.get)
    if not getters:
        return None
    many = tuple(getters)

    def step(rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            for get in many:
                row.append(get(row))
            yield row

    return step


EVAL = Command(
    name="EVAL",
    arguments="fields such as `name = expression`",
    node=syntax.Eval,
    parse=_parse_eval,
    bind=_bind_eval,
    expressions=lambda command: (field.value for field in command.fields),
)


# --- KEEP -----------------------------------------------------------------------------------------------------------


def _parse_keep(cursor: Cursor, word: Token) -> syntax.Keep:
    patterns = read_patterns(cursor)
    return syntax.Keep(patterns, cursor.span(word.start))


def _bind_keep(pipeline: Pipeline, command: syntax.Keep) -> None:
    """Keep columns in the order of the patterns; an exact name goes where it stands, over any pattern."""
    context, scope = pipeline.context, pipeline.scope
    exact = {pattern.parts[0] for pattern in command.patterns if len(pattern.parts) == 1}
    columns: dict[str, Entry] = {}
    rank: dict[str, int] = {}
    for pattern in command.patterns:
        if len(pattern.parts) == 1:
            name = pattern.parts[0]
            entry = scope.find(context, name, pattern.span)
            columns.pop(name, None)
            columns[name] = entry or Entry(scope.width, Type.NULL)
            continue
        names = [name for name in scope.matching(pattern) if name not in exact]
        if not names and not scope.open and not scope.matching(pattern):
            raise context.error(f"no column matches [{pattern.text}]", pattern.span)
        # Between patterns the narrower one places a column: `*` is the widest.
        narrow = 0 if pattern.text == "*" else 1
        for name in names:
            if rank.get(name, -1) <= narrow:
                columns.pop(name, None)
                columns[name] = scope.columns[name]
                rank[name] = narrow
    scope.columns = columns
    patterns = tuple(pattern.parts for pattern in command.patterns if len(pattern.parts) > 1)
    scope.open = scope.open and bool(patterns)
    scope.within.append(patterns)


def _exact_names(command: syntax.Keep) -> tuple[str, ...]:
    """Return the names in KEEP, if it has no pattern."""
    return tuple(pattern.parts[0] for pattern in command.patterns) if _has_no_pattern(command) else ()


def _has_no_pattern(command: syntax.Keep) -> bool:
    return all(len(pattern.parts) == 1 for pattern in command.patterns)


KEEP = Command(
    name="KEEP",
    arguments="names and patterns such as `event.*`",
    node=syntax.Keep,
    parse=_parse_keep,
    bind=_bind_keep,
    mode=Mode.NAMES,
    fields=_exact_names,
    closes=_has_no_pattern,
)


# --- DROP -----------------------------------------------------------------------------------------------------------


def _parse_drop(cursor: Cursor, word: Token) -> syntax.Drop:
    patterns = read_patterns(cursor)
    return syntax.Drop(patterns, cursor.span(word.start))


def _bind_drop(pipeline: Pipeline, command: syntax.Drop) -> None:
    """Take columns away; each name and pattern is of the columns before the command, so it may be there twice."""
    context, scope = pipeline.context, pipeline.scope
    dropped: list[str] = []
    for pattern in command.patterns:
        if len(pattern.parts) == 1:
            scope.find(context, pattern.parts[0], pattern.span)
            dropped.append(pattern.parts[0])
            continue
        names = scope.matching(pattern)
        if not names and not scope.open:
            raise context.error(f"no column matches [{pattern.text}]", pattern.span)
        dropped.extend(names)
    for name in dropped:
        scope.columns.pop(name, None)
        scope.removed.add(name)


DROP = Command(
    name="DROP",
    arguments="names and patterns such as `event.*`",
    node=syntax.Drop,
    parse=_parse_drop,
    bind=_bind_drop,
    mode=Mode.NAMES,
)


# --- RENAME ---------------------------------------------------------------------------------------------------------


def _parse_rename(cursor: Cursor, word: Token) -> syntax.Rename:
    pairs: list[tuple[syntax.Column, syntax.Column]] = []
    while True:
        first = _plain_name(cursor)
        if cursor.take_symbol("="):
            pairs.append((_plain_name(cursor), first))
        elif cursor.take_word("as"):
            pairs.append((first, _plain_name(cursor)))
        else:
            raise cursor.unexpected("AS or '=' in RENAME")
        if not cursor.take_symbol(","):
            return syntax.Rename(tuple(pairs), cursor.span(word.start))


def _plain_name(cursor: Cursor) -> syntax.Column:
    token = cursor.token
    pattern = read_pattern(cursor)
    if len(pattern.parts) != 1:
        raise cursor.refused(_PATTERN_IN_RENAME, token, "it takes whole names")
    return syntax.Column(pattern.parts[0], pattern.span)


def _bind_rename(pipeline: Pipeline, command: syntax.Rename) -> None:
    scope = pipeline.scope
    for old, new in command.pairs:
        entry = scope.find(pipeline.context, old.name, old.span) or Entry(scope.width, Type.NULL)
        if old.name == new.name:
            continue
        columns = {}
        for name, present in scope.columns.items():
            if name == old.name:
                columns[new.name] = entry
            elif name != new.name:
                columns[name] = present
        columns.setdefault(new.name, entry)
        scope.columns = columns
        scope.removed.discard(new.name)
        scope.removed.add(old.name)


RENAME = Command(
    name="RENAME",
    arguments="pairs such as `old AS new` or `new = old`",
    node=syntax.Rename,
    parse=_parse_rename,
    bind=_bind_rename,
    mode=Mode.RENAMES,
    fields=lambda command: (old.name for old, _ in command.pairs),
    options=("AS",),
    refuses=(_PATTERN_IN_RENAME,),
)
