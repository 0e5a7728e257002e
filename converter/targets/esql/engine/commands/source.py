"""The commands that a query begins with: FROM and ROW.

FROM + documents ──documents_of──> the documents of the indices ──columns_of──> Scope
ROW ──constants──> its one row
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.targets.esql.engine.commands.base import Pipeline, SourceCommand
from converter.targets.esql.engine.commands.fields import read_fields
from converter.targets.esql.engine.language import indices, syntax
from converter.targets.esql.engine.language.lex import Kind, Mode, Token
from converter.targets.esql.engine.language.scope import LATE, Entry, Scope
from converter.targets.esql.engine.language.source import METADATA, known_type, narrow_kind
from converter.targets.esql.engine.language.types import Type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from converter.targets.esql.engine.language.bound import Context, Row
    from converter.targets.esql.engine.language.parse_expression import Cursor

DOCUMENT_SLOT = 0
"""Where a row of FROM has its document; the columns follow."""

_SUBQUERY = "a subquery in FROM"
_SELECTOR = "an index selector ('::data', '::failures')"


# --- FROM -----------------------------------------------------------------------------------------------------------


def _parse_from(cursor: Cursor, word: Token) -> syntax.From:
    names = [_index(cursor)]
    while cursor.take_symbol(","):
        names.append(_index(cursor))
    metadata: list[syntax.Column] = []
    if cursor.take_word("metadata"):
        metadata.append(_metadata_field(cursor))
        while cursor.take_symbol(","):
            metadata.append(_metadata_field(cursor))
    return syntax.From(tuple(names), tuple(metadata), cursor.span(word.start))


def _index(cursor: Cursor) -> str:
    if cursor.at_symbol("("):
        raise cursor.refused(_SUBQUERY, cursor.token)
    name = _index_part(cursor, "an index pattern after FROM", (Kind.SOURCE, Kind.STRING))
    if name.kind is Kind.SOURCE and cursor.take_symbol(":"):  # cluster:index
        part = _index_part(cursor, "an index pattern after the cluster's name", (Kind.SOURCE,))
        value = f"{name.value}:{part.value}"
    else:
        value = name.value
    if cursor.at_symbol("::"):
        raise cursor.refused(_SELECTOR, cursor.token)
    return value


def _index_part(cursor: Cursor, expected: str, kinds: tuple[Kind, ...]) -> Token:
    if cursor.token.kind not in kinds or cursor.at_word("metadata"):
        raise cursor.unexpected(expected)
    return cursor.advance()


def _metadata_field(cursor: Cursor) -> syntax.Column:
    token = _index_part(cursor, "a metadata field such as _id", (Kind.SOURCE,))
    return syntax.Column(token.value, token.span)


def documents_of(
    context: Context,
    command: syntax.From,
    events: Iterable[Mapping[str, Any]],
    tables: Mapping[str, Sequence[Mapping[str, Any]]],
) -> list[Mapping[str, Any]]:
    """Return the documents of the indices that FROM names, those of `tables` first.

    An event that does not say its `_index` is in every index but those of `tables`.

    Raises:
        QueryError: an index has a name, and FROM names indices in a way that is not supported.
    """
    parts = indices.expressions(command.indices)
    refused = indices.unsupported(parts)

    def selected(index: str) -> bool:
        if refused is not None:
            raise context.refused(refused, command.span)
        return indices.selects(parts, index)

    documents: list[Mapping[str, Any]] = []
    for name, rows in tables.items():
        if selected(name):
            documents.extend({"_index": name, **row} for row in rows)
    if all(part in tables or part.startswith("-") for part in parts):
        return documents
    chosen: dict[str, bool] = {}
    for event in events:
        index = event.get("_index")
        if isinstance(index, str):
            if index not in chosen:
                chosen[index] = index not in tables and selected(index)
            if not chosen[index]:
                continue
        documents.append(event)
    return documents


def columns_of(
    context: Context,
    command: syntax.From,
    types: Mapping[str, Type],
    late: Sequence[str],
    mapping: Mapping[str, str],
) -> Scope:
    """Return the columns that a query begins with.

    Args:
        context: of the query.
        command: its FROM.
        types: the types of the fields that the query names, in the order of their slots.
        late: further fields of the documents, which are read when rows go out.
        mapping: the types of fields that are known beforehand.

    Raises:
        QueryError: FROM asks for a metadata field that is not supported.
    """
    for column in command.metadata:
        if column.name not in METADATA:
            hint = f"known: {', '.join(METADATA)}"
            raise context.refused(f"the metadata field [{column.name}]", column.span, hint)
    metadata = [column.name for column in command.metadata]
    scope = Scope(open=True, width=1)
    slots = {name: slot for slot, name in enumerate(types, DOCUMENT_SLOT + 1)}
    scope.width += len(slots)
    for name in [*sorted({*types, *late} - set(metadata)), *metadata]:
        if name in slots:
            known = name in mapping or name in METADATA or known_type(name) is not None
            scope.columns[name] = Entry(slots[name], types[name], observed=not known, narrow=narrow_kind(name, mapping))
        elif name in late:
            scope.columns[name] = Entry(LATE, Type.NULL, late=name)
        else:
            scope.columns[name] = Entry(scope.width, Type.NULL)  # a query that is only checked has no documents
    return scope


FROM = SourceCommand(
    name="FROM",
    arguments="index patterns",
    parse=_parse_from,
    mode=Mode.SOURCES,
    options=tuple(f"METADATA {name}" for name in METADATA),
    refuses=(_SUBQUERY, _SELECTOR, *indices.REFUSED),
)


# --- ROW ------------------------------------------------------------------------------------------------------------


def _parse_row(cursor: Cursor, word: Token) -> syntax.Row:
    fields = read_fields(cursor)
    return syntax.Row(fields, cursor.span(word.start))


def constants(pipeline: Pipeline, command: syntax.Row) -> Row:
    """Add the columns of ROW, and return its row."""
    values: Row = []
    types: list[Type] = []
    for field in command.fields:
        bound = pipeline.bind(field.value)
        if not bound.constant:
            raise pipeline.context.error("ROW takes constants only", field.value.span)
        pipeline.check_column(field, bound)
        values.append(bound.value)
        types.append(bound.type)
    for slot, (field, type_) in enumerate(zip(command.fields, types, strict=True)):
        assert pipeline.scope.add(field.name, type_) == slot  # noqa: S101  # one slot a field, in order
    return values


ROW = SourceCommand(name="ROW", arguments="fields such as `name = constant`", parse=_parse_row)
