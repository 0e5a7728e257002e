"""Queries and documents at random: our KQL engine and the vendor's code find the same.

Documents are made first and put into one index; then each example of hypothesis is a query over all of them. A failure
is shrunk to a small query, and one document to what it needs. `make referee` tries the same examples each time;
`make referee-long` new ones, whose seed is printed and can be given by the environment.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from hypothesis import Phase, given, seed, settings

from converter.errors import QueryError
from converter.targets.kql.engine import syntax
from converter.targets.kql.engine.execute import compile_filter
from converter.targets.kql.engine.parse import parse
from tests.support.referee.kql_asks import FILLER, REFUSED, Index, dsl_of, reason
from tests.support.referee.kql_dialect import odd_blanks, read_otherwise
from tests.support.referee.kql_random import NESTED, TYPES, broken, documents, queries
from tests.support.referee.lucene_asks import generator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pytest
    from referee import Node

INDEX = Index(TYPES, NESTED)
DOCUMENTS = 120
PAIRS_FOR_A_QUERY = 8  # the documents are in the index once, so each query is asked of all
LEAST = 300
DATES = frozenset({"@timestamp", "event.created", "*"})
UNTYPED = frozenset({"n", "d", "f", "user.*", "*.name", "k*", "*ser*", "*k*", "n*", "*"})

# What our engine leaves out on purpose: NOTES.md, What is refused.
NOT_SIMULATED = {
    "is a text field": "text fields are analysed",
    "date mathematics": "date mathematics",
    "null is no": "null",
    "splits a pattern with blanks": "patterns that query_string splits",
    "a value without a field finds nothing": "a value alone in braces",
    "takes no wildcard": "a wildcard before braces",
}

# What our parser says of a text that the server's parser takes: it reads whole words, and escapes a blank.
WORDS = re.compile(r"and|or|not", re.IGNORECASE)
ONLY_OURS = {
    "'not'": "not inside or before a value, and twice",
    "directly after 'not'": "not( without a blank",
    "the query ends where": "an operator at an end of a value",
    "stands where": "an operator for a value",
    "expected 'and', 'or'": "an operator for a value",
    "this backslash escapes nothing": "a blank that is escaped",
    "no closing quote": "a backslash before the last quote",
}
SYNTAX = re.compile(r"line \d+:\d+: (?!.*is not a valid nested field name)")


class DiffersError(AssertionError):
    """One of the vendor's answers is not ours: for which query, and of which document, if one shows it."""

    def __init__(self, what: str, text: str, document: dict[str, Any] | None = None) -> None:
        super().__init__(f"{text!r}: {what}" if document is None else f"{text!r} on {document}: {what}")
        self.text = text
        self.document = document


class Comparison:
    """The node, an index of documents made at random, and what was counted."""

    def __init__(self, node: Node, index: str, stored: Sequence[dict[str, Any]]) -> None:
        self.node = node
        self.index = index
        self.stored = stored
        self.counted: Counter[str] = Counter()

    def compare(self, text: str) -> None:
        """Compare what a query finds of all documents. Raises DiffersError."""
        try:
            tree = parse(text)
        except QueryError:
            self.counted["do not parse"] += 1
            return
        kibana, server = self._ask(text)
        self.counted["queries"] += 1
        try:
            matches = compile_filter(tree, text)
            ours: set[str] | QueryError = {held["_id"] for held in self.stored if matches(held)}
        except QueryError as error:
            ours = error
        if kibana != REFUSED:
            self._judge("Kibana's Query DSL", text, tree, ours, kibana)
        if why := read_otherwise(text, tree):
            self.counted[f"the server reads otherwise: {why}"] += 1
        elif isinstance(server, set) and (
            isinstance(ours, QueryError) if kibana == REFUSED else isinstance(kibana, str)
        ):
            self.counted["the server's kql is lenient"] += 1
        elif any(_text(node.field) in {"user", "source", "u"} for node in _comparisons(tree)):
            self.counted["the server asks only fields, not objects"] += 1
        else:
            self._judge("the server's kql", text, tree, ours, server)

    def _ask(self, text: str) -> tuple[set[str] | str, set[str] | str]:
        """Return what Kibana's Query DSL finds, and the server's kql."""
        dsl = dsl_of(text, INDEX, "dsl")
        found = self.node.search_ids(self.index, [{"kql": {"query": text}}, *([] if dsl is None else [dsl])])
        answers = [answer - {FILLER} if isinstance(answer, set) else reason(answer) for answer in found]
        return answers[1] if dsl is not None else REFUSED, answers[0]

    def _judge(
        self, who: str, text: str, tree: syntax.Query, ours: set[str] | QueryError, theirs: set[str] | str
    ) -> None:
        if isinstance(theirs, str):
            if isinstance(ours, QueryError):
                self.counted["refused by both"] += 1
            elif any(node.field is None or _text(node.field) in UNTYPED for node in _comparisons(tree)):
                # No mapping: our engine meets a wrong type only in a document.
                self.counted["refused by the type of a field that no document holds"] += 1
            else:
                raise DiffersError(f"{who} refuses, {theirs}; ours finds {len(ours)}", text)
            return
        if isinstance(ours, QueryError):
            why = next((why for part, why in NOT_SIMULATED.items() if part in ours.message), "")
            if not why and any(_text(node.field) in DATES for node in _comparisons(tree)):
                why = "the server leaves out what its dates show to be in vain, with its errors"
            if not why:
                raise DiffersError(f"{who} finds {len(theirs)}, ours refuses: {ours.message}", text)
            self.counted[f"not simulated: {why}"] += 1
            return
        # No mapping: our engine does not know that `u` is nested, unless the query says so.
        plain_only = any(node.field is None for node in _comparisons(tree))
        for held in self.stored:
            if (held["_id"] in ours) != (held["_id"] in theirs) and not (plain_only and _has_nested(held)):
                raise DiffersError(f"{who} {'finds' if held['_id'] in theirs else 'passes over'} it", text, held)
        self.counted["pairs"] += len(self.stored)
        self.counted["hits"] += len(ours)

    def compare_refusals(self, text: str) -> None:
        """Compare whether a text is a query. Raises DiffersError."""
        (found,) = self.node.search_ids(self.index, [{"kql": {"query": text}}])
        theirs = "" if isinstance(found, set) or not SYNTAX.match(reason(found)) else reason(found)
        try:
            tree = parse(text)
        except QueryError as error:
            why = next((why for part, why in ONLY_OURS.items() if part in error.message), "")
            why = "blanks: which they are" if odd_blanks(text) else why
            if not theirs and not (why and (odd_blanks(text) or WORDS.search(text) or "\\" in text)):
                raise DiffersError(f"ours refuses, {error.message}; the server does not", text) from None
            self.counted["refused by both" if theirs else f"refused by ours only: {why}"] += 1
            return
        otherwise = read_otherwise(text, tree) or ("a value alone in braces" if _alone_in_braces(tree) else "")
        if theirs and not otherwise:
            raise DiffersError(f"the server refuses, {theirs}; ours does not", text)
        self.counted[f"refused by the server only: {otherwise}" if theirs else "taken by both"] += 1

    def shrunk(self, error: DiffersError) -> DiffersError:
        """Return an error with what its document needs to show it."""
        held = error.document
        for name in list(held or ()):
            lighter = {key: value for key, value in (held or {}).items() if key != name}
            if name == "_id":
                continue
            with self.node.index(INDEX.mapping(), [INDEX.filler(), lighter]) as index:
                try:
                    Comparison(self.node, index, [lighter]).compare(error.text)
                except DiffersError as found:
                    held, error = lighter, found
        return error


