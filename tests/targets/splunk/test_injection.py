"""Rules from strangers in SPL: no text of a rule leaves its place in a query.

A text of `hostile/strings.yml`, or a mixture of several, is put into a place of a rule: the value of every kind of
leaf, a field, a group-by, an alias, what is measured, a name. The search is parsed with our own parser and has the
shape of one made from a harmless twin (`hostile/shapes.py` says which classes of texts are said in another way); its
texts differ only where the rule does, and there they are the rule's. Then it is run beside the reference. A refusal is
fine if it has a place.

Names of fields have four classes, so that the shape is that of one of four twins: a word; one that needs quotes; one
that `search` would take for something else; one that only `where` can quote.
"""

from __future__ import annotations

import re
from ast import literal_eval
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.errors import QueryError
from converter.harness.replay import Log, replay
from converter.targets.core.registry import get_target
from tests.support import shapes

if TYPE_CHECKING:
    from collections.abc import Callable


e = shapes.escaped
HOSTILE: tuple[str, ...] = shapes.HOSTILE
PIECES = (*HOSTILE, '"', "'", "\\", "`", "|", "[", "]", "(", ")", "$", "\n", ",", " ", "=", "a", "x1", "*", "?")
MIXED = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=12
)
TEXT = st.sampled_from(HOSTILE) | MIXED
FIELD_TWINS = ("harmless", "harm less", "daysago", "harml\u0101ss")
# What a correlation reads is all that is kept of an event; what is called like a column of its rows is not shown.
READ_TWINS = (*FIELD_TWINS, "_raw", "last_seen")
# What Splunk has in these is not what an event says of itself.
_OF_SPLUNK = {"_time", "_raw"}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A kind of leaf: its detection, of a field and a value, and a value of an event that matches, if one is known."""

    detection: Callable[[str, str], Any]
    hit: Callable[[str], Any] | None = lambda text: text
    kept: str = ""


def undashed(text: str) -> str:
    return re.sub("[-/\u2013-\u2015]", "", text)


LEAVES: dict[str, Leaf] = {
    "equals": Leaf(lambda f, v: {f: e(v)}),
    "list": Leaf(lambda f, v: {f: [e(v), "second"]}),
    "contains": Leaf(lambda f, v: {f"{f}|contains": e(v)}, lambda v: f"<{v}>"),
    "startswith": Leaf(lambda f, v: {f"{f}|startswith": e(v)}, lambda v: f"{v}>"),
    "endswith": Leaf(lambda f, v: {f"{f}|endswith": e(v)}, lambda v: f"<{v}"),
    "all": Leaf(lambda f, v: {f"{f}|contains|all": [e(v), "second"]}, lambda v: f"{v} second"),
    "wildcards": Leaf(lambda f, v: {f: f"a*{e(v)}?z"}, lambda v: f"a--{v}-z"),
    "cased": Leaf(lambda f, v: {f"{f}|cased": e(v)}),
    "cased contains": Leaf(lambda f, v: {f"{f}|contains|cased": [e(v), "Second"]}, lambda v: f"<{v}>"),
    "neq": Leaf(lambda f, v: {f"{f}|neq": e(v)}, lambda v: f"{v}x"),
    "windash": Leaf(lambda f, v: {f"{f}|contains|windash": f"-x{e(undashed(v))}"}, lambda v: f"/x{undashed(v)}"),
    "unescaped": Leaf(lambda f, v: {f: v}, None, kept="*?\\"),
    "keyword": Leaf(lambda _, v: [e(v)], lambda v: f"say {v}."),
    "keyword list": Leaf(lambda _, v: [e(v), "second"], lambda v: f"say {v}."),
    "cidr": Leaf(lambda f, v: {f"{f}|cidr": v}, None),
    "greater than a text": Leaf(lambda f, v: {f"{f}|gt": v}, None),
    "hour of a text": Leaf(lambda f, v: {f"{f}|hour": v}, None),
    "placeholder": Leaf(lambda f, v: {f"{f}|expand": f"%{v}%".replace("\\", "")}, None, kept="*?"),
}
# Leaves whose value is no text: only their field can be hostile.
OTHERS: dict[str, Leaf] = {
    "re": Leaf(lambda f, _: {f"{f}|re": "val.*e"}),
    "cidr": Leaf(lambda f, _: {f"{f}|cidr": "10.0.0.0/8"}, lambda _: "10.1.1.1"),
    "exists": Leaf(lambda f, _: {f"{f}|exists": True}),
    "null": Leaf(lambda f, _: {f: None}, None),
    "number": Leaf(lambda f, _: {f: 5}, lambda _: 5),
    "boolean": Leaf(lambda f, _: {f: True}, lambda _: True),
    "greater": Leaf(lambda f, _: {f"{f}|gt": 5}, lambda _: 6),
    "hour": Leaf(lambda f, _: {f"{f}|hour": 5}, lambda _: "2026-01-01T05:00:00Z"),
    "not there": Leaf(lambda f, _: {f"{f}|exists": False}, None),
    "fieldref": Leaf(lambda f, _: {f"{f}|fieldref": "plain"}),
    "is referred to": Leaf(lambda f, _: {"plain|fieldref": e(f)}),
    "is referred to within": Leaf(lambda f, _: {"plain|fieldref|contains": e(f)}),
    "both": Leaf(lambda f, _: {f"{f}|fieldref|endswith": e(f)}, None),
}
OF_FIELDS = LEAVES | OTHERS
REGEXES: dict[str, Leaf] = {
    "re": Leaf(lambda f, v: {f"{f}|re": v}),
    "re i": Leaf(lambda f, v: {f"{f}|re|i": v}),
    "re m s": Leaf(lambda f, v: {f"{f}|re|m|s": v}),
    "re list": Leaf(lambda f, v: {f"{f}|re": [v, "sec.nd"]}),
    "of the text": Leaf(lambda f, v: {f"{f}|re": f"^{re.escape(v)}$"}),
    "in quotes": Leaf(lambda f, v: {f"{f}|re": f'"(?:{v})|\\\\"'}),
    "keyword re": Leaf(lambda _, v: {"|re": v}),
    "keyword re i": Leaf(lambda _, v: {"|re|i": re.escape(v)}),
}
# Leaves of which the first search has parts that depend on what is in the text: words between blanks.
_WITHIN = {"keyword", "keyword list"}
_OFTEN_REFUSED = {"cidr", "greater than a text", "hour of a text", "placeholder"}
CONDITIONS = ("hostile", "not hostile", "other or hostile", "other and not (hostile or third)", "hostile and third")


def rule(detection: Any, condition: str = "hostile", **more: Any) -> dict[str, Any]:
    parts = {"hostile": detection, "other": {"kind": "a"}, "third": {"kind|contains": ["b", "a"]}}
    used = {name: part for name, part in parts.items() if name in condition}
    return {
        "title": "Harmless",
        "logsource": {"category": "test"},
        **more,
        "detection": {**used, "condition": condition},
    }


def check(
    documents: list[dict[str, Any]], twins: list[list[dict[str, Any]]], given: tuple[str, ...], *, loose: bool = False
) -> Any:
    """Check that the search of hostile rules has the shape of one of the twins, and their texts but for the given ones.

    Args:
        documents: the rules.
        twins: harmless rules of every class that the hostile ones may be of.
        given: the hostile texts.
        loose: whether the terms of the first search are not compared: they come from within a regular expression or a
            keyword, or are an encoding. They must still be comparisons with fields of the rule, and plain words.

    Returns:
        The query, or None if the rules are refused.
    """
    query = shapes.converted(documents)
    if isinstance(query, shapes.Refused):
        return None
    tree = shapes.tree_of(query)
    if loose:
        shapes.check_first(tree, {"f", "kind", "f0", "f1", "f2", "f3"})
        tree = shapes.rest(tree)
    found = shapes.shape(tree)
    known = [shapes.rest(other) if loose else other for one in twins if (other := twin_tree(repr(one))) is not None]
    same = [other for other in known if shapes.shape(other) == found]
    assert same, query.text
    strange = [
        [
            (kind, text)
            for kind, text, instead in shapes.differences(tree, other)
            if not intended(kind, text, instead, given)
        ]
        for other in same
    ]
    assert not all(strange), (query.text, strange)
    return query


@lru_cache(maxsize=20_000)
def twin_tree(text: str) -> Any:
    """Return the tree of harmless documents, None if they are refused; they are given as text, to be remembered."""
    query = shapes.converted(literal_eval(text))
    return None if isinstance(query, shapes.Refused) else shapes.tree_of(query)


def intended(kind: str, text: Any, instead: Any, given: tuple[str, ...]) -> bool:
    """Return whether a text of the tree that the twin has not is one of the rule's."""
    if kind == "Pattern":
        new = [piece for piece in text if piece and piece not in instead]
        return any(in_order(new, one) for one in given)
    if kind == "String":  # a regular expression: what it finds is shown by running it
        return True
    if text in given:
        return True
    numbered = [re.compile(rf"{re.escape(one)}(_[0-9]+)?") for one in given]  # a column of ours, behind one of the rule
    return any(name.fullmatch(text) and name.fullmatch(instead) for name in numbered)


