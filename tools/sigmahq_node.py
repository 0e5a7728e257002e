"""Ask a node of Elasticsearch about the queries of rules of SigmaHQ, on the events that its indices can hold.

    plan with Elastic's fields ──type of each field──> mapping ──events that fit──> Question ──several──> index
    KQL of ours ───────────────> our engine; Kibana's translation on the node; the query `kql` of the node
    query_string of pySigma ───> the node, the reference: the same documents? else which part of the rule
    ES|QL of ours, of pySigma ─> the vendor's grammar; the condition by our engine, by the vendor's functions

A field has the type that the facts or its name tell, else the one that the rule's values have. An event with a value of
another type is left out: such an index would refuse it, or hold something else.
"""

from __future__ import annotations

import ast
import ipaddress
import json
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from referee import NodeError
from sigmahq import ROOT, Comparison, general

sys.path.append(str(ROOT / "tests" / "referee"))
from kql_asks import Index, kibana_dsl
from kql_dialect import read_otherwise

from converter.conversion import convert_rules
from converter.emitting import Emission
from converter.errors import QueryError, RefusedError, SourceError
from converter.facts import load_facts
from converter.harness.audit import fair_part
from converter.harness.causes import as_detection, cause_by
from converter.pipelines import apply, select
from converter.plan.nodes import BoolMatch, Cidr, Detection, NumberCompare, NumberMatch, Regex, StringMatch, leaves_of
from converter.reference.match import matches
from converter.reference.values import find
from converter.rules import parse_rules
from converter.target import Context
from converter.targets.esql.execute import run as run_esql
from converter.targets.esql.parse import parse as parse_esql
from converter.targets.kql.execute import run as run_kql
from converter.targets.kql.parse import parse as parse_kql
from converter.upstream import UpstreamTarget

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from referee import Node

    from converter.harness.replay import Log
    from converter.plan.nodes import Leaf
    from converter.rules import Rules
    from converter.target import Event

KQL, SERVER_KQL = "kql, as Kibana translates it", "kql, as the server reads it"
LUCENE, ANALYSED = "pysigma:lucene", "pysigma:lucene, on analysed text"
_LUCENE = UpstreamTarget(
    LUCENE,
    "lucene",
    "elastic",
    ("sigma.backends.elasticsearch", "LuceneBackend"),
    "query_string of pysigma-backend-elasticsearch",
    ".json",
    {"dsl_lucene": "the body of a search"},
)
_LONG, _LONGEST_TERM = 2**63, 32_766
LOOKED_INTO = 6  # the cause is looked for in so many events of a rule and side
MOST_TESTS = 400_000  # of parts of a rule on events: the vendor's functions in memory are not made for more
STRANGE = frozenset("\u212a\u017f\u0130\u0131")  # what stands behind every verdict: docs/semantics.md
PATTERN = "it takes a backslash, * or ? of a pattern for an escape or a wildcard"
_OWNER = "sigmahq_rule"


@dataclass(slots=True)
class Question:
    """One rule for the node.

    Attributes:
        plan: with Elastic's names.
        types: of the fields that it reads.
        everywhere: whether it has keywords, so that every field counts.
        documents: the events, as Elastic has them, that fit the types.
        fair: the ids of those that break no assumption of ours.
        queries: the texts of the targets `kql`, `esql` and `pysigma:esql`, where there are any.
        lucene: the query of pySigma's backend in Query DSL, if there is one.
        answers: what was found.
    """

    plan: Detection
    types: dict[str, str]
    everywhere: bool
    documents: list[Event]
    fair: frozenset[str]
    queries: Mapping[str, str]
    lucene: dict[str, Any] | None = None
    answers: dict[str, Comparison] = field(default_factory=dict)


def question(read: Rules, plan: Detection, log: Log, queries: Mapping[str, str]) -> Question:
    """Return the question about a rule, its events and its queries."""
    mapped = mapped_plan(read, plan)
    types = _types(mapped)
    everywhere = _everywhere(mapped)
    asked = Question(
        mapped,
        types,
        everywhere,
        [one for one in log.seen("elastic", plan) if _fits(one, types, everywhere=everywhere)],
        frozenset(str(event["_id"]) for event in fair_part(read, plan, log, "elastic").events),
        queries,
    )
    try:
        asked.lucene = _lucene_body(read)
    except RefusedError as error:
        why = (f"{error.construct}: {general(error.message)}",)
        asked.answers = {name: Comparison("", why, "refused") for name in (LUCENE, ANALYSED)}
    return asked


