"""Splunk's first search, by random conditions and events: it finds whatever the rule means, and the whole exactly that.

Splunk reads its index by the terms of the first `search`, so the emitter says there what it can of each condition; what
it says may be too much and never too little. The conditions and events are drawn from what is hard: case, wildcards,
backslashes, numbers, networks, letters outside ASCII, values that are missing, empty or several.
"""

# ruff: noqa: RUF001 -- letters that look like others are the point

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from converter.errors import ConfigurationError, RefusedError
from converter.plan import nodes as ir
from converter.plan.regex_parse import RegexError, parse
from converter.plan.simplify import simplified
from converter.products.field_facts import Facts, parse_facts
from converter.readers.log_source import LogSource
from converter.reference.match import matches
from converter.targets.core.registry import get_target
from converter.targets.core.target import Context
from converter.targets.splunk.engine.execute import run

if TYPE_CHECKING:
    from converter.verdicts.verdict import Verdict

FIELDS = ("a", "b.c", "user name", "Über", "index2", "eventtype")
PIECES = (
    "a",
    "B",
    "ab",
    "foo",
    "\\",
    '"',
    "*",
    "?",
    " ",
    "-",
    "–",
    "é",
    "É",
    "`",
    "5",
    ".",
    "/8",
    ":",
    "\n",
    "$",
    "|",
    "[",
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=4).map("".join) | st.sampled_from(
    ["", "5", "05", "5.0", "1e3", "true", "TRUE", "10.0.0.5", "10.0.0.0/8", "2001:db8::5", "foo.exe", "FOO.EXE", "abba"]
)
REGEXES = (
    "^foo|bar$", r"\bfoo\b", "f[oO]o+", "(?i)FOO", r"^(?:foo|ab)\.exe\z", "a(?=b)b", "(ab)+a", "fo{2}", "a.b", r"\\",
    "é", "(?i)é", "[^a]", "", "a*", r"(a|b|)foo", r"^\A$", r"\Qa*b\E", r"(a)\g1", "(?:a|b){2}", r"foo\z", "(?<=f)oo",
    "^", "fo*o",
)  # fmt: skip


def _pattern(parts: list[str | ir.Wildcard]) -> ir.Pattern:
    joined: list[str | ir.Wildcard] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif not (part is ir.Wildcard.ANY and joined and joined[-1] is ir.Wildcard.ANY):
            joined.append(part)
    return ir.Pattern(tuple(joined))


PATTERNS = st.lists(st.sampled_from([*ir.Wildcard, *PIECES]), max_size=4).map(_pattern) | TEXTS.filter(bool).map(
    lambda text: ir.Pattern((text,))
)
NAMES = st.sampled_from(FIELDS)
LEAVES = st.one_of(
    st.builds(ir.StringMatch, NAMES, PATTERNS, st.booleans()),
    st.builds(ir.StringMatch, NAMES, PATTERNS),
    st.builds(ir.Regex, NAMES, st.sampled_from(REGEXES), st.frozensets(st.sampled_from("ims"))).filter(
        lambda leaf: not ({"i"} <= leaf.flags and "g1" in leaf.pattern)
    ),
    st.builds(ir.NumberMatch, NAMES, st.sampled_from([5, 0, -3, 1000, 2.5])),
    st.builds(ir.NumberCompare, NAMES, st.sampled_from(["lt", "lte", "gt", "gte"]), st.sampled_from([5, -3])),
    st.builds(ir.BoolMatch, NAMES, st.booleans()),
    st.builds(ir.Cidr, NAMES, st.sampled_from(["10.0.0.0/8", "10.0.0.5/32", "2001:db8::/32"]).map(ip_network)),
    st.builds(ir.IsNull, NAMES),
    st.builds(ir.Exists, NAMES),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda items: ir.And(tuple(items))),
        st.lists(inner, min_size=1, max_size=4).map(lambda items: ir.Or(tuple(items))),
        inner.map(ir.Not),
    ),
    max_leaves=7,
)
VALUES = TEXTS | st.sampled_from(["5", "6", "-3", "x"]) | st.lists(TEXTS, min_size=2, max_size=3)
HITS = {
    "^foo|bar$": ["foox", "xbar"], r"\bfoo\b": ["a foo."], "f[oO]o+": ["xfOooo", "foo"], "(?i)FOO": ["xfOo"],
    r"^(?:foo|ab)\.exe\z": ["foo.exe", "ab.exe"], "a(?=b)b": ["xabx"], "(ab)+a": ["ababa", "aba"], "fo{2}": ["foo"],
    "a.b": ["a-b"], r"\\": ["C:\\x"], "é": ["xé"], "(?i)é": ["É"], "[^a]": ["b"], "": [""], "a*": ["x"],
    r"(a|b|)foo": ["foo", "afoo"], r"^\A$": [""], r"\Qa*b\E": ["a*b"], r"(a)\g1": ["xaa"], "(?:a|b){2}": ["ba", "ab"],
    r"foo\z": ["xfoo"], "(?<=f)oo": ["foo"], "^": ["x"], "fo*o": ["fo", "foooo"],
}  # fmt: skip
assert set(HITS) == set(REGEXES)