def _comparisons(node: syntax.Query) -> Iterator[syntax.Is | syntax.Range]:
    match node:
        case syntax.Is() | syntax.Range():
            yield node
        case syntax.Not(query) | syntax.Nested(_, query):
            yield from _comparisons(query)
        case syntax.And(parts) | syntax.Or(parts):
            for part in parts:
                yield from _comparisons(part)
        case syntax.MatchAll():
            pass


def _alone_in_braces(node: syntax.Query, *, inside: bool = False) -> bool:
    """Return whether a value without a field stands in braces, which our engine refuses later than the server."""
    match node:
        case syntax.Is(name, _):
            return inside and name is None
        case syntax.Range() | syntax.MatchAll():
            return False
        case syntax.Not(query):
            return _alone_in_braces(query, inside=inside)
        case syntax.Nested(_, query):
            return _alone_in_braces(query, inside=True)
        case syntax.And(parts) | syntax.Or(parts):
            return any(_alone_in_braces(part, inside=inside) for part in parts)


def _text(name: syntax.Value | None) -> str:
    match name:
        case syntax.Text(text):
            return text
        case syntax.Wildcard(parts):
            return "*".join(parts)
        case _:
            return ""


def _has_nested(held: dict[str, Any]) -> bool:
    return any(key.partition(".")[0] in {"u", "threat"} for key in held)


def _rules(examples: int) -> settings:
    return settings(
        database=None,
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
        report_multiple_bugs=False,
        max_examples=max(LEAST, examples // PAIRS_FOR_A_QUERY),
    )


def _tell(capsys: pytest.CaptureFixture[str], what: str, comparison: Comparison) -> None:
    counted = "".join(f"\n  {count:7} {what}" for what, count in comparison.counted.most_common())
    with capsys.disabled():
        print(f"\n{what}:{counted}")  # noqa: T201  figures of the run


def test_random_queries(node: Node, examples: int, capsys: pytest.CaptureFixture[str]) -> None:
    rules, number = _rules(examples), generator("kql at random", examples).getrandbits(32)
    held: list[dict[str, Any]] = []

    @seed(number)
    @settings(rules, max_examples=DOCUMENTS)
    @given(documents())
    def collect(document: dict[str, Any]) -> None:
        held.append({**document, "_id": f"d{len(held)}"})

    collect()
    with node.index(INDEX.mapping(), [INDEX.filler(), *held]) as index:
        comparison = Comparison(node, index, held)

        @seed(number)
        @settings(rules)
        @given(queries())
        def compare(text: str) -> None:
            comparison.compare(text)

        try:
            compare()
        except DiffersError as error:
            raise comparison.shrunk(error) from None
    _tell(capsys, f"kql at random, {len(held)} documents", comparison)
    assert comparison.counted["hits"] > comparison.counted["queries"]


def test_broken_queries(node: Node, examples: int, capsys: pytest.CaptureFixture[str]) -> None:
    rules, number = _rules(examples), generator("kql, broken queries", examples).getrandbits(32)
    with node.index(INDEX.mapping(), [INDEX.filler()]) as index:
        comparison = Comparison(node, index, [])

        @seed(number)
        @settings(rules)
        @given(broken())
        def compare(text: str) -> None:
            comparison.compare_refusals(text)

        compare()
    _tell(capsys, "kql, broken queries", comparison)
    assert comparison.counted["refused by both"]
    assert comparison.counted["taken by both"]