def surrogate(text: str) -> bool:
    """Return whether there is half of a pair in a text, which no event holds."""
    return any("\ud7ff" < char < "\ue000" for char in text)


def in_order(pieces: list[str], text: str) -> bool:
    position = 0
    for piece in pieces:
        found = text.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return True


def check_found(
    documents: list[dict[str, Any]], query: Any, events: list[dict[str, Any]], *, hit: bool = False
) -> None:
    """Run the query beside the reference; `hit`: the first event must be found, or explained by an assumption."""
    (plan,) = shapes.rules_of(documents).plans
    log = Log([{"@timestamp": f"2026-01-01T00:00:{at:02}Z", **event} for at, event in enumerate(events)], "test")
    outcome, _ = replay(plan, query, get_target("splunk"), log)
    assert not outcome.contradicts, (query.text, outcome.differences)
    if hit:
        assert log.alerts(plan), documents


def events_of(field: str, value: str, hit: Any) -> list[dict[str, Any]]:
    values = [
        hit,
        hit,
        value,
        value,
        f"{value}x",
        f"x{value}",
        value[1:],
        value[:-1],
        value.swapcase(),
        "value",
        "second",
        "",
        5,
    ]
    others = [{"plain": value, "kind": "a"}, {"plain": "a", field: "a"}, {"plain": "b", field: "a", "kind": "xbx"}]
    return [{field: one, "kind": "a" if at % 2 else "other"} for at, one in enumerate(values)] + others


