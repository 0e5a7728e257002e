"""Laws that hold of every rule and every log, against judges that are too simple to be wrong.

Logic: De Morgan, order of lists, double negation. Wildcards: a recursive matcher. Windows: brute force over all events.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from converter.errors import RuleError, SourceError
from converter.plan import nodes as ir
from converter.plan.condition import parse_condition
from converter.readers.log_source import LogSource
from converter.readers.source import Source
from converter.reference.evaluate import Alert, evaluate_plans
from converter.reference.match import matches
from converter.reference.values import find
from converter.rules.load import parse_rules

LETTERS = "abAB*?\\. \nß"
FIELDS = st.sampled_from(["a", "b", "a.b", "b.a.c"])
TEXTS = st.text(LETTERS, max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0]) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c", "a.c"]), inner),
    max_leaves=6,
)
EVENTS = st.dictionaries(st.sampled_from(["a", "b", "a.b", "_raw"]), VALUES, max_size=4)
PATTERNS = st.lists(st.sampled_from([ir.Wildcard.ANY, ir.Wildcard.ONE]) | st.text(LETTERS, min_size=1, max_size=3)).map(
    lambda parts: ir.Pattern(tuple(joined(parts)))
)
LEAVES: st.SearchStrategy[ir.Expr] = st.one_of(
    st.builds(ir.StringMatch, FIELDS, PATTERNS, st.booleans()),
    st.builds(ir.NumberMatch, FIELDS, st.integers(-3, 3)),
    st.builds(ir.BoolMatch, FIELDS, st.booleans()),
    st.builds(ir.NumberCompare, FIELDS, st.sampled_from(["lt", "lte", "gt", "gte"]), st.integers(-3, 3)),
    st.builds(
        ir.Regex, FIELDS, st.sampled_from(["a", "^a", "b$", "(?=a)a.", "[aA]+b"]), st.frozensets(st.sampled_from("ims"))
    ),
    st.builds(ir.IsNull, FIELDS),
    st.builds(ir.Exists, FIELDS),
    st.builds(ir.FieldRef, FIELDS, FIELDS, st.sampled_from(["equals", "startswith", "endswith", "contains"])),
    st.builds(ir.Keyword, PATTERNS, st.booleans()),
)
EXPRESSIONS: st.SearchStrategy[ir.Expr] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(ir.Not, inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: ir.And(tuple(items))),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: ir.Or(tuple(items))),
    ),
    max_leaves=6,
)


def joined(parts: list[str | ir.Wildcard]) -> list[str | ir.Wildcard]:
    """Join literals that are adjacent and stars that are, as the plan promises."""
    found: list[str | ir.Wildcard] = []
    for part in parts:
        last = found[-1] if found else None
        if isinstance(part, str) and isinstance(last, str):
            found[-1] = last + part
        elif not (part is ir.Wildcard.ANY and last is ir.Wildcard.ANY):
            found.append(part)
    return found


# ---------------------------------------------------------------------------------------------------------- logic


@given(EXPRESSIONS, EXPRESSIONS, EVENTS)
def test_de_morgan(one: ir.Expr, two: ir.Expr, event: dict[str, Any]) -> None:
    assert matches(ir.Not(ir.And((one, two))), event) == matches(ir.Or((ir.Not(one), ir.Not(two))), event)
    assert matches(ir.Not(ir.Or((one, two))), event) == matches(ir.And((ir.Not(one), ir.Not(two))), event)


@given(EXPRESSIONS, EVENTS)
def test_double_negation_and_two_values(item: ir.Expr, event: dict[str, Any]) -> None:
    assert matches(ir.Not(ir.Not(item)), event) is matches(item, event)
    assert matches(ir.Or((item, ir.Not(item))), event)
    assert not matches(ir.And((item, ir.Not(item))), event)


@given(st.permutations(["one", "tw*", "3?", "four"]), EVENTS | st.sampled_from([{"a": "two"}, {"a": ["36", "one"]}]))
def test_order_of_a_list_does_not_matter(values: list[str], event: dict[str, Any]) -> None:
    for modifier in ("", "|contains|all", "|neq"):
        rule = rule_of({f"a{modifier}": values})
        assert matches(rule.expr, event) == matches(rule_of({f"a{modifier}": sorted(values)}).expr, event)


@given(EXPRESSIONS, st.permutations(["a", "b", "a.b", "_raw"]), EVENTS)
def test_order_of_fields_does_not_matter(item: ir.Expr, order: list[str], event: dict[str, Any]) -> None:
    assert matches(item, {key: event[key] for key in order if key in event}) == matches(item, event)


@given(EXPRESSIONS, EVENTS, VALUES)
def test_fields_that_a_rule_does_not_read_do_not_matter(item: ir.Expr, event: dict[str, Any], value: Any) -> None:
    assume(not any(isinstance(leaf, ir.Keyword) for leaf in leaves(item)))
    assert "unread" not in ir.fields_of(item)
    assert matches(item, {**event, "unread": value}) == matches(item, event)


def leaves(item: ir.Expr) -> list[ir.Expr]:
    if isinstance(item, ir.And | ir.Or):
        return [leaf for inner in item.items for leaf in leaves(inner)]
    return leaves(item.item) if isinstance(item, ir.Not) else [item]


@given(EVENTS, FIELDS)
def test_paths_are_found_as_by_recursion(event: dict[str, Any], field: str) -> None:
    def walk(value: Any, rest: str) -> list[Any]:
        if isinstance(value, list):
            return [found for item in value for found in walk(item, rest)] or ([None] if not value and not rest else [])
        if not rest:
            return [value]
        if not isinstance(value, dict):
            return []
        found = []
        for key in value:
            if rest == key or rest.startswith(key + "."):
                found += walk(value[key], rest[len(key) + 1 :])
        return found

    assert sorted(map(repr, find(event, field))) == sorted(map(repr, walk(event, field)))


@given(st.recursive(st.sampled_from("abc"), lambda inner: st.lists(inner, min_size=2, max_size=3).map(tuple)))
def test_conditions_mean_what_brackets_say(tree: Any) -> None:
    """Write a tree of or (even depth) and and (odd depth) with as few and with as many brackets as can be."""
    identifiers: dict[str, ir.Expr] = {name: ir.Exists(name) for name in "abc"}

    def text(node: Any, depth: int, *, full: bool) -> str:
        if isinstance(node, str):
            return node
        inner = f" {'and' if depth % 2 else 'or'} ".join(text(item, depth + 1, full=full) for item in node)
        return f"({inner})" if full or (depth and depth % 2 == 0) else inner

    def meaning(node: Any, depth: int, present: frozenset[str]) -> bool:
        if isinstance(node, str):
            return node in present
        return (all if depth % 2 else any)(meaning(item, depth + 1, present) for item in node)

    for full in (False, True):
        parsed = parse_condition(Source(text(tree, 0, full=full), RuleError), identifiers)
        for present in map(frozenset, ("", "a", "b", "c", "ab", "ac", "bc", "abc")):
            assert matches(parsed, dict.fromkeys(present, 1)) == meaning(tree, 0, present)


# ------------------------------------------------------------------------------------------------------- wildcards


def naive(parts: tuple[str | ir.Wildcard, ...], text: str) -> bool:
    """Match by trying everything."""
    if not parts:
        return not text
    first, rest = parts[0], parts[1:]
    if first is ir.Wildcard.ANY:
        return any(naive(rest, text[cut:]) for cut in range(len(text) + 1))
    if first is ir.Wildcard.ONE:
        return bool(text) and naive(rest, text[1:])
    assert isinstance(first, str)
    return text.startswith(first) and naive(rest, text[len(first) :])


@given(PATTERNS, TEXTS)
def test_wildcards_match_as_trying_everything_does(pattern: ir.Pattern, text: str) -> None:
    assert matches(ir.StringMatch("f", pattern, cased=True), {"f": text}) == naive(pattern.parts, text)
    assert matches(ir.Keyword(pattern, cased=True), {"f": text}) == naive(
        (ir.Wildcard.ANY, *pattern.parts, ir.Wildcard.ANY), text
    )


@given(PATTERNS, TEXTS)
def test_ignoring_case_is_symmetric(pattern: ir.Pattern, text: str) -> None:
    node = ir.StringMatch("f", pattern)
    assert len({matches(node, {"f": form}) for form in (text, text.swapcase().replace("SS", "ß"), text.lower())}) == 1


@given(st.text(), st.text())
def test_any_text_matches_itself_and_only_what_differs_in_case(one: str, two: str) -> None:
    node = ir.StringMatch("f", ir.Pattern((one,) if one else ()))
    assert matches(node, {"f": one})
    if matches(node, {"f": two}):
        assert len(one) == len(two)
        assert all(
            a == b or {a.casefold(), a.lower()} & {b.casefold(), b.lower()} for a, b in zip(one, two, strict=True)
        )


@given(PATTERNS)
def test_a_pattern_as_text_is_read_as_that_pattern(pattern: ir.Pattern) -> None:
    (node,) = leaves(rule_of({"f": str(pattern)}).expr)
    assert isinstance(node, ir.StringMatch)
    assert node.pattern == pattern


def rule_of(selection: dict[str, Any]) -> ir.Detection:
    """Return the plan of a rule with one selection. JSON is YAML."""
    data = {
        "title": "t",
        "logsource": {"category": "c"},
        "detection": {"selection": selection, "condition": "selection"},
    }
    (plan,) = parse_rules(json.dumps(data)).plans
    assert isinstance(plan, ir.Detection)
    return plan


# --------------------------------------------------------------------------------------------------------- windows

LOGS = st.lists(
    st.fixed_dictionaries(
        {"time": st.integers(0, 40), "hit": st.sampled_from([1, 1, 1, 0])}, optional={"user": st.sampled_from("ab")}
    ),
    max_size=14,
)
SPANS = st.integers(1, 12)
COUNTS = st.integers(0, 4)
BASE = ir.Detection(ir.Metadata("base", "base"), LogSource(), ir.NumberMatch("hit", 1))


def correlation(op: Any, count: int, span: int, group_by: tuple[str, ...] = ("user",)) -> ir.Correlation:
    return ir.Correlation(
        ir.Metadata("many", "many"), (ir.Referenced(BASE, group_by),), group_by, span, ir.EventCount(), ((op, count),)
    )


def summary(alerts: list[Alert], ids: dict[int, Any] | None = None) -> list[Any]:
    return [
        (alert.group, alert.first, alert.last, sorted(ids[int(e)] if ids else e for e in alert.events))
        for alert in alerts
    ]


def brute_force(log: list[dict[str, Any]], op: str, count: int, span: int) -> list[Any]:
    """Judge every event on every other event; join satisfied windows by looking at each pair."""
    found = []
    for user in "ab":
        events = [(event["time"], at) for at, event in enumerate(log, 1) if event["hit"] and event.get("user") == user]
        windows = []
        for ends, at in events:
            inside = {(time, i) for time, i in events if ends - span <= time <= ends and (time, i) <= (ends, at)}
            if len(inside) > count if op == "gt" else len(inside) >= count:
                windows.append((ends, inside))
        windows.sort(key=lambda window: window[0])
        chains: list[set[tuple[int, int]]] = []
        for index, (ends, inside) in enumerate(windows):
            if index and ends - span <= windows[index - 1][0]:
                chains[-1] |= inside
            else:
                chains.append(set(inside))
        found += [
            ((("user", user),), min(chain)[0] * 10**9, max(chain)[0] * 10**9, sorted(at for _, at in chain))
            for chain in chains
        ]
    return sorted(found, key=lambda row: (row[1], row[2], row[0]))


@settings(max_examples=400)
@given(LOGS, st.sampled_from(["gt", "gte"]), COUNTS, SPANS)
def test_sliding_windows_are_those_of_brute_force(log: list[dict[str, Any]], op: str, count: int, span: int) -> None:
    assert summary(evaluate_plans([correlation(op, count, span)], log)) == brute_force(log, op, count, span)


@given(LOGS, st.sampled_from(["lt", "lte", "eq", "neq"]), COUNTS, SPANS)
def test_fixed_windows_are_those_of_brute_force(log: list[dict[str, Any]], op: str, count: int, span: int) -> None:
    holds = {"lt": int.__lt__, "lte": int.__le__, "eq": int.__eq__, "neq": int.__ne__}[op]
    found = []
    for user in "ab":
        for start in range(0, 60, span):
            inside = [
                (event["time"], at)
                for at, event in enumerate(log, 1)
                if event["hit"] and event.get("user") == user and start <= event["time"] < start + span
            ]
            if inside and holds(len(inside), count):
                first, last = min(inside)[0], max(inside)[0]
                found.append(((("user", user),), first * 10**9, last * 10**9, sorted(at for _, at in inside)))
    found.sort(key=lambda row: (row[1], row[2], row[0]))
    assert summary(evaluate_plans([correlation(op, count, span)], log)) == found


@given(LOGS, st.sampled_from(["gt", "gte"]), COUNTS, SPANS, st.integers(0, 40), st.sampled_from("ab"))
def test_one_more_event_never_removes_an_alert(
    log: list[dict[str, Any]], op: str, count: int, span: int, time: int, user: str
) -> None:
    rule = correlation(op, count, span)
    before = evaluate_plans([rule], log)
    after = evaluate_plans([rule], [*log, {"time": time, "hit": 1, "user": user}])
    for alert in before:
        assert any(alert.group == other.group and set(alert.events) <= set(other.events) for other in after)


@given(LOGS, st.randoms(use_true_random=False), st.sampled_from(["gt", "gte", "lt", "lte", "eq", "neq"]), COUNTS, SPANS)
def test_the_order_of_the_log_does_not_matter(
    log: list[dict[str, Any]], rng: Any, op: str, count: int, span: int
) -> None:
    order = list(range(len(log)))
    rng.shuffle(order)
    rule = correlation(op, count, span)
    shuffled = evaluate_plans([rule], [log[at] for at in order])
    originals = {position: at + 1 for position, at in enumerate(order, 1)}
    assert summary(shuffled, originals) == summary(evaluate_plans([rule], log))


@given(LOGS, COUNTS, SPANS, st.integers(1, 10**6))
def test_later_logs_give_later_alerts(log: list[dict[str, Any]], count: int, span: int, shift: int) -> None:
    rule = correlation("gte", count, span)
    moved = evaluate_plans([rule], [{**event, "time": event["time"] + shift} for event in log])
    assert [(a.group, a.events) for a in moved] == [(a.group, a.events) for a in evaluate_plans([rule], log)]


@given(LOGS, COUNTS, SPANS)
def test_episodes_of_a_group_are_apart(log: list[dict[str, Any]], count: int, span: int) -> None:
    alerts = evaluate_plans([correlation("gte", count, span)], log)
    for user in "ab":
        own = [alert for alert in alerts if alert.group == (("user", user),)]
        for one, two in pairwise(own):
            assert one.last is not None
            assert two.first is not None
            assert one.last < two.first


@cache
def burst(size: int) -> tuple[dict[str, Any], ...]:
    return tuple({"time": at // 100, "hit": 1, "user": "a"} for at in range(size))


def test_a_long_burst_in_a_long_window_is_one_episode() -> None:
    # Each window holds up to 200,000 events; copying them would take hours.
    (alert,) = evaluate_plans([correlation("gte", 25, 86_400)], burst(200_000))
    assert len(alert.events) == 200_000


# ----------------------------------------------------------------------------------------------------- bad values

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1.5, 10**400, "", " ", "*", "a|b", "(", "%a%", "10.0.0.0/8", [], {}, [None], [[]], [{}],
     {"": ""}, {"a": None}, [1, "a"], [{"a": 1}, 2], "x" * 300, "2024-01-01", "1 of them", "not", "sel and",
     {"a|re": ""}]
)  # fmt: skip
RULE: dict[str, Any] = {
    "title": "t", "id": "11111111-1111-4111-8111-111111111111", "name": "base", "status": "test", "level": "low",
    "description": "d", "author": "a", "date": "2024-01-01", "references": ["r"], "tags": ["attack.t1087"],
    "falsepositives": ["f"], "related": [{"id": "22222222-2222-4222-8222-222222222222", "type": "derived"}],
    "fields": ["a"], "logsource": {"product": "p", "category": "c", "service": "s", "definition": "d"},
    "detection": {"sel": {"a|contains": ["x", "y"], "b|re": "x", "c|cidr": "10.0.0.0/8", "d|lt": 5, "e|exists": True},
                  "kw": ["k"], "list": [{"a": 1}, {"b": 2}], "condition": "sel and 1 of l* or kw"},
}  # fmt: skip
CORRELATION: dict[str, Any] = {
    "title": "m", "correlation": {"type": "event_count", "rules": ["base"], "group-by": ["a", "b"], "timespan": "5m",
                                  "generate": True, "condition": {"gte": 5}},
}  # fmt: skip


def paths(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in entries:
        found += paths(value, (*path, key))
    return found


def replaced(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = data.copy()
    copy[path[0]] = replaced(data[path[0]], path[1:], value)
    return copy


@settings(max_examples=600)
@given(st.sampled_from([*((0, p) for p in paths(RULE)), *((1, p) for p in paths(CORRELATION))]), ODD)
def test_an_odd_value_anywhere_is_a_placed_error_or_no_error(where: tuple[int, tuple[Any, ...]], value: Any) -> None:
    documents = [RULE, CORRELATION]
    documents[where[0]] = replaced(documents[where[0]], where[1], value)
    text = "\n---\n".join(json.dumps(document) for document in documents)
    try:
        plans = parse_rules(text).plans
    except SourceError as error:
        assert error.place is not None  # noqa: PT017
        assert error.render()  # noqa: PT017
        return
    evaluate_plans(plans, [{"a": "x", "time": 0}, {"b": [1, None, {}], "time": 1}])
