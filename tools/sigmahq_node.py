"""Ask a node of Elasticsearch about the queries of rules of SigmaHQ, on the events that an index can hold.

KQL of ours ───────────────> our engine; Kibana's translation on the node; the query `kql` of the node
query_string of pySigma ───> the node, the reference: the same documents? else which part of the rule
ES|QL of ours, of pySigma ─> the vendor's grammar; the condition by our engine, by the vendor's functions
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from referee import NodeError
from sigmahq import ROOT, Comparison
from sigmahq_index import OWNER, found, mapping, owned, packs
from sigmahq_lucene import ANALYSED, LUCENE, ask_lucene

sys.path.append(str(ROOT))  # `tests`
from converter.errors import QueryError
from converter.plan.nodes import leaves_of
from converter.reference.values import find
from converter.targets.esql.engine.execute import run as run_esql
from converter.targets.esql.engine.parse import parse as parse_esql
from converter.targets.kql.engine.execute import run as run_kql
from converter.targets.kql.engine.parse import parse as parse_kql
from tests.support.referee.kql_asks import Index, kibana_dsl
from tests.support.referee.kql_dialect import read_otherwise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from referee import Node
    from sigmahq_index import Question

    from converter.targets.core.target import Event

KQL, SERVER_KQL = "kql, as Kibana translates it", "kql, as the server reads it"
MOST_TESTS = 400_000  # of parts of a rule on events: the vendor's functions in memory are not made for more
MOST_PARTS = 2_000  # of a rule: the vendor's code then takes minutes and gigabytes
STRANGE = frozenset("\u212a\u017f\u0130\u0131")  # what stands behind every verdict: docs/semantics.md
PATTERN = "it takes a backslash, * or ? of a pattern for an escape or a wildcard"


def answer(node: Node, questions: Sequence[Question]) -> None:
    """Answer questions; as few indices as possible hold the documents of all. Of very long rules, the grammar only."""
    _grammar(node, questions)
    asked = [one for one in questions if _parts(one) <= MOST_PARTS]
    _run_esql(node, asked)
    for types, pack in packs(asked):
        try:
            _ask_pack(node, types, pack)
        except NodeError:  # which of them is it?
            for one in pack:
                try:
                    _ask_pack(node, one.types, [one])
                except NodeError as error:
                    one.answers[KQL] = Comparison("", (), "refused by the node", example=str(error))


def _parts(question: Question) -> int:
    return sum(1 for _ in leaves_of(question.plan.expr))


def _ask_pack(node: Node, types: Mapping[str, str], pack: Sequence[Question]) -> None:
    everywhere = pack[0].everywhere
    documents = [document for number, one in enumerate(pack) for document in owned(number, one)]
    with node.index(mapping(types, everywhere=everywhere), documents) as index:
        _ask_kql(node, index, pack)
        ask_lucene(node, index, pack, LUCENE)
    with node.index(mapping(types, everywhere=everywhere, analysed=True), documents) as index:
        ask_lucene(node, index, pack, ANALYSED)


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
        asked = {target: text for target, text in one.queries.items() if target.endswith("esql")}
        columns = {**one.types, OWNER: "keyword"}
        most = max(8, MOST_TESTS // _parts(one))
        documents = [document for document in one.documents if not _is_strange(document, one.types)][:most]
        rows = [[*(_cell(document, name) for name in one.types), str(document["_id"])] for document in documents]
        queries = [f"FROM rows | WHERE {_condition(text)} | KEEP {OWNER}" for text in asked.values()]
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
                compared = Comparison("", (), "both refuse it", text=text)
                if theirs is not None:
                    compared.outcome, compared.example = "not run", f"{error}\n{text}"
            else:
                compared = _same(one, text, ours, theirs if theirs is not None else frozenset())
                if theirs is None:
                    refused = said.get("error", "")
                    compared.outcome = "refused by the node" if refused else f"the node lacks {said['lacking']}"
                    compared.example = f"{refused}\n{text}"
            one.answers[f"{target}, run"] = compared


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
    answers = iter(found(node, index, questions))
    differing: list[tuple[int, Question, Any, frozenset[str] | NodeError]] = []
    for (number, one), query in zip(asked, as_kibana, strict=True):
        kibana, server = next(answers), next(answers)
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
    unescaped = found(node, index, [(number, _unescaped(query)) for number, _, query, _ in differing])
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