def _leaves(expr: ir.Expr) -> list[Any]:
    match expr:
        case ir.And(items) | ir.Or(items):
            return [leaf for item in items for leaf in _leaves(item)]
        case ir.Not(item):
            return _leaves(item)
        case _:
            return [expr]


def _hit(draw: st.DrawFn, leaf: Any) -> str:
    """Return a value that the leaf is likely to be true of."""
    match leaf:
        case ir.StringMatch(pattern=pattern):
            fill = st.sampled_from(["a", "5", "é", "*"])
            text = "".join(draw(fill) if isinstance(part, ir.Wildcard) else part for part in pattern.parts)
            return draw(st.sampled_from([text, text.upper(), text.lower()]))
        case ir.Regex(pattern=pattern):
            return draw(st.sampled_from(HITS[pattern]))
        case ir.NumberMatch(number=number) | ir.NumberCompare(number=number):
            return draw(st.sampled_from([str(number), f"0{number}", f"{number}.0", str(number + 1), str(number - 1)]))
        case ir.BoolMatch(value=value):
            return draw(st.sampled_from([str(value), str(value).lower()]))
        case ir.Cidr(network=network):
            return str(network.network_address)
        case _:
            return draw(TEXTS)


@st.composite
def conditions_and_events(draw: st.DrawFn) -> tuple[ir.Expr, list[dict[str, Any]]]:
    """Return a condition, and events with values that parts of it are true of, and some others."""
    expr = draw(CONDITIONS)
    leaves = _leaves(expr)
    events: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 5))):
        event: dict[str, Any] = {}
        for leaf in draw(st.lists(st.sampled_from(leaves), max_size=4)):
            hit, known = _hit(draw, leaf), event.get(leaf.field)
            event[leaf.field] = [hit, known] if isinstance(known, str) else hit
        events.append({**draw(st.dictionaries(NAMES, VALUES, max_size=1)), **event})
    return expr, events


@st.composite
def alternatives_and_events(draw: st.DrawFn) -> tuple[ir.Expr, list[dict[str, Any]]]:
    """Return alternatives that `search` can say something of, and for each an event of which it is likely true."""
    leaves = draw(
        st.lists(LEAVES.filter(lambda leaf: not isinstance(leaf, ir.IsNull | ir.Exists)), min_size=1, max_size=4)
    )
    events = [{leaf.field: _hit(draw, leaf)} for leaf in leaves]
    expr: ir.Expr = ir.Or(tuple(leaves))
    return draw(
        st.sampled_from([expr, ir.Not(ir.And(tuple(map(ir.Not, leaves)))), ir.And((expr, ir.Not(ir.IsNull("a"))))])
    ), events


NO_FACTS = Facts()


def emitted(expr: ir.Expr, **options: str) -> str:
    plan = simplified(ir.Detection(ir.Metadata("t", "T"), LogSource(), expr))
    return get_target("splunk").emit(plan, Context(Facts(), options=options)).text


def found(text: str, events: list[dict[str, Any]]) -> set[str]:
    seen = [{"_raw": "", "_time": 0, "_id": str(at), **event} for at, event in enumerate(events)]
    return {row["_id"] for row in run(text, seen)}


def meant(expr: ir.Expr, events: list[dict[str, Any]]) -> set[str]:
    return {str(at) for at, event in enumerate(events) if matches(expr, event)}