def fitting(read: Rules, plan: Detection, log: Log) -> Log:
    """Return the events that an index can hold in which each field has one type."""
    mapped = mapped_plan(read, plan)
    types = _types(mapped)
    everywhere = _everywhere(mapped)
    seen = log.seen("elastic", plan)
    return log.part([at for at, one in enumerate(seen) if _fits(one, types, everywhere=everywhere)])


def answer(node: Node, questions: Sequence[Question]) -> None:
    """Answer questions; as few indices as possible hold the documents of all."""
    _grammar(node, questions)
    _run_esql(node, questions)
    for types, pack in _packs(questions):
        try:
            _ask_pack(node, types, pack)
        except NodeError:  # which of them is it?
            for one in pack:
                try:
                    _ask_pack(node, one.types, [one])
                except NodeError as error:
                    one.answers[KQL] = Comparison("", (), "refused by the node", example=str(error))


def _ask_pack(node: Node, types: Mapping[str, str], pack: Sequence[Question]) -> None:
    everywhere = pack[0].everywhere
    documents = [document for number, one in enumerate(pack) for document in _owned(number, one)]
    with node.index(_mapping(types, everywhere=everywhere), documents) as index:
        _ask_kql(node, index, pack)
        _ask_lucene(node, index, pack, LUCENE)
    with node.index(_mapping(types, everywhere=everywhere, analysed=True), documents) as index:
        _ask_lucene(node, index, pack, ANALYSED)


# ------------------------------------------------------------------------------------------------- rules and types


def mapped_plan(read: Rules, plan: Detection) -> Detection:
    """Return the plan with Elastic's names of fields."""
    applied = apply(read.collection(), select("elastic", [plan.logsource]))
    (rule,) = applied.collection.rules
    mapped = read.lowered(rule)
    if not isinstance(mapped, Detection):
        raise TypeError(plan.meta.path)
    return mapped


def _types(plan: Detection) -> dict[str, str]:
    emission = Emission(Context(load_facts("elastic", plan.logsource)))
    types: dict[str, str] = {}
    for leaf in leaves_of(plan.expr):
        for name in (one for one in (getattr(leaf, "field", None), getattr(leaf, "other", None)) if one):
            fact = emission.type_of(name)
            kind = fact or _type_of_value(leaf)
            if kind and (name not in types or kind == "keyword" or (kind, types[name]) == ("double", "long")):
                types[name] = {"wildcard": "keyword", "flattened": "keyword"}.get(kind, kind)
    for leaf in leaves_of(plan.expr):  # what is only asked to be there
        for name in (one for one in (getattr(leaf, "field", None), getattr(leaf, "other", None)) if one):
            types.setdefault(name, "keyword")
    return types


def _everywhere(plan: Detection) -> bool:
    return any(not hasattr(leaf, "field") for leaf in leaves_of(plan.expr))


def _type_of_value(leaf: Leaf) -> str:
    match leaf:
        case NumberMatch(number=number) | NumberCompare(number=number):
            return "long" if isinstance(number, int) else "double"
        case BoolMatch():
            return "boolean"
        case Cidr():
            return "ip"
        case StringMatch() | Regex():
            return "keyword"
        case _:
            return ""


def _is(kind: str, value: Any) -> bool:
    match kind:
        case "long":
            return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LONG
        case "double":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "ip":
            return isinstance(value, str) and _is_address(value)
        case "date":
            return isinstance(value, str)
        case _:
            return isinstance(value, str) and len(value.encode("utf-8", "surrogatepass")) <= _LONGEST_TERM


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _fits(document: Event, types: Mapping[str, str], *, everywhere: bool) -> bool:
    values = ((kind, value) for name, kind in types.items() for value in find(document, name) if value is not None)
    return all(_is(kind, value) for kind, value in values) and (
        not everywhere or all(isinstance(value, str) for value in document.values())
    )


# --------------------------------------------------------------------------------------------------------- indices