# -------------------------------------------------------------------------------------------------------------- values


@settings(max_examples=400, derandomize=True)
@given(st.sampled_from(sorted(LEAVES)), TEXT, st.sampled_from(CONDITIONS))
def test_a_value_stays_in_its_place(kind: str, text: str, condition: str) -> None:
    check_value(kind, text, condition)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_each_hostile_value_stays_in_its_place(text: str) -> None:
    for kind in ("equals", "cased", "keyword"):
        check_value(kind, text, "hostile")


def check_value(kind: str, text: str, condition: str) -> None:
    leaf = LEAVES[kind]
    documents = [rule(leaf.detection("f", text), condition)]
    plain = shapes.twins(text, leaf.kept)
    twins = [[rule(leaf.detection("f", twin), condition)] for twin in plain]
    if kind == "placeholder":  # what stands between percent signs is a text, unless it is a name
        twins.extend([rule(LEAVES["equals"].detection("f", f"w{twin}w"), condition)] for twin in plain)
    given = (text, f"%{text}%".replace("\\", ""), *(f"{dash}x{undashed(text)}" for dash in "-/\u2013\u2014\u2015"))
    query = check(documents, twins, given, loose=True)
    if query is None or surrogate(text):
        return
    hit = text if leaf.hit is None else leaf.hit(text)
    check_found(documents, query, events_of("f", text, hit), hit=condition == "hostile" and leaf.hit is not None)


@settings(max_examples=150, derandomize=True)
@given(st.sampled_from(sorted(REGEXES)), TEXT, st.sampled_from(CONDITIONS))
def test_a_regular_expression_stays_in_its_place(kind: str, text: str, condition: str) -> None:
    leaf = REGEXES[kind]
    documents = [rule(leaf.detection("f", text), condition)]
    twins = [[rule(leaf.detection("f", "abc"), condition)]]
    query = check(documents, twins, (text,), loose=True)
    if query is not None and not surrogate(text):
        check_found(documents, query, events_of("f", text, f'"{text}"'))


