"""The query_string of pySigma's Lucene backend, run on a node of Elasticsearch, and why it differs from the rule.

rule ──LuceneBackend──> query_string ──the node──> ids ──┐
rule ──reference──> ids ─────────────────────────────────┴──differ: each part of the rule alone──> causes
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from referee import NodeError
from sigmahq import Comparison, general
from sigmahq_index import found

from converter.conversion import convert_rules
from converter.errors import RefusedError, SourceError
from converter.harness.attribution import as_detection, cause_by
from converter.plan import nodes as ir
from converter.reference.match import matches
from converter.rules.load import parse_rules
from converter.targets.core.pysigma import UpstreamTarget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from referee import Node
    from sigmahq_index import Question

    from converter.rules.collection import Rules
    from converter.targets.core.target import Event

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
LOOKED_INTO = 6  # the cause is looked for in so many events of a rule and side


def convert_to_lucene(asked: Question, read: Rules) -> None:
    """Add the query of pySigma's backend to a question, or that it refuses the rule."""
    try:
        asked.lucene = _body(read)
    except RefusedError as error:
        why = (f"{error.construct}: {general(error.message)}",)
        asked.answers = {name: Comparison("", why, "refused") for name in (LUCENE, ANALYSED)}


def ask_lucene(node: Node, index: str, pack: Sequence[Question], name: str) -> None:
    """Compare what the node finds by the queries of pySigma's backend with the reference, on fair events that fit."""
    asked = [(number, one, one.lucene) for number, one in enumerate(pack) if one.lucene is not None]
    answers = found(node, index, [(number, body) for number, _, body in asked])
    differing: list[tuple[int, Question, frozenset[str], list[Event]]] = []
    for (number, one, query), ids in zip(asked, answers, strict=True):
        text = _text_of(query)
        if isinstance(ids, NodeError):
            one.answers[name] = Comparison("", (general(ids.reason),), "not run", example=f"{ids.reason}\n{text}")
            continue
        documents = [document for document in one.documents if str(document["_id"]) in one.fair]
        wrong = [each for each in documents if matches(one.plan.expr, each) != (str(each["_id"]) in ids)]
        one.answers[name] = Comparison("", (), "differs" if wrong else "agrees", text=text, events=len(documents))
        if wrong:
            differing.append((number, one, ids, wrong))
    parts = [(number, leaf) for number, one, _, _ in differing for leaf in dict.fromkeys(ir.leaves_of(one.plan.expr))]
    bodies = [(number, leaf, body) for number, leaf in parts if (body := _part(leaf)) is not None]
    alone = found(node, index, [(number, body) for number, _, body in bodies])
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
    number: int, asked: Question, document: Event, by_leaf: Mapping[tuple[int, ir.Leaf], frozenset[str] | NodeError]
) -> str:
    name = str(document["_id"])

    def differs(leaf: ir.Leaf, negated: bool) -> bool:  # noqa: FBT001  the interface
        ids = by_leaf.get((number, leaf))
        if negated or ids is None or isinstance(ids, NodeError):  # NOT is a complement there: it differs with its part
            return False
        return (name in ids) != matches(leaf, document)

    return cause_by(asked.plan.expr, document, differs)


def _body(read: Rules, *, without_pipeline: bool = False) -> dict[str, Any]:
    """Return the query, in Query DSL, that pySigma's backend writes for a rule. Raises RefusedError."""
    (query,) = convert_rules(read, _LUCENE, format="dsl_lucene", without_pipeline=without_pipeline)
    body: dict[str, Any] = ast.literal_eval(query.text)["query"]
    return body


@lru_cache(maxsize=65_536)
def _part(leaf: ir.Leaf) -> dict[str, Any] | None:
    rule = {
        "title": "One part",
        "logsource": {"category": "any"},
        "detection": {"it": as_detection(leaf), "condition": "it"},
    }
    try:
        return _body(parse_rules(json.dumps(rule, ensure_ascii=False)), without_pipeline=True)
    except SourceError:
        return None


def _text_of(body: Mapping[str, Any]) -> str:
    return str(body["bool"]["must"][0]["query_string"]["query"])
