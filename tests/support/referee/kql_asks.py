"""Ask the referee what a KQL query means: as the server's own `kql` query, and as the Query DSL that Kibana would send.

    documents + query ──Mapping──> an index
    query ──our parser──> tree ──kibana_dsl──> Query DSL ──┐
    query ─────────────────────────── `kql` ───────────────┴──> ids, to be compared with those of our engine

There are two parsers of KQL by the vendor: kbn-es-query in Kibana, which our target is for, and x-pack-kql in the
server. They differ in places; `kql_dialect.py` says in which, so that the server is asked only what both read alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from converter.errors import QueryError
from converter.live.elasticsearch.kibana import Fields, kibana_query, nested_in, value_of
from converter.products.elastic.documents import leaves
from converter.products.elastic.field_types import WHOLE, ecs_type
from converter.targets.kql.engine import syntax
from converter.targets.kql.engine.execute import compile_filter
from converter.targets.kql.engine.fields import Kind, kind_of
from converter.targets.kql.engine.parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from referee import Node, NodeError

    from converter.products.elastic.documents import Document

Dsl: TypeAlias = dict[str, Any]

FILLER = "filler"
REFUSED = "refused before it is asked of an index"
_SAMPLES: Mapping[str, Any] = {
    "keyword": "filler", "wildcard": "filler", "text": "filler", "boolean": True, "long": 1,
    "float": 1.5, "double": 1.5, "ip": "192.0.2.1", "date": "2020-02-02T02:02:02.222Z",
}  # fmt: skip
_TYPES = {
    Kind.IP: "ip",
    Kind.DATE: "date",
    Kind.TEXT: "text",
    Kind.WILDCARD: "wildcard",
    Kind.BOOLEAN: "boolean",
}


_BY_JSON = {str: "keyword", bool: "boolean", int: "long", float: "double"}


@dataclass(frozen=True, slots=True)
class Index:
    """The fields of an index.

    Attributes:
        types: by path, the type that Kibana sees: "wildcard" is a keyword on the referee, which has no such type.
        nested: the paths that are nested.
    """

    types: Mapping[str, str]
    nested: frozenset[str] = frozenset()

    @classmethod
    def of(cls, documents: Sequence[Document], tree: syntax.Query | None = None) -> Index | None:
        """Return the fields that documents hold and a query names, typed as the engine says that they are.

        None if no mapping takes all the documents: a field is a number in one and a text in another, or an object.
        """
        nested = frozenset(nested_in(tree)) if tree is not None else frozenset()
        held: dict[str, list[Any]] = {}
        for document in documents:
            for path, scalar in leaves(document):
                held.setdefault(path, []).append(scalar)
        named = {path for path in (_names(tree, "") if tree is not None else ()) if _usable(path)}
        inside = {parent for path in held for parent in _parents(path)} | nested
        types = {path: _type_of(path, scalars) for path, scalars in held.items()}
        types |= {path: _type_of(path, ()) for path in named - inside - set(held)}
        inside |= {parent for path in types for parent in _parents(path)}
        if "" in types.values() or any(path in inside for path in held):
            return None
        return cls({path: type_ for path, type_ in types.items() if path not in inside}, nested)

    def joined(self, other: Index) -> Index | None:
        """Return the fields of both, or None if they contradict each other."""
        types = {**self.types, **other.types}
        if any(types[path] != type_ for path, type_ in self.types.items()):
            return None
        inside = {parent for path in types for parent in _parents(path)} | self.nested | other.nested
        ours = {path for path in inside if any(at.startswith(f"{path}.") for at in self.types)}
        theirs = {path for path in inside if any(at.startswith(f"{path}.") for at in other.types)}
        # An object of both must be nested in both or in none.
        if inside & set(types) or (self.nested ^ other.nested) & ours & theirs:
            return None
        return Index(types, self.nested | other.nested)

    def mapping(self) -> Dsl:
        """Return the mapping. Values that their type does not take are passed over, as the mappings of Elastic do."""
        root: Dsl = {"properties": {}, "dynamic": False}
        for path in sorted(self.nested):
            _object_at(root, path)["type"] = "nested"
        for path, type_ in self.types.items():
            parent, _, name = path.rpartition(".")
            at = _object_at(root, parent) if parent else root
            lenient = (
                {"ignore_malformed": True} if type_ in {"ip", "date", "long", "float", "double", "boolean"} else {}
            )
            at.setdefault("properties", {})[name] = {"type": "keyword" if type_ == "wildcard" else type_, **lenient}
        return root

    def filler(self) -> Document:
        """Return a document with a value in every field, so that no query is skipped for want of values."""
        out: dict[str, Any] = {"_id": FILLER}
        for path, type_ in self.types.items():
            out[path] = _SAMPLES[type_]
        return out


@dataclass(slots=True)
class Question:
    """A query over documents that share one mapping."""

    query: str
    tree: syntax.Query | None
    documents: Sequence[Document]
    index: Index


def questions(query: str, documents: Sequence[Document]) -> list[Question]:
    """Return a query over documents as questions: documents that no one mapping takes are asked about apart."""
    try:
        tree = parse(query)
    except QueryError:
        tree = None
    groups: list[list[Document]] = [[]]
    for document in documents:
        for group in groups:
            if Index.of([*group, document], tree) is not None:
                group.append(document)
                break
        else:
            groups.append([document])
    found = [(group, Index.of(group, tree)) for group in groups]
    return [Question(query, tree, group, index) for group, index in found if index is not None]


def ask(node: Node, asked: Sequence[Question], kind: str, *, together: bool = False) -> list[set[str] | str]:
    """Return for each question the ids that the referee finds, or its error; few indices hold all of them.

    Args:
        node: the referee.
        asked: the questions; a query that looks at every field has an index of its own.
        kind: "kql", the server's own query, or "dsl", what Kibana would send.
        together: all questions are about the same documents.
    """
    answers: list[set[str] | str] = [set()] * len(asked)
    packs: list[tuple[Index, list[int]]] = []
    if together:
        _ask_pack(node, asked, range(len(asked)), asked[0].index, kind, answers)
        return answers
    for number, question in enumerate(asked):
        if _alone(question.tree):
            packs.insert(0, (question.index, [number]))
            continue
        for place, (index, numbers) in enumerate(packs):
            joined = None if _alone(asked[numbers[0]].tree) else index.joined(question.index)
            if joined is not None:
                packs[place] = (joined, [*numbers, number])
                break
        else:
            packs.append((question.index, [number]))
    for index, numbers in packs:
        _ask_pack(node, asked, numbers, index, kind, answers)
    return answers


def _ask_pack(
    node: Node,
    asked: Sequence[Question],
    numbers: Sequence[int],
    index: Index,
    kind: str,
    answers: list[set[str] | str],
) -> None:
    """Ask questions that share an index, and put their answers at their numbers."""
    same = all(asked[number].documents is asked[numbers[0]].documents for number in numbers)
    stored: list[Document] = [index.filler()]
    queries: list[Dsl | None] = []
    for number in numbers:
        question = asked[number]
        query = dsl_of(question.query, question.index, kind)
        if same:
            stored += question.documents if number == numbers[0] else ()
        else:
            ids = [f"{number}-{document['_id']}" for document in question.documents]
            stored += [{**document, "_id": id_} for document, id_ in zip(question.documents, ids, strict=True)]
            # The filler stays in, so that no query is skipped because no document is left.
            query = query and {"bool": {"must": query, "filter": {"ids": {"values": [*ids, FILLER]}}}}
        queries.append(query)
    with node.index(index.mapping(), stored) as name:
        found = iter(node.search_ids(name, [query for query in queries if query is not None]))
    for number, query in zip(numbers, queries, strict=True):
        answer = next(found) if query is not None else REFUSED
        if isinstance(answer, set):
            cut = 0 if same else len(f"{number}-")
            answers[number] = {id_[cut:] for id_ in answer - {FILLER}}
        else:
            answers[number] = answer if isinstance(answer, str) else reason(answer)


def dsl_of(query: str, index: Index, kind: str) -> Dsl | None:
    """Return the Query DSL of a query, or None where Kibana's code, or the server's reader of Query DSL, refuses it."""
    if kind == "kql":
        return {"kql": {"query": query}}
    try:
        return kibana_dsl(query, index)
    except QueryError:
        return None


def reason(error: NodeError) -> str:
    """Return the innermost reason of an error, of whatever shard."""
    found: list[str] = []
    waiting: list[Any] = [error.body]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, dict):
            found += [value["reason"]] if isinstance(value.get("reason"), str) else []
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return next((text for text in reversed(found) if text != "all shards failed"), str(error))


def engine_answer(query: str, documents: Sequence[Document]) -> set[str] | QueryError:
    """Return the ids of the documents that our engine finds, or the first error that it raises."""
    try:
        matches = compile_filter(parse(query), query)
        return {str(document["_id"]) for document in documents if matches(document)}
    except QueryError as error:
        return error


def kibana_dsl(query: str, index: Index) -> Dsl:
    """Return what Kibana sends for a query over an index whose fields it knows, as `test --live` sends it.

    Raises:
        QueryError: Kibana, or the server's reader of Query DSL, refuses it.
    """
    return kibana_query(query, Fields(index.types, index.nested))


def _type_of(path: str, scalars: Sequence[Any]) -> str:
    """Return the type of a field by its name and values, or an empty text if its values have several."""
    kind = kind_of(path)
    if kind in _TYPES:
        return _TYPES[kind]
    if kind is Kind.NUMBER:
        stored = ecs_type(path)
        return "long" if stored in WHOLE else "float" if stored == "float" else "double"
    types = {_BY_JSON[type(scalar)] for scalar in scalars} or {"keyword"}
    return types.pop() if len(types) == 1 else ""


def _alone(tree: syntax.Query | None) -> bool:
    """Return whether a query must not meet the fields of other documents, or other ids."""
    match tree:
        case None | syntax.MatchAll():
            return False
        case syntax.Is(name, _) | syntax.Range(name, _, _):
            return not isinstance(name, syntax.Text) or name.text.startswith("_")
        case syntax.Not(query) | syntax.Nested(_, query):
            return _alone(query)
        case syntax.And(queries) | syntax.Or(queries):
            return any(map(_alone, queries))
        case _ as never:
            assert_never(never)


def _parents(path: str) -> set[str]:
    parts = path.split(".")
    return {".".join(parts[:n]) for n in range(1, len(parts))}


def _usable(path: str) -> bool:
    """Return whether a name that a query has can be that of a field of ours."""
    return bool(path) and not path.startswith("_") and all(part.strip() for part in path.split("."))


def _object_at(root: Dsl, path: str) -> Dsl:
    at = root
    for part in path.split("."):
        at = at.setdefault("properties", {}).setdefault(part, {})
    return at


def _names(node: syntax.Query, prefix: str) -> Iterator[str]:
    match node:
        case syntax.Is(name, _) | syntax.Range(name, _, _):
            if isinstance(name, syntax.Text):
                yield prefix + name.text
        case syntax.Not(query):
            yield from _names(query, prefix)
        case syntax.And(queries) | syntax.Or(queries):
            for query in queries:
                yield from _names(query, prefix)
        case syntax.Nested(name, query):
            yield from _names(query, f"{prefix}{value_of(name)}.")
        case syntax.MatchAll():
            pass
        case _ as never:
            assert_never(never)