@settings(max_examples=100, derandomize=True)
@given(
    st.lists(st.sampled_from(sorted(set(LEAVES) - _WITHIN - _OFTEN_REFUSED)), min_size=4, max_size=4),
    st.lists(TEXT, min_size=4, max_size=4),
)
def test_several_values_stay_in_their_places(kinds: list[str], values: list[str]) -> None:
    """Two alternatives of two conditions each, all with hostile values."""

    def several(chosen: list[str]) -> list[dict[str, Any]]:
        parts = [
            LEAVES[kind].detection(f"f{at}", text) for at, (kind, text) in enumerate(zip(kinds, chosen, strict=True))
        ]
        return [rule([parts[0] | parts[1], parts[2] | parts[3]])]

    pairs = [shapes.twins(text, LEAVES[kind].kept) for kind, text in zip(kinds, values, strict=True)]
    twins = [several([pair[at] for pair in pairs]) for at in (0, 1)]
    given = [*values, *(f"{dash}x{undashed(text)}" for text in values for dash in "-/\u2013\u2014\u2015")]
    query = check(several(values), twins, tuple(given), loose=True)
    if query is not None and not any(map(surrogate, values)):
        hits = [(LEAVES[kind].hit or str)(text) for kind, text in zip(kinds, values, strict=True)]
        events = [dict(zip(("f0", "f1", "f2", "f3"), one, strict=True)) for one in (hits, values, hits[::-1])]
        check_found(several(values), query, [*events, {"f0": hits[0], "f1": hits[1]}, {"f2": hits[2]}, {"f3": hits[3]}])


# -------------------------------------------------------------------------------------------------------------- fields


@settings(max_examples=300, derandomize=True)
@given(st.sampled_from(sorted(OF_FIELDS)), TEXT, st.sampled_from(CONDITIONS))
def test_a_field_stays_in_its_place(kind: str, name: str, condition: str) -> None:
    check_field(kind, name, condition)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_each_hostile_field_stays_in_its_place(name: str) -> None:
    for kind in ("equals", "is referred to"):
        check_field(kind, name, "hostile")


def check_field(kind: str, name: str, condition: str) -> None:
    if not name.partition("|")[0] or (kind, name) == ("hour", "_time"):
        return  # no field makes a keyword of a value; _time is a number, and so said in another way
    leaf = OF_FIELDS[kind]
    documents = [rule(leaf.detection(name, "value"), condition)]
    twins = [[rule(leaf.detection(twin, "value"), condition)] for twin in FIELD_TWINS]
    query = check(documents, twins, (name,))
    if query is not None and name not in _OF_SPLUNK:
        hit = "value" if leaf.hit is None else leaf.hit("value")
        check_found(documents, query, events_of(name, "value", hit))


# -------------------------------------------------------------------------------------------------------- correlations

TYPES: dict[str, dict[str, Any]] = {
    "event_count": {"condition": {"gte": 2}},
    "event_count lt": {"condition": {"lt": 3}},
    "value_count": {"condition": {"gte": 2}},
    "value_count lte": {"condition": {"lte": 5}},
    "value_sum": {"condition": {"gte": 2}},
    "value_avg": {"condition": {"gt": 1.5}},
    "value_percentile": {"condition": {"gte": 2, "percentile": 50}},
    "temporal": {},
    "temporal_ordered": {},
}


@dataclass(frozen=True, slots=True)
class Places:
    """What is hostile in a correlation."""

    group: str = "g"
    second: str | None = None
    alias: str | None = None
    field: str = "n"
    other: str | None = None
    name: str = "one"
    title: str = "Harmless"
    base: str = "t"
    chain: bool = False


def correlation(kind: str, places: Places) -> list[dict[str, Any]]:
    """Return two rules and a correlation of them, or a correlation of that."""
    type_ = kind.split(maxsplit=1)[0]
    condition = {**TYPES[kind].get("condition", {})}
    if type_.startswith("value"):
        condition["field"] = [places.field, places.other] if places.other is not None else places.field
    body: dict[str, Any] = {
        "type": type_,
        "rules": [places.name, "two"],
        "group-by": [places.group, *([places.second] if places.second is not None else [])],
        "timespan": "10s",
    }
    if condition:
        body["condition"] = condition
    if places.alias is not None:
        body["aliases"] = {places.group: {places.name: places.alias, "two": "h"}}
    bases = [
        {**rule({places.base: ["x", "y*"]}), "title": places.title, "name": places.name},
        {**rule({places.base: ["z", "y*"]}), "title": "Second", "name": "two"},
    ]
    documents = [*bases, {"title": "Many", "name": "many", "correlation": body}]
    if places.chain:
        more = {"type": "event_count", "rules": ["many", "two"], "group-by": [places.group], "timespan": "1m"}
        documents.append({"title": "Chain", "name": "chain", "correlation": {**more, "condition": {"gte": 2}}})
    return documents


