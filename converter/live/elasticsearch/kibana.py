"""Translate KQL into the Query DSL that Kibana sends. Kibana parses KQL itself, and uses the fields of the index.

    index ──field capabilities──> Fields          KQL ──our parser──> tree + Fields ──kibana_query──> Query DSL

The server has its own parser of KQL (the query type `kql`), which reads some queries differently: `a and b or c`, or
an escape beside a star. Neither Kibana's searches nor the detection engine use it.
Source: elastic/kibana, kbn-es-query, src/kuery: functions, node_types/wildcard.ts, functions/utils; written anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from converter.errors import QueryError
from converter.live.elasticsearch.server import asking
from converter.readers.source import Source
from converter.targets.kql.engine import syntax
from converter.targets.kql.engine.parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from elasticsearch import Elasticsearch

Dsl: TypeAlias = dict[str, Any]

_BOUNDS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_RESERVED = frozenset('+-=&|><!(){}[]^"~*?:\\/')
_DATES = frozenset({"date", "date_nanos"})


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of an index as Kibana knows them.

    Attributes:
        types: by name; types of one family are one type, so that `wildcard` is `keyword` here.
        nested: the paths of nested objects.
    """

    types: Mapping[str, str]
    nested: frozenset[str] = frozenset()


def read_fields(client: Elasticsearch, index: str) -> Fields:
    """Ask the server for the fields of an index. Raises LiveError."""
    with asking():
        answer: Mapping[str, Mapping[str, Any]] = client.field_caps(index=index, fields="*").body["fields"]
    types: dict[str, str] = {}
    nested: set[str] = set()
    for name, kinds in answer.items():
        (kind, *_) = kinds
        if kind == "nested":
            nested.add(name)
        elif kind != "object" and not kinds[kind].get("metadata_field"):
            types[name] = kind
    return Fields(types, frozenset(nested))


def kibana_query(query: str, fields: Fields) -> Dsl:
    """Return the Query DSL of a KQL query.

    Raises:
        QueryError: the query does not parse, or Kibana refuses it for these fields.
    """
    return _Translation(Source(query, QueryError), fields).of(parse(query), "")


def nested_paths(query: str) -> frozenset[str]:
    """Return the paths that a query uses as nested objects. Raises QueryError if it does not parse."""
    return frozenset(nested_in(parse(query)))


