"""Events of rules of SigmaHQ in an index of Elasticsearch: what type each field has, and which events fit.

    plan with Elastic's fields ──type of each field──> mapping ──events that fit──> Question ──several──> index

A field has the type that the facts or its name tell, else the one that the rule's values have. An event with a value of
another type is left out: such an index would refuse it, or hold something else.
"""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass, field
from http.client import TOO_MANY_REQUESTS
from typing import TYPE_CHECKING, Any

from referee import NodeError

from converter.harness.audit import fair_part
from converter.pipelines.apply import apply
from converter.pipelines.choose import select
from converter.plan import nodes as ir
from converter.products.field_facts import load_facts
from converter.reference.values import find
from converter.targets.core.elastic_emission import ElasticEmission
from converter.targets.core.target import Context

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from referee import Node
    from sigmahq import Comparison

    from converter.harness.replay import Log
    from converter.rules.collection import Rules
    from converter.targets.core.target import Event

_LONG, _LONGEST_TERM = 2**63, 32_766
OWNER = "sigmahq_rule"
TRIES, PAUSE_SECONDS = 6, 5  # where the node is full: a thousand wildcards take most of its memory


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

    plan: ir.Detection
    types: dict[str, str]
    everywhere: bool
    documents: list[Event]
    fair: frozenset[str]
    queries: Mapping[str, str]
    lucene: dict[str, Any] | None = None
    answers: dict[str, Comparison] = field(default_factory=dict)


def question(read: Rules, plan: ir.Detection, log: Log, queries: Mapping[str, str]) -> Question:
    """Return the question about a rule, its events and its queries."""
    mapped = mapped_plan(read, plan)
    types = _types(mapped)
    everywhere = _everywhere(mapped)
    return Question(
        mapped,
        types,
        everywhere,
        [one for one in log.seen("elastic", plan) if _fits(one, types, everywhere=everywhere)],
        frozenset(str(event["_id"]) for event in fair_part(read, plan, log, "elastic").events),
        queries,
    )


def fitting(read: Rules, plan: ir.Detection, log: Log) -> Log:
    """Return the events that an index can hold in which each field has one type."""
    mapped = mapped_plan(read, plan)
    types = _types(mapped)
    everywhere = _everywhere(mapped)
    seen = log.seen("elastic", plan)
    return log.part([at for at, one in enumerate(seen) if _fits(one, types, everywhere=everywhere)])


def mapped_plan(read: Rules, plan: ir.Detection) -> ir.Detection:
    """Return the plan with Elastic's names of fields."""
    applied = apply(read.collection(), select("elastic", [plan.logsource]))
    (rule,) = applied.collection.rules
    mapped = read.lowered(rule)
    if not isinstance(mapped, ir.Detection):
        raise TypeError(plan.meta.path)
    return mapped


def _types(plan: ir.Detection) -> dict[str, str]:
    emission = ElasticEmission(Context(load_facts("elastic", plan.logsource)))
    types: dict[str, str] = {}
    for leaf in ir.leaves_of(plan.expr):
        for name in (one for one in (getattr(leaf, "field", None), getattr(leaf, "other", None)) if one):
            fact = emission.type_of(name)
            kind = fact or _type_of_value(leaf)
            if kind and (name not in types or kind == "keyword" or (kind, types[name]) == ("double", "long")):
                types[name] = {"wildcard": "keyword", "flattened": "keyword"}.get(kind, kind)
    for leaf in ir.leaves_of(plan.expr):  # what is only asked to be there
        for name in (one for one in (getattr(leaf, "field", None), getattr(leaf, "other", None)) if one):
            types.setdefault(name, "keyword")
    return types


def _everywhere(plan: ir.Detection) -> bool:
    return any(not hasattr(leaf, "field") for leaf in ir.leaves_of(plan.expr))


def _type_of_value(leaf: ir.Leaf) -> str:
    match leaf:
        case ir.NumberMatch(number=number) | ir.NumberCompare(number=number):
            return "long" if isinstance(number, int) else "double"
        case ir.BoolMatch():
            return "boolean"
        case ir.Cidr():
            return "ip"
        case ir.StringMatch() | ir.Regex():
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


def packs(questions: Sequence[Question]) -> Iterator[tuple[dict[str, str], list[Question]]]:
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


def mapping(types: Mapping[str, str], *, everywhere: bool, analysed: bool = False) -> dict[str, Any]:
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
            OWNER: {"type": "keyword"},
        },
    }


def owned(number: int, asked: Question) -> Iterator[Event]:
    """Yield the documents of one of several rules, with what the rule reads of them."""
    for document in asked.documents:
        kept = {
            key: value
            for key, value in document.items()
            if asked.everywhere or any(name == key or name.startswith(f"{key}.") for name in asked.types)
        }
        yield {**kept, OWNER: owner(number), "_id": f"{number} {document['_id']}"}


def owner(number: int) -> str:
    """Return how the documents of a rule are marked: in letters that no keyword of a rule has."""
    return "".join(chr(0xE000 + int(digit)) for digit in str(number))


def found(node: Node, index: str, queries: Sequence[tuple[int, Mapping[str, Any]]]) -> list[frozenset[str] | NodeError]:
    """Return what each query finds among the documents of one rule."""
    bodies = [{"bool": {"must": query, "filter": {"term": {OWNER: owner(number)}}}} for number, query in queries]
    answers = node.search_ids(index, bodies)
    for _ in range(TRIES):
        full = [at for at, one in enumerate(answers) if isinstance(one, NodeError) and one.status == TOO_MANY_REQUESTS]
        if full:
            time.sleep(PAUSE_SECONDS)
        for at in full:
            (answers[at],) = node.search_ids(index, [bodies[at]])
    return [one if isinstance(one, NodeError) else frozenset(name.split(" ", 1)[1] for name in one) for one in answers]