PLACES: dict[str, Callable[[str], Places]] = {
    "group": lambda v: Places(group=v),
    "second group": lambda v: Places(second=v),
    "alias": lambda v: Places(group=v, alias="k"),
    "field of an alias": lambda v: Places(alias=v),
    "field": lambda v: Places(field=v),
    "second field": lambda v: Places(other=v),
    "field of a rule": lambda v: Places(base=v),
    "group of a chain": lambda v: Places(group=v, chain=True),
    "alias of a chain": lambda v: Places(group=v, alias="k", chain=True),
    "everything": lambda v: Places(group=v, field=v, base=v),
}
NAMES: dict[str, Callable[[str], Places]] = {
    "name": lambda v: Places(name=v),
    "name with aliases": lambda v: Places(name=v, alias="k"),
}


@settings(max_examples=150, derandomize=True)
@given(st.sampled_from(sorted(TYPES)), st.sampled_from(sorted(PLACES)), TEXT)
def test_a_field_of_a_correlation_stays_in_its_place(kind: str, place: str, text: str) -> None:
    check_correlation(kind, PLACES[place], text, READ_TWINS)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_each_hostile_group_stays_in_its_place(text: str) -> None:
    check_correlation("event_count", PLACES["group"], text, READ_TWINS)
    check_correlation("temporal", PLACES["alias"], text, READ_TWINS)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_each_hostile_name_stays_in_its_place(text: str) -> None:
    for kind, place in (("event_count", "name"), ("temporal", "name with aliases")):
        query = check_correlation(kind, NAMES[place], text, ("harmless",))
        if query is not None:
            tree = shapes.tree_of(query)
            twin = twin_tree(repr(correlation(kind, NAMES[place]("harmless"))))
            assert all(new in {text, "rule 1"} for _, new, _ in shapes.differences(tree, twin)), query.text


def check_correlation(kind: str, place: Callable[[str], Places], text: str, twins: tuple[str, ...]) -> Any:
    places = place(text)
    if text in {"_time", "n", "k", "h", "g"} or not places.base.partition("|")[0]:
        return None  # the correlation has such a field already; no field makes a keyword of a value
    documents = correlation(kind, places)
    query = check(documents, [correlation(kind, place(twin)) for twin in twins], (text,))
    if query is not None and not surrogate(text) and text not in _OF_SPLUNK:
        fields = {
            places.group,
            places.second,
            places.alias,
            places.field,
            places.other,
            places.base,
            "h",
            "k",
            "g",
            "n",
        }
        values = {name: ["a", "2"] if name != places.base else ["x"] for name in fields if name is not None}
        events = [
            {**{name: one[at % len(one)] for name, one in values.items()}, places.base: kind, "k": "a", "h": "a"}
            for at, kind in enumerate(("x", "z", "y1", "q", "x", "y2", "z"))
        ]
        check_found(documents, query, events)
    return query


# -------------------------------------------------------------------------------------------- would a leak be noticed?


def _unescaped(pattern: Any) -> str:
    return '"' + "".join(part if isinstance(part, str) else "*" for part in pattern.parts) + '"'


LEAKS: dict[str, tuple[str, Callable[..., str], Callable[[str], Any]]] = {
    "a value": ("emitter.search.search_value", _unescaped, lambda v: check_value("equals", v, "hostile")),
    "a regular expression": (
        "emitter.where.quoted",
        lambda regex: f'"{regex}"'.replace("\\x22", '"'),
        lambda v: check_value("cased", v, "hostile"),
    ),
    "a field": ("emitter.where.eval_field", lambda name, _: f"'{name}'", lambda v: check_field("number", v, "hostile")),
    "a group": (
        "emitter.quoting._checked",
        lambda name, _: name,
        lambda v: check_correlation("event_count", PLACES["group"], v, FIELD_TWINS),
    ),
    "a name": (
        "emitter.rows.rule_name",
        lambda key, _: key,
        lambda v: check_correlation("event_count", NAMES["name"], v, ("harmless",)),
    ),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_is_noticed(leak: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, broken, probe = LEAKS[leak]
    monkeypatch.setattr(f"converter.targets.splunk.{place}", broken)
    monkeypatch.setattr("converter.conversion.check_query", lambda *_: None)  # it refuses what the tests are to see

    def all_of_them() -> None:
        for text in HOSTILE:
            probe(text)

    with pytest.raises((AssertionError, QueryError)):
        all_of_them()