@dataclass(frozen=True, slots=True)
class _Translation:
    source: Source[QueryError]
    fields: Fields

    def of(self, node: syntax.Query, nested: str) -> Dsl:
        """Return the Query DSL of a node inside the nested object `nested`, or outside of any if it is empty."""
        match node:
            case syntax.MatchAll():
                return {"match_all": {}}
            case syntax.Is():
                return self.comparison(node, nested)
            case syntax.Range(name, operator, value):
                bound = {_BOUNDS[operator]: self.given(value)}
                paths = self.named(name, nested)
                return _either([self.inside(path, name, nested, {"range": {path: bound}}) for path, _ in paths])
            case syntax.Not(query):
                return {"bool": {"must_not": self.of(query, nested)}}
            case syntax.And(queries):
                return {"bool": {"filter": [self.of(query, nested) for query in queries]}}
            case syntax.Or(queries):
                return _either([self.of(query, nested) for query in queries])
            case syntax.Nested(name, query):
                path = _below(nested, str(value_of(name)))
                return {"nested": {"path": path, "query": self.of(query, path), "score_mode": "none"}}
            case _ as never:
                assert_never(never)

    def comparison(self, node: syntax.Is, nested: str) -> Dsl:
        """Return the Query DSL of `name: value`, or of a value alone."""
        name, value = node.field, node.value
        if isinstance(name, syntax.Wildcard) and name.lone and isinstance(value, syntax.Wildcard) and value.lone:
            return {"match_all": {}}
        if name is None or name == syntax.Constant(None):
            if nested:  # Kibana uses "null" as the name
                name = syntax.Text("null", start=value.start, end=value.end)
            elif isinstance(value, syntax.Wildcard):
                return {"query_string": {"query": _escaped(value)}}
            else:
                kind = "phrase" if isinstance(value, syntax.Text) and value.quoted else "best_fields"
                return {"multi_match": {"type": kind, "query": self.given(value), "lenient": True}}
        queries = [
            self.inside(path, name, nested, self.leaf(path, kind, value)) for path, kind in self.named(name, nested)
        ]
        return _either(queries)

    def named(self, name: syntax.Value, nested: str) -> list[tuple[str, str]]:
        """Return the name and type of each field that a name stands for; an unknown name stays, without a type."""
        if isinstance(name, syntax.Wildcard):
            parts = (f"{nested}.{name.parts[0]}" if nested else name.parts[0], *name.parts[1:])
            like = re.compile(".*".join(map(re.escape, parts)), re.DOTALL)
            path = "*".join(parts)
            fields = [(known, kind) for known, kind in self.fields.types.items() if like.fullmatch(known)]
        else:
            path = _below(nested, _name(name))
            fields = [(path, self.fields.types[path])] if path in self.fields.types else []
        if nested or not isinstance(name, syntax.Wildcard):
            for known, _ in fields:
                self.check_nested(known, name, nested)
        return fields or [(path, "")]

    def check_nested(self, path: str, name: syntax.Value, nested: str) -> None:
        """Raise QueryError if a field is not in the nested object in which the query uses it."""
        within = self.within(path)
        if within != nested:
            where = f"in the nested object {within}" if within else "not in a nested object"
            raise self.source.error(f"Kibana refuses the query: the field {path} is {where}", name)

    def within(self, path: str) -> str:
        """Return the path of the innermost nested object that contains a field, or an empty string."""
        return max((nested for nested in self.fields.nested if path.startswith(f"{nested}.")), key=len, default="")

    def inside(self, path: str, name: syntax.Value, nested: str, query: Dsl) -> Dsl:
        """Return the query of one field, wrapped in its nested object if a pattern of names matched the field there."""
        within = self.within(path)
        if nested or not within or not isinstance(name, syntax.Wildcard):
            return query
        return {"nested": {"path": within, "query": query, "score_mode": "none"}}

    def leaf(self, path: str, kind: str, value: syntax.Value) -> Dsl:
        """Return the comparison of one field."""
        if isinstance(value, syntax.Wildcard):
            if value.lone:
                return {"exists": {"field": path}}
            if kind == "keyword":
                return {"wildcard": {path: {"value": _escaped(value)}}}
            return {"query_string": {"fields": [path], "query": _escaped(value)}}
        plain = self.given(value)
        if kind in _DATES:
            return {"range": {path: {"gte": plain, "lte": plain}}}
        if kind == "keyword":
            return {"term": {path: {"value": plain}}}
        return {"match_phrase" if isinstance(value, syntax.Text) and value.quoted else "match": {path: plain}}

    def given(self, value: syntax.Value) -> str | bool:
        """Return the Python value. Raises QueryError for null, which Kibana sends and the server refuses."""
        plain = value_of(value)
        if plain is None:
            raise self.source.error("elasticsearch refuses the query: null is not a value", value)
        return plain


def _either(queries: Sequence[Dsl]) -> Dsl:
    return {"bool": {"should": list(queries), "minimum_should_match": 1}}


def _below(nested: str, name: str) -> str:
    return f"{nested}.{name}" if nested else name


def _name(name: syntax.Value) -> str:
    plain = value_of(name)
    return plain if isinstance(plain, str) else {None: "null", True: "true", False: "false"}[plain]


def value_of(value: syntax.Value) -> str | bool | None:
    """Return the Python value of a value in KQL; of a pattern, its text with the stars."""
    match value:
        case syntax.Text(string):
            return string
        case syntax.Constant(constant):
            return constant
        case syntax.Wildcard(parts):
            return "*".join(parts)
        case _ as never:
            assert_never(never)


def _escaped(value: syntax.Wildcard) -> str:
    """Return a pattern with everything but its stars escaped."""
    return "*".join("".join("\\" + char if char in _RESERVED else char for char in part) for part in value.parts)


def nested_in(node: syntax.Query, prefix: str = "") -> Iterator[str]:
    """Yield the paths that a tree uses as nested objects; `prefix` is the path of the tree itself."""
    match node:
        case syntax.MatchAll() | syntax.Is() | syntax.Range():
            return
        case syntax.Not(query):
            yield from nested_in(query, prefix)
        case syntax.And(queries) | syntax.Or(queries):
            for query in queries:
                yield from nested_in(query, prefix)
        case syntax.Nested(name, query):
            path = _below(prefix, str(value_of(name)))
            yield path
            yield from nested_in(query, path)
        case _ as never:
            assert_never(never)