def _packs(questions: Sequence[Question]) -> Iterator[tuple[dict[str, str], list[Question]]]:
    """Yield questions whose fields have the same types, or are others, and those types."""
    waiting = list(questions)
    while waiting:
        first, *others = waiting
        types, pack, waiting = dict(first.types), [first], []
        for one in others:
            if one.everywhere == first.everywhere and _compatible(types, one.types):
                types |= one.types
                pack.append(one)
            else:
                waiting.append(one)
        yield types, pack


def _compatible(some: Mapping[str, str], others: Mapping[str, str]) -> bool:
    names = {**some, **others}
    return all(names[name] == kind for name, kind in some.items()) and not any(
        above in names for name in names for above in _above(name)
    )


def _above(name: str) -> Iterator[str]:
    at = name.find(".")
    while at >= 0:
        yield name[:at]
        at = name.find(".", at + 1)


def _mapping(types: Mapping[str, str], *, everywhere: bool, analysed: bool = False) -> dict[str, Any]:
    """Return the mapping of an index: of texts as a whole, or in words, as Elasticsearch has them if nobody says."""
    text = "text" if analysed else "keyword"
    kinds = {name: text if kind == "keyword" else kind for name, kind in types.items()}
    return {
        "dynamic": everywhere,
        "date_detection": False,
        "dynamic_templates": [{"texts": {"match_mapping_type": "string", "mapping": {"type": text}}}],
        "properties": {
            **{name: {"type": kind} for name, kind in kinds.items()},
            "@timestamp": {"type": "date"},
            _OWNER: {"type": "keyword"},
        },
    }


def _owned(number: int, asked: Question) -> Iterator[Event]:
    """Yield the documents of one of several rules, with what the rule reads of them."""
    for document in asked.documents:
        kept = {
            key: value
            for key, value in document.items()
            if asked.everywhere or any(name == key or name.startswith(f"{key}.") for name in asked.types)
        }
        yield {**kept, _OWNER: _owner(number), "_id": f"{number} {document['_id']}"}


def _owner(number: int) -> str:
    """Return how the documents of a rule are marked: in letters that no keyword of a rule has."""
    return "".join(chr(0xE000 + int(digit)) for digit in str(number))


def _found(
    node: Node, index: str, queries: Sequence[tuple[int, Mapping[str, Any]]]
) -> list[frozenset[str] | NodeError]:
    """Return what each query finds among the documents of one rule."""
    bodies = [{"bool": {"must": query, "filter": {"term": {_OWNER: _owner(number)}}}} for number, query in queries]
    return [
        one if isinstance(one, NodeError) else frozenset(name.split(" ", 1)[1] for name in one)
        for one in node.search_ids(index, bodies)
    ]


# ------------------------------------------------------------------------------------------------------- questions


def _grammar(node: Node, questions: Sequence[Question]) -> None:
    asked = [
        (one, target, text) for one in questions for target, text in one.queries.items() if target.endswith("esql")
    ]
    for (one, target, text), error in zip(asked, node.esql_errors([text for _, _, text in asked]), strict=True):
        outcome = "parsed" if error is None else "both refuse it" if _refused(text) else "not parsed"
        one.answers[f"{target}, grammar"] = Comparison("", (), outcome, example=f"{error}\n{text}" if error else "")


def _refused(text: str) -> bool:
    try:
        parse_esql(text)
    except QueryError:
        return True
    return False