@given(conditions_and_events() | alternatives_and_events())
@settings(max_examples=500)
def test_the_first_search_finds_whatever_is_meant_and_the_whole_exactly_that(
    drawn: tuple[ir.Expr, list[dict[str, Any]]],
) -> None:
    expr, events = drawn
    try:
        text = emitted(expr, numbers="exact")
    except RefusedError:
        return
    expected = meant(expr, events)
    assert found(text.split("\n| ")[0], events) >= expected, text
    assert found(text, events) == expected, text


@given(conditions_and_events() | alternatives_and_events())
@settings(max_examples=500)
def test_numbers_in_the_first_search_are_right_of_all_events_that_keep_the_assumptions(
    drawn: tuple[ir.Expr, list[dict[str, Any]]],
) -> None:
    expr, given_events = drawn
    try:
        text, verdict = emitted(expr), verdict_of(expr)
    except RefusedError:
        return
    breaking = {at for assumption in verdict.assumptions for at in assumption.breaking(given_events, given_events)}
    events = [event for at, event in enumerate(given_events) if at not in breaking]
    expected = meant(expr, events)
    assert found(text.split("\n| ")[0], events) >= expected, text
    assert found(text, events) == expected, text


SOUP = st.lists(st.sampled_from('abko .^$*+?|()[]{}\\dwszAbQEg12Éé-,:=!<>i"`'), max_size=12).map("".join)


@given(SOUP, st.data())
@settings(max_examples=500)
def test_the_fixed_texts_of_an_expression_are_in_every_text_that_it_is_found_in(
    pattern: str, data: st.DataObject
) -> None:
    try:
        parse(pattern)
        judge = re.compile(pattern.replace(r"\z", r"\Z"))
    except (RegexError, re.error):
        return
    texts = data.draw(st.lists(st.from_regex(judge), min_size=1, max_size=4))
    expr, events = ir.Regex("a", pattern), [{"a": text} for text in texts]
    text = emitted(expr)
    assert found(text.split("\n| ")[0], events) >= meant(expr, events), text
    assert found(text, events) == meant(expr, events), text


WORDS = st.lists(
    st.sampled_from(["foo", "Bar", "a", "(x1)", "AND", '"q"', "C:\\d", "é", "[y2]", "z3,"]), min_size=1, max_size=5
)


@given(WORDS.map(" ".join), st.lists(WORDS.map(" ".join), max_size=3), st.booleans())
@settings(max_examples=300)
def test_the_words_of_a_keyword_are_terms_of_every_text_that_holds_it(
    keyword: str,
    others: list[str],
    cased: bool,  # noqa: FBT001
) -> None:
    expr = ir.Keyword(ir.Pattern((keyword,)), cased)
    raws = [keyword, f"x{keyword}x", f'{{"k":"{keyword}"}}', *others]
    events = [{"_raw": raw} for raw in raws]
    text = emitted(expr)
    assert found(text.split("\n| ")[0], events) >= meant(expr, events), text
    assert found(text, events) >= meant(expr, events), text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("C:\\Temp", '{"k":"C:\\\\Temp"}'),
        ('say "x"', '{"k":"say \\"x\\""}'),
        ("Ä😀", '{"k":"\\u00c4\\ud83d\\ude00"}'),
        ("Ä😀", '{"k":"\\u00E4\\uD83D\\uDE00"}'),
        ("a\tb", '{"k":"a\\tb"}'),
        ("a\tb", '{"k":"a\\u0009b"}'),
        ("a\tb", "a\tb"),
    ],
)
def test_a_keyword_is_found_as_json_writes_it(value: str, written: str) -> None:
    text = emitted(ir.Keyword(ir.Pattern((value,))))
    assert found(text, [{"_raw": written}, {"_raw": "else"}]) == {"0"}, text


