"""Run a KQL query over documents.

    text ──parse──> tree ──compile_filter──> document -> bool ──run──> the documents that match, in log order

What Kibana makes of each node is its Elasticsearch query on fields of a known type (kbn-es-query, functions/*.ts);
what that query matches follows from the kind of the field (`fields.kind_of`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias, assert_never

from converter.errors import QueryError
from converter.products.elastic.documents import Document, Scalar, expanded, getter, leaves, objects
from converter.targets.kql.engine import field_tests as values
from converter.targets.kql.engine import fields, syntax
from converter.targets.kql.engine.fields import Kind
from converter.targets.kql.engine.numbers import equal, number_in
from converter.targets.kql.engine.parse import parse
from converter.targets.kql.engine.presence import presence

Filter: TypeAlias = Callable[[Document], bool]
Tables: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
_WHOLE_TEXTS = frozenset({Kind.KEYWORD, Kind.WILDCARD})


def run(text: str, events: Iterable[Document], *, tables: Tables | None = None) -> list[dict[str, Any]]:
    """Return the documents of `events` that the KQL query `text` matches, in their order.

    Args:
        text: the query.
        events: documents of an index: nested objects, dotted keys, or both.
        tables: unused; KQL reads no other table.

    Raises:
        QueryError: the query does not parse, or asks for what Elasticsearch refuses or this engine does not simulate.
    """
    return compile_query(parse(text), text)(events, tables or {})


def check(text: str) -> None:
    """Refuse a query that does not parse, or whose values the types of its fields do not take. Raises QueryError."""
    compile_filter(parse(text), text)


def compile_query(tree: syntax.Query, text: str) -> Callable[[Iterable[Document], Tables], list[dict[str, Any]]]:
    """Return a function from documents (and tables, which are unused) to those that match."""
    matches = compile_filter(tree, text)

    def execute(events: Iterable[Document], tables: Tables) -> list[dict[str, Any]]:  # noqa: ARG001 - one signature for all engines
        return [event if isinstance(event, dict) else dict(event) for event in events if matches(event)]

    return execute


def compile_filter(tree: syntax.Query, text: str) -> Filter:
    """Return a function that says whether a document matches the query.

    Args:
        tree: what `parse` returned for `text`.
        text: the text of the query, for the places of errors.
    """
    matches = _compile(tree, text, "")
    if not _has_nested(tree):
        return matches
    return lambda document: matches(expanded(document))


def _compile(node: syntax.Query, text: str, prefix: str) -> Filter:
    """Return the filter of a node; `prefix` is the path of the nested object that it runs in, with a dot at its end."""
    match node:
        case syntax.MatchAll():
            return lambda document: True  # noqa: ARG005 - whatever the document
        case syntax.Is():
            return _compile_is(node, text, prefix)
        case syntax.Range(name, operator, value):
            if isinstance(name, syntax.Wildcard):
                return _any_field(name, prefix, lambda path, kind: values.range_test(path, kind, operator, value, text))
            path = _name_of(name, text)
            full = prefix + path
            return _any_scalar(path, values.range_test(full, fields.kind_of(full), operator, value, text))
        case syntax.Not(query):
            inner = _compile(query, text, prefix)
            return lambda document: not inner(document)
        case syntax.And(queries):
            return _all(list(map(partial(_compile, text=text, prefix=prefix), queries)))
        case syntax.Or(queries):
            sets, rest = _texts_by_field(queries, prefix)
            parts = [_any_of_texts(path, texts) for path, texts in sets.items()]
            return _any(parts + list(map(partial(_compile, text=text, prefix=prefix), rest)))
        case syntax.Nested(name, query):
            path = _name_of(name, text)
            inner = _compile(query, text, f"{prefix}{path}.")
            find = objects(path)
            return lambda document: any(inner(child) for child in find(document))
        case _ as never:
            assert_never(never)


def _compile_is(node: syntax.Is, text: str, prefix: str) -> Filter:
    name, value = node.field, node.value
    exists = isinstance(value, syntax.Wildcard) and value.lone
    if name is None:
        return _value_alone(value, text, prefix)
    if isinstance(name, syntax.Wildcard):
        if exists and name.lone:
            return lambda document: True  # noqa: ARG005 - `*: *` is every document
        if exists:
            named = values.pattern(name)
            return lambda document: any(
                named(path) and fields.holds(prefix + path, scalar) for path, scalar in leaves(document)
            )
        return _any_field(name, prefix, lambda path, kind: values.is_test(path, kind, value, text))
    path = _name_of(name, text)
    if exists:
        return presence(path, prefix)
    full = prefix + path
    return _any_scalar(path, values.is_test(full, fields.kind_of(full), value, text))


def _any_scalar(path: str, test: values.Test) -> Filter:
    get = getter(path)

    def matches(document: Document) -> bool:
        for scalar in get(document):  # noqa: SIM110 - a loop is a frame less, in the innermost place
            if test(scalar):
                return True
        return False

    return matches


def _all(filters: list[Filter]) -> Filter:
    def matches(document: Document) -> bool:
        for inner in filters:  # noqa: SIM110 - a loop is a frame less, and brackets may nest
            if not inner(document):
                return False
        return True

    return matches


def _any(filters: list[Filter]) -> Filter:
    def matches(document: Document) -> bool:
        for inner in filters:  # noqa: SIM110 - a loop is a frame less, and brackets may nest
            if inner(document):
                return True
        return False

    return matches


def _texts_by_field(
    queries: Iterable[syntax.Query], prefix: str
) -> tuple[dict[str, list[syntax.Text]], list[syntax.Query]]:
    """Split the alternatives `f: (a or b ...)` on keyword fields, which one look into a set settles, from the rest."""
    sets: dict[str, list[syntax.Text]] = {}
    rest: list[syntax.Query] = []
    for query in queries:
        match query:
            case syntax.Is(syntax.Text(path), syntax.Text() as value) if fields.kind_of(prefix + path) in _WHOLE_TEXTS:
                sets.setdefault(path, []).append(value)
            case _:
                rest.append(query)
    return sets, rest


def _any_of_texts(path: str, alternatives: list[syntax.Text]) -> Filter:
    texts = frozenset(value.text for value in alternatives)
    numbers = [equal(number) for value in alternatives if (number := number_in(value.text)) is not None]

    def test(scalar: Scalar) -> bool:
        if isinstance(scalar, str):
            return scalar in texts
        if isinstance(scalar, bool):
            return ("true" if scalar else "false") in texts
        return any(same(scalar) for same in numbers)

    return _any_scalar(path, test)


def _any_field(name: syntax.Wildcard, prefix: str, make: Callable[[str, Kind], values.Test]) -> Filter:
    """Return the filter of a comparison on every field whose path matches `name`.

    Kibana asks the comparison of each such field, so a field that cannot take it fails the whole search. Here that is
    raised for a document only if no other field of it matches.
    """
    named = values.pattern(name)
    tests: dict[str, values.Test | QueryError | None] = {}

    def test_of(path: str) -> values.Test | QueryError | None:
        if not named(path):
            return None
        try:
            return make(prefix + path, fields.kind_of(prefix + path))
        except QueryError as error:
            return error

    def matches(document: Document) -> bool:
        refused: QueryError | None = None
        for path, scalar in leaves(document):
            if path not in tests:
                tests[path] = test_of(path)
            test = tests[path]
            if test is None:
                continue
            if isinstance(test, QueryError):
                refused = test
                continue
            try:
                if test(scalar):
                    return True
            except QueryError as error:
                refused = error
        if refused is not None:
            raise refused
        return False

    return matches


def _value_alone(value: syntax.Value, text: str, prefix: str) -> Filter:
    """Return the filter of a value without a field: Kibana's lenient multi_match, or query_string for a wildcard.

    Lenient means that a field whose type cannot take the value does not match; a text field would be analysed.
    """
    if prefix:
        raise values.error("a value without a field finds nothing inside { }", value, text, "name a field")
    if isinstance(value, syntax.Constant) and value.value is None:
        raise values.error("null is not a value in KQL", value, text, "write: not field: *")
    if isinstance(value, syntax.Wildcard):
        if value.lone:
            return lambda document: True  # noqa: ARG005 - `*` is every document
        if values.splits(value):
            raise values.error(f"{values.SPLIT_PATTERN} and no field into words", value, text, "name a field")
    tests: dict[str, values.Test | None] = {}
    any_scalar = not isinstance(value, syntax.Wildcard)

    def test_of(path: str) -> values.Test | None:
        kind = fields.kind_of(path)
        try:
            return values.is_test(path, kind, value, text)
        except QueryError:
            if kind is Kind.TEXT:
                raise
            return None

    def matches(document: Document) -> bool:
        refused: QueryError | None = None
        for path, scalar in leaves(document):
            try:
                if path not in tests:
                    tests[path] = test_of(path)
                test = tests[path]
                # A wildcard on a number is what lenient passes over.
                if test is not None and (any_scalar or isinstance(scalar, str)) and test(scalar):
                    return True
            except QueryError as error:
                refused = error
        if refused is not None:
            raise refused
        return False

    return matches


def _name_of(name: syntax.Value, text: str) -> str:
    match name:
        case syntax.Text():
            return name.text
        case syntax.Constant(None):
            raise values.error("null is not a field name", name, text)
        case syntax.Constant():
            return values.text_of(name)
        case syntax.Wildcard():
            raise values.error("the path before { } takes no wildcard", name, text)
        case _ as never:
            assert_never(never)


def _has_nested(node: syntax.Query) -> bool:
    match node:
        case syntax.Nested():
            return True
        case syntax.Not(query):
            return _has_nested(query)
        case syntax.And(queries) | syntax.Or(queries):
            return any(map(_has_nested, queries))
        case syntax.MatchAll() | syntax.Is() | syntax.Range():
            return False
        case _ as never:
            assert_never(never)