def _run_esql(node: Node, questions: Sequence[Question]) -> None:
    """Compare our engine with the vendor's functions on the conditions of queries of ES|QL, ours and pySigma's.

    The vendor's classes filter rows in memory, without an index: what stands behind the condition is left out.
    """
    for one in questions:
        columns = {**one.types, _OWNER: "keyword"}
        most = max(8, MOST_TESTS // sum(1 for _ in leaves_of(one.plan.expr)))
        documents = [document for document in one.documents if not _is_strange(document, one.types)][:most]
        rows = [[*(_cell(document, name) for name in one.types), str(document["_id"])] for document in documents]
        asked = {target: text for target, text in one.queries.items() if target.endswith("esql")}
        queries = [f"FROM rows | WHERE {_condition(text)} | KEEP {_OWNER}" for text in asked.values()]
        try:
            body = {"columns": columns, "rows": rows, "queries": queries}
            answers = node.call("POST", "/_referee/esql_run", body)["answers"]
        except NodeError as error:
            answers = [{"error": str(error)}] * len(queries)
        for (target, text), said in zip(asked.items(), answers, strict=True):
            theirs = frozenset(row[0] for row in said["rows"]) if "rows" in said else None
            try:
                ours = frozenset(str(row["_id"]) for row in run_esql(text, documents, mapping=one.types))
            except QueryError as error:
                outcome = Comparison("", (), "both refuse it", text=text)
                if theirs is not None:
                    outcome.outcome, outcome.example = "not run", f"{error}\n{text}"
            else:
                outcome = _same(one, text, ours, theirs if theirs is not None else frozenset())
                if theirs is None:
                    refused = said.get("error", "")
                    outcome.outcome = "refused by the node" if refused else f"the node lacks {said['lacking']}"
                    outcome.example = f"{refused}\n{text}"
            one.answers[f"{target}, run"] = outcome


def _is_strange(document: Event, names: Iterable[str]) -> bool:
    """Whether a value has a letter whose case depends on how the product plans a query (NOTES.md of ES|QL)."""
    return any(not STRANGE.isdisjoint(value) for name in names for value in find(document, name) if type(value) is str)


def _condition(text: str) -> str:
    """Return the condition of a query: ours has it on a line of its own, pySigma's query is all on one line."""
    line = next((line for line in text.split("\n") if line.startswith("| WHERE ")), text)
    return re.split(r"\| (?:WHERE|where) ", line, maxsplit=1)[1]


def _cell(document: Event, name: str) -> Any:
    values = [value for value in find(document, name) if value is not None]
    return sorted(values) if len(values) > 1 else values[0] if values else None


def _ask_kql(node: Node, index: str, pack: Sequence[Question]) -> None:
    """Compare our engine with the vendor's code on queries of ours.

    Kibana's translation is what a query means: rules are run by Kibana. The server's own query `kql` reads them alike,
    but hands a pattern to the query `wildcard` without escapes; so what it finds must be what that finds.
    """
    asked = [(number, one) for number, one in enumerate(pack) if "kql" in one.queries]
    as_kibana = [kibana_dsl(one.queries["kql"], Index(one.types)) for _, one in asked]
    questions: list[tuple[int, Mapping[str, Any]]] = []
    for (number, one), query in zip(asked, as_kibana, strict=True):
        questions += [(number, query), (number, {"kql": {"query": one.queries["kql"]}})]
    found = iter(_found(node, index, questions))
    differing: list[tuple[int, Question, Any, frozenset[str] | NodeError]] = []
    for (number, one), query in zip(asked, as_kibana, strict=True):
        kibana, server = next(found), next(found)
        text = one.queries["kql"]
        try:
            ours = frozenset(str(row["_id"]) for row in run_kql(text, one.documents))
        except QueryError as error:
            one.answers[KQL] = Comparison("", (), "not run", example=f"{error}\n{text}")
            continue
        one.answers[KQL] = _same(one, text, ours, kibana)
        one.answers[SERVER_KQL] = _same(one, text, ours, server)
        if one.answers[SERVER_KQL].outcome != "same":
            differing.append((number, one, query, server))
    unescaped = _found(node, index, [(number, _unescaped(query)) for number, _, query, _ in differing])
    for (_, one, _, server), plain in zip(differing, unescaped, strict=True):
        text = one.queries["kql"]
        why = PATTERN if server == plain else read_otherwise(text, parse_kql(text))
        if why:
            one.answers[SERVER_KQL].outcome, one.answers[SERVER_KQL].example = f"differs, and should: {why}", ""


def _unescaped(query: Any) -> Any:
    """Return Query DSL with the patterns of `wildcard` without Kibana's escapes."""
    if isinstance(query, list):
        return [_unescaped(one) for one in query]
    if not isinstance(query, dict):
        return query
    return {
        key: {name: {"value": re.sub(r"\\(.)", r"\1", one["value"], flags=re.DOTALL)} for name, one in value.items()}
        if key == "wildcard"
        else _unescaped(value)
        for key, value in query.items()
    }


def _same(asked: Question, text: str, ours: frozenset[str], theirs: frozenset[str] | NodeError) -> Comparison:
    outcome = Comparison("", (), "same", text=text, events=len(asked.documents))
    if isinstance(theirs, NodeError):
        outcome.outcome, outcome.example = "refused by the node", f"{theirs.reason}\n{text}"
    elif ours != theirs:
        document = next(one for one in asked.documents if (str(one["_id"]) in ours) != (str(one["_id"]) in theirs))
        who = "our engine" if str(document["_id"]) in ours else "the node"
        outcome.outcome, outcome.example = "differs", f"only {who}: {dict(document)}\n{text}"
    return outcome


def _ask_lucene(node: Node, index: str, pack: Sequence[Question], name: str) -> None:
    """Compare what the node finds by the queries of pySigma's backend with the reference, on fair events that fit."""
    asked = [(number, one, one.lucene) for number, one in enumerate(pack) if one.lucene is not None]
    found = _found(node, index, [(number, body) for number, _, body in asked])
    differing: list[tuple[int, Question, frozenset[str], list[Event]]] = []
    for (number, one, query), ids in zip(asked, found, strict=True):
        text = _text_of(query)
        if isinstance(ids, NodeError):
            one.answers[name] = Comparison("", (general(ids.reason),), "not run", example=f"{ids.reason}\n{text}")
            continue
        documents = [document for document in one.documents if str(document["_id"]) in one.fair]
        wrong = [each for each in documents if matches(one.plan.expr, each) != (str(each["_id"]) in ids)]
        one.answers[name] = Comparison("", (), "differs" if wrong else "agrees", text=text, events=len(documents))
        if wrong:
            differing.append((number, one, ids, wrong))
    parts = [(number, leaf) for number, one, _, _ in differing for leaf in dict.fromkeys(leaves_of(one.plan.expr))]
    bodies = [(number, leaf, body) for number, leaf in parts if (body := _lucene_part(leaf)) is not None]
    alone = _found(node, index, [(number, body) for number, _, body in bodies])
    by_leaf = {(number, leaf): ids for (number, leaf, _), ids in zip(bodies, alone, strict=True)}
    for number, one, ids, wrong in differing:
        comparison = one.answers[name]
        looked: Counter[str] = Counter()
        for document in wrong:
            side = "extra" if str(document["_id"]) in ids else "missed"
            looked[side] += 1
            if looked[side] > LOOKED_INTO:
                continue
            comparison.causes[f"{_cause(number, one, document, by_leaf)} ({side})"] += 1
        side = "extra" if str(wrong[0]["_id"]) in ids else "missed"
        comparison.example = f"{side}: {dict(wrong[0])}\n{comparison.text}"


def _cause(
    number: int, asked: Question, document: Event, by_leaf: Mapping[tuple[int, Leaf], frozenset[str] | NodeError]
) -> str:
    name = str(document["_id"])

    def differs(leaf: Leaf, negated: bool) -> bool:  # noqa: FBT001  the interface
        ids = by_leaf.get((number, leaf))
        if negated or ids is None or isinstance(ids, NodeError):  # NOT is a complement there: it differs with its part
            return False
        return (name in ids) != matches(leaf, document)

    return cause_by(asked.plan.expr, document, differs)


def _lucene_body(read: Rules, *, without_pipeline: bool = False) -> dict[str, Any]:
    """Return the query, in Query DSL, that pySigma's backend writes for a rule. Raises RefusedError."""
    (query,) = convert_rules(read, _LUCENE, format="dsl_lucene", without_pipeline=without_pipeline)
    body: dict[str, Any] = ast.literal_eval(query.text)["query"]
    return body


@lru_cache(maxsize=65_536)
def _lucene_part(leaf: Leaf) -> dict[str, Any] | None:
    rule = {
        "title": "One part",
        "logsource": {"category": "any"},
        "detection": {"it": as_detection(leaf), "condition": "it"},
    }
    try:
        return _lucene_body(parse_rules(json.dumps(rule, ensure_ascii=False)), without_pipeline=True)
    except SourceError:
        return None


def _text_of(body: Mapping[str, Any]) -> str:
    return str(body["bool"]["must"][0]["query_string"]["query"])