EDGES = [
    datetime(year, month, day, hour, 59)  # noqa: DTZ001  zones are put behind the text
    for year in (1900, 1969, 1999, 2000, 2020, 2024, 2100)
    for month, day in ((1, 1), (1, 3), (2, 28), (3, 1), (12, 29), (12, 31))
    for hour in (0, 23)
]
INSTANTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)) | st.sampled_from(EDGES)  # noqa: DTZ001
ZONES = st.sampled_from(["", "Z", "z", "UTC", " UTC", "+02:00", "-0530", "+14", "-23:59", "+00:00"])
FORMS = st.sampled_from(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S.123", "%Y-%m-%dT%H:%M:%S,9"])
PARTS: dict[str, tuple[int, int]] = {
    "minute": (0, 59), "hour": (0, 23), "day": (1, 31), "week": (1, 53), "month": (1, 12), "year": (1, 9999),
}  # fmt: skip


def _shown(instant: datetime, form: str) -> str:
    return instant.strftime(form.replace("%Y", f"{instant.year:04d}"))


@given(
    INSTANTS, FORMS, ZONES, st.sampled_from(list(PARTS)), st.sampled_from(["eq", "lt", "lte", "gt", "gte"]), st.data()
)
@settings(max_examples=400)
def test_parts_of_a_time_are_those_in_utc(
    instant: datetime, form: str, zone: str, part: Any, operator: Any, data: st.DataObject
) -> None:
    text = _shown(instant, form) + zone
    near = instant.isocalendar().week if part == "week" else getattr(instant, part)
    number = data.draw(st.sampled_from([near, near, near + 1, near - 1]) | st.integers(*PARTS[part]))
    expr = ir.TimePart("t", part, operator, number)
    events: list[dict[str, Any]] = [{"t": text}, {"t": "5 o'clock"}, {}, {"t": ["x", text]}]
    query = emitted(expr)
    assert found(query, events) == meant(expr, events), query


@given(INSTANTS, st.sampled_from([0, 3, 6, 9]), st.sampled_from(list(PARTS)), st.sampled_from(["eq", "gte"]))
@settings(max_examples=200)
def test_parts_of_a_number_are_those_of_the_unit_that_its_size_says(
    instant: datetime, digits: int, part: Any, operator: Any
) -> None:
    seconds = (instant.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    assume(seconds >= 0)
    near = instant.isocalendar().week if part == "week" else getattr(instant, part)
    text = f"{seconds}{'9' * digits}"
    expr, events = ir.TimePart("t", part, operator, near), [{"t": text}, {"t": f"0{text}.5"}, {"t": f"-{text}"}]
    query = emitted(expr)
    assert found(query, events) == meant(expr, events), query
    if not digits and seconds < 100_000_000_000:
        raw = [{"_time": seconds}]
        assert found(emitted(ir.TimePart("_time", part, operator, near)), raw) == meant(
            ir.TimePart("_time", part, operator, near), raw
        )


@given(
    st.sampled_from(["equals", "startswith", "endswith", "contains"]),
    st.lists(st.sampled_from(["", "a", "A", "ab", "b", "5", "05", "5.0", "a.b", "1e1", "010"]), max_size=3),
    st.sampled_from(["", "a", "AB", "B", "5", "05", "5.0", "010", None]),
    st.booleans(),
)
@settings(max_examples=300)
def test_any_value_of_a_field_is_compared_with_the_other_field(
    relation: Any,
    values: list[str],
    other: str | None,
    cased: bool,  # noqa: FBT001
) -> None:
    event: dict[str, Any] = {"a": values} if values else {}
    if other is not None:
        event["d.e"] = other
    for expr in (ir.FieldRef("a", "d.e", relation, cased), ir.Not(ir.FieldRef("a", "d.e", relation, cased))):
        whole = ir.Or((expr, ir.StringMatch("z", ir.Pattern(("never",)))))
        text = emitted(whole)
        assert found(text, [event]) == meant(whole, [event]), text


@given(st.sampled_from([2**53, 2**53 + 1, 10**16, -(10**17), 10**30, 10**400]), st.integers(-2, 2))
def test_numbers_beyond_a_double_are_compared_exactly(number: int, off: int) -> None:
    near = number + off
    texts = [str(near), f"+{near}", f"{near}.0", f"{near}e0", f"0{near}", "1e16", "-1e17", "1e30"]
    expr, events = ir.NumberMatch("n", number), [{"n": text} for text in texts]
    exact = emitted(expr, numbers="exact")
    assert found(exact, events) == meant(expr, events), exact
    assert found(emitted(expr), events) == meant(expr, events) & {str(texts.index(str(near)))}


def test_a_list_of_values_is_one_term_and_one_expression() -> None:
    names = [f"name{at}" for at in range(10_000)]
    exact = ir.Or(tuple(ir.StringMatch("a", ir.Pattern((name,))) for name in names))
    assert emitted(exact).startswith('a IN ("name0", "name1", ')
    assert emitted(exact).count("a IN") == 1
    with_case = ir.Or(tuple(ir.StringMatch("a", ir.Pattern((name,)), cased=True) for name in names))
    text = emitted(with_case)
    assert text.count("mvfilter") == 1
    assert max(map(len, text.split('"'))) < 10_000
    assert found(text, [{"a": "name77"}, {"a": "NAME77"}, {"a": "name77x"}]) == {"0"}


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (ir.StringMatch("a", ir.Pattern(("Ab",)), cased=True), 'a="Ab"'),
        (ir.StringMatch("a", ir.Pattern(("A", ir.Wildcard.ONE, "c"))), 'a="A*" a="*c"'),
        (ir.StringMatch("a", ir.Pattern(("A*c",))), 'a="A*" a="*c"'),
        (ir.StringMatch("a", ir.Pattern(("grüß",))), 'a="gr*"'),
        (ir.StringMatch("a", ir.Pattern((ir.Wildcard.ANY, "word –x", ir.Wildcard.ANY))), 'a="*word *"'),
        (ir.StringMatch("a", ir.Pattern(("abc", ir.Wildcard.ANY, "def"))), 'a="abc*" a="*def"'),
        (ir.StringMatch("a", ir.Pattern(("<script", ir.Wildcard.ANY))), 'a="*script*"'),
        (ir.StringMatch("a", ir.Pattern(("10.0.0.0/8",))), 'a="10.0.0.0/8*"'),
        (ir.StringMatch("a", ir.Pattern(("5",))), 'a="5"'),
        (ir.StringMatch("a", ir.Pattern(())), "*"),
        (ir.NumberMatch("a", 5), "a=5"),
        (ir.NumberMatch("a", -2.5), "a=-2.5"),
        (ir.NumberMatch("a", 1e22), "a=10000000000000000000000"),
        (ir.NumberMatch("user name", 5), '"user name"=5'),
        (ir.NumberMatch("_time", 5), "_time=*"),
        (ir.NumberMatch("tag", 5), "*"),
        (ir.NumberCompare("a", "gte", 5), "a>=5"),
        (ir.Not(ir.NumberMatch("a", 5)), "NOT a=5"),
        (ir.Not(ir.NumberCompare("a", "lt", 5)), "*"),
        (ir.And((ir.Not(ir.NumberCompare("a", "lt", 5)), ir.NumberMatch("b", 1))), "b=1"),
        (ir.Or((ir.NumberMatch("a", 5), ir.NumberMatch("a", 6), ir.StringMatch("a", ir.Pattern(("x",))))),
         'a IN (5, 6, "x")'),
        (ir.Or((ir.NumberMatch("a", 5), ir.StringMatch("a", ir.Pattern(("5",))))), 'a="5"'),
        (ir.Or((ir.NumberMatch("a", 5), ir.Regex("b", "foo"))), 'a=5 OR b="*foo*"'),
        (ir.And((ir.NumberCompare("a", "gt", 5), ir.NumberCompare("a", "lte", 9))), "a>5 a<=9"),
        (ir.BoolMatch("a", value=True), 'a="true"'),
        (ir.Cidr("a", ip_network("10.0.0.0/8")), 'a="10.0.0.0/8"'),
        (ir.Cidr("a", ip_network("2001:db8::/32")), 'a="*:*"'),
        (ir.Regex("a", r"^C:\\Temp\\\w+\.exe\z"), r'a="C:\\Temp\\*" a="*.exe"'),
        (ir.Regex("a", "foo|bar"), 'a IN ("*foo*", "*bar*")'),
        (ir.Regex("a", "a?"), "*"),
        (ir.Regex("a", "[ab]"), "a=*"),
        (ir.Keyword(ir.Pattern(("too many errors here",))), '"many" "errors"'),
        (ir.Keyword(ir.Pattern(("word",))), "*"),
        (ir.Or((ir.StringMatch("a", ir.Pattern(("x",))), ir.IsNull("b"))), "*"),
        (ir.Not(ir.Or((ir.StringMatch("a", ir.Pattern(("x",))), ir.StringMatch("a", ir.Pattern(("y",))),
                       ir.NumberMatch("b", 5)))),
         'NOT (a IN ("x", "y") OR b=5)'),
        (ir.And((ir.StringMatch("a", ir.Pattern(("x",))), ir.NumberMatch("b", 5))), 'a="x" b=5'),
        (ir.Or((ir.StringMatch("a", ir.Pattern(("ab?", ir.Wildcard.ANY))),
                ir.StringMatch("a", ir.Pattern(("a", ir.Wildcard.ONE))))),
         'a="a*"'),
    ],
)  # fmt: skip
def test_what_the_first_search_says(expr: ir.Expr, text: str) -> None:
    assert emitted(expr).split("\n| ")[0] == text


def verdict_of(expr: ir.Expr, facts: Facts = NO_FACTS, **options: str) -> Verdict:
    plan = simplified(ir.Detection(ir.Metadata("t", "T"), LogSource(), expr))
    return get_target("splunk").emit(plan, Context(facts, options=options)).verdict


def test_numbers_are_assumed_to_be_written_plainly() -> None:
    verdict = verdict_of(ir.Or((ir.NumberMatch("a", 5), ir.NumberMatch("a", 6))))
    assert verdict.notes == ("numbers in a are written plainly: 5, not 05 or 5.0",)
    (assumption,) = verdict.assumptions
    assert [
        assumption.broken({}, {"a": value})
        for value in ("5", "05", 5, 5.0, ["x", "+6"], ["7.0", "07"], "x", True, None)
    ] == [False, True, False, True, True, False, False, False, False]
    assert verdict_of(ir.NumberMatch("a", -2.5)).notes == (
        "numbers in a are written plainly: -2.5, not -02.5 or -2.50",
    )


def test_what_search_orders_as_a_number_is_assumed_to_be_written_plainly() -> None:
    expr = ir.And((ir.NumberCompare("a", "gte", 5), ir.NumberCompare("a", "lt", 900)))
    verdict = verdict_of(expr)
    assert verdict.notes == ("numbers in a are written plainly: 5, not 05 or 5e0",)
    (assumption,) = verdict.assumptions
    assert [
        assumption.broken({}, {"a": value})
        for value in ("5", "05", 7.5, "+7", ["x", "1e3"], "03", "x", "5 ", True, None)
    ] == [False, True, False, True, True, True, False, False, False, False]


def test_nothing_is_assumed_of_numbers_that_only_where_compares() -> None:
    either = ir.Or((ir.NumberMatch("a", 5), ir.IsNull("b")))
    for expr in (either, ir.NumberMatch("_time", 5), ir.Not(ir.NumberCompare("a", "gt", 5))):
        assert verdict_of(expr).kind == "exact"


def test_a_field_of_whole_numbers_needs_no_assumption() -> None:
    facts = parse_facts(b"fields: {EventCode: {type: long}, Ratio: {type: double}}", "facts.yml")
    for expr, text in (
        (ir.NumberMatch("EventCode", 4720), "EventCode=4720"),
        (ir.NumberCompare("EventCode", "gte", 5), "EventCode>=5"),
        (ir.Not(ir.NumberCompare("EventCode", "lt", 5)), "NOT EventCode<5"),
        (ir.Or((ir.NumberCompare("EventCode", "lt", 5), ir.NumberMatch("EventCode", 7))), "EventCode<5 OR EventCode=7"),
    ):
        query = get_target("splunk").emit(ir.Detection(ir.Metadata("t", "T"), LogSource(), expr), Context(facts))
        assert (query.text, query.verdict.kind) == (text, "exact")
    assert verdict_of(ir.NumberMatch("Ratio", 4.5), facts).kind == "assuming"


def test_numbers_may_be_compared_exactly() -> None:
    expr = ir.Or((ir.NumberMatch("a", 5), ir.NumberCompare("b", "gt", 6)))
    assert emitted(expr, numbers="exact").split("\n| ")[0] == "a=* OR b=*"
    assert verdict_of(expr, numbers="exact").kind == "exact"
    with pytest.raises(ConfigurationError, match="numbers is 'other'"):
        emitted(expr, numbers="other")


def test_no_emitted_expression_holds_what_could_end_its_quotes() -> None:
    for pattern in ('a"b', "a`b", r"a\"b", r"a\\", r"a\\\"", "a\nb", "a\\\nb", r"\Qa\\"):
        text = emitted(ir.Regex("a", pattern))
        assert re.fullmatch(r'.*\n\| where isnotnull\(mvfilter\(match\(a,"[^"`\n]*"\)\)\)', text), text
