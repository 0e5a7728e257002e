"""One case on one target: every way in which a cell can end, and how the matrix is reported."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from converter.errors import ConfigurationError, InternalError, Place, QueryError, RuleError
from converter.harness.cases.load import Case, Divergence, Expect, Suite
from converter.harness.matrix import CaseResult, Matrix, SuiteResult
from converter.harness.outcome import Cell, Column, Refusal, Settings, run_cell
from converter.harness.policy import KINDS, Policy
from converter.harness.replay import Broken, Log, unmet
from converter.harness.target_spec import TargetName, own_variants, parse_name, parse_names
from converter.plan import nodes as ir
from converter.reference.evaluate import evaluate_plans
from converter.report.matrix_json import matrix_json
from converter.report.matrix_text import matrix_text
from converter.rules.load import parse_rules
from converter.targets.core.target import Query, Run, TargetAlert
from converter.verdicts.verdict import Assumption, Bound, Repair, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from converter.targets.core.target import Context, Event

START = 1_767_225_600  # 2026-01-01T00:00:00Z, a boundary of minutes
PLACE = Place("cases.yml", 7, 3, "- name: a case")
PLAN = parse_rules("""
title: Base
name: base
logsource: {product: test}
detection:
    selection: {kind: bad}
    condition: selection
---
title: Burst
name: burst
correlation:
    type: event_count
    rules: [base]
    group-by: [user]
    timespan: 1m
    condition: {gte: 3}
""").plans[0]
assert isinstance(PLAN, ir.Correlation)
BURST: ir.Correlation = PLAN


def sliding(timespan: int = 60) -> Callable[[Sequence[Event]], Sequence[Run]]:
    """A query that does what the rule does, with another timespan perhaps."""

    def runs(events: Sequence[Event]) -> Sequence[Run]:
        found = evaluate_plans([replace(BURST, timespan=timespan)], events)
        alerts = [TargetAlert(tuple(v for _, v in a.group or ()), a.first, a.last) for a in found]
        return [Run("", tuple(alerts))]

    return runs


def buckets(events: Sequence[Event]) -> Sequence[Run]:
    """A query that counts in fixed minutes."""
    counts: dict[tuple[str, int], int] = {}
    for event in events:
        if event.get("kind") == "bad":
            key = (event["user"], int(event["_time"]) // 60)
            counts[key] = counts.get(key, 0) + 1
    second = 1_000_000_000
    alerts = [
        TargetAlert((user,), minute * 60 * second, (minute * 60 + 59) * second)
        for (user, minute), count in counts.items()
        if count >= 3
    ]
    return [Run("", tuple(alerts))]


def case_sensitive(events: Sequence[Event]) -> Sequence[Run]:
    """A query that is exact as long as the values of kind are in lower case."""
    return sliding()([event for event in events if event.get("kind") != "BAD"])


def silent(_events: Sequence[Event]) -> Sequence[Run]:
    return [Run("", ())]


def phased(events: Sequence[Event]) -> Sequence[Run]:
    (good,) = sliding()(events)
    return [Run("0s", good.alerts), Run("60s", ()), Run("120s", good.alerts)]


def unknown_construct(_events: Sequence[Event]) -> Sequence[Run]:
    raise QueryError("unknown command 'frobnicate'", Place.at_offset("search | frobnicate", 9))


def bug(_events: Sequence[Event]) -> Sequence[Run]:
    raise ZeroDivisionError("oops")


class FakeTarget:
    """A target whose query is a function."""

    language = "spl"
    product = "splunk"
    description = "for tests"
    suffix = ".fake"
    formats: ClassVar[Mapping[str, str]] = {"default": "the query", "file": "a file"}
    options: ClassVar[Mapping[str, str]] = {"kind": "which kind", "lag": "how late"}

    def __init__(self, runs: Callable[[Sequence[Event]], Sequence[Run]] = silent, name: str = "fake") -> None:
        self.runs = runs
        self.name = name

    def emit(self, plan: ir.Plan, context: Context) -> Query:
        """Not needed: columns are made by hand."""
        raise NotImplementedError

    def replay(self, query: Query, events: Sequence[Event]) -> Sequence[Run]:
        """Call the function."""
        assert query.text == "the query"
        return self.runs(events)


def column(runs: Callable[[Sequence[Event]], Sequence[Run]], verdict: Verdict, name: str = "fake") -> Column:
    query = Query("burst", name, "spl", "the query", verdict, group_by=("user",), timespan=60)
    return Column(TargetName(name), FakeTarget(runs, name), {"burst": query})


def a_case(*bursts: tuple[str, Sequence[int]], expect: Expect | None = None, gap: Divergence | None = None) -> Case:
    events = tuple(
        {"_id": f"{user}{at}", "timestamp": START + at, "kind": "bad", "user": user, "noise": "x"}
        for user, times in bursts
        for at in times
    )
    return Case("a case", events, expect or Expect(at_least_one=True), (gap,) if gap else (), PLACE)


def run(case: Case, with_column: Column) -> Cell:
    return run_cell(case, [BURST], with_column, Log(case.events), Settings())


def gap(expect: Expect, target: str = "fake") -> Divergence:
    return Divergence(target, expect, "fixed minutes split the burst", PLACE)


EXACT = Verdict("exact")
UNJUDGED = Verdict("unjudged")
NONE = Expect(alerts=0)
NOT_REPAIRED = "not explained: if no event broke an assumption, the query would still differ"
CANONICAL = Assumption("kind has canonical case", lambda _raw, view: view["kind"] != "bad")
NEVER_BROKEN = Assumption("there are no aliens", lambda _raw, _view: False)
STRADDLE = ("ann", [40, 59, 60, 61])
IN_BUCKET = ("ann", [61, 62, 63])


@pytest.mark.parametrize(
    ("name", "bursts", "runs", "verdict", "declared", "kind"),
    [
        ("same alerts", [STRADDLE], sliding(), EXACT, None, "agree"),
        ("no alert on either side", [("ann", [0, 1])], sliding(), EXACT, None, "agree"),
        ("an upstream query that agrees", [IN_BUCKET], buckets, UNJUDGED, None, "agree"),
        ("a burst over a boundary", [STRADDLE], buckets, EXACT, None, "disagree"),
        ("the same, undeclared, of an upstream query", [STRADDLE], buckets, UNJUDGED, None, "disagree"),
        ("an alert in some phases only", [STRADDLE], phased, EXACT, None, "disagree"),
        (
            "fires on less",
            [("ann", [0, 50, 100])],
            sliding(120),
            Verdict("bounded", bound=Bound("2m", 120)),
            None,
            "bounded",
        ),
        (
            "a bound that allows silence",
            [("ann", [0, 30, 59])],
            silent,
            Verdict("bounded", bound=Bound("sure within 10 s", narrowest=10)),
            None,
            "disagree",
        ),
        (
            "a bound that allows one alert of two to be missed",
            [IN_BUCKET, ("bob", [40, 59, 70])],
            buckets,
            Verdict("bounded", bound=Bound("sure within 10 s", narrowest=10)),
            None,
            "bounded",
        ),
        (
            "fires on less than it says",
            [("ann", [0, 50, 110])],
            sliding(120),
            Verdict("bounded", bound=Bound("x", 90)),
            None,
            "disagree",
        ),
        (
            "bounded, but nothing differs here",
            [STRADDLE],
            sliding(120),
            Verdict("bounded", bound=Bound("2m", 120)),
            None,
            "agree",
        ),
        ("declared", [STRADDLE], buckets, UNJUDGED, gap(NONE), "divergence"),
        ("declared in one phase of three", [STRADDLE], phased, UNJUDGED, gap(NONE), "divergence"),
        ("declared otherwise", [STRADDLE], buckets, UNJUDGED, gap(Expect(alerts=2)), "disagree"),
        ("declared of another target", [STRADDLE], buckets, UNJUDGED, gap(NONE, "other"), "disagree"),
        ("no longer differs", [IN_BUCKET], buckets, UNJUDGED, gap(NONE), "stale"),
        ("a construct that the engine does not know", [STRADDLE], unknown_construct, EXACT, None, "error"),
        ("a bug of the engine", [STRADDLE], bug, EXACT, None, "error"),
        ("never run", [STRADDLE], lambda _: [], EXACT, None, "error"),
        ("an upstream query that the engine does not know", [STRADDLE], unknown_construct, UNJUDGED, None, "unjudged"),
        ("an upstream query that was never run", [STRADDLE], lambda _: [], UNJUDGED, None, "unjudged"),
        ("the same, declared", [STRADDLE], unknown_construct, UNJUDGED, gap(NONE), "error"),
    ],
)
def test_cell(
    name: str,
    bursts: list[tuple[str, list[int]]],
    runs: Callable[[Sequence[Event]], Sequence[Run]],
    verdict: Verdict,
    declared: Divergence | None,
    kind: str,
) -> None:
    del name
    cell = run(a_case(*bursts, gap=declared), column(runs, verdict))
    assert cell.kind == kind, cell.notes
    assert cell.failed is (kind in {"disagree", "stale", "error", "unjudged"})


def mixed_case() -> Case:
    """A burst of which one event has its value in upper case."""
    case = a_case(("ann", [0, 1, 2]))
    return replace(case, events=(*case.events[:2], {**case.events[2], "kind": "BAD"}))


def test_a_broken_assumption_explains_a_difference_if_an_alert_is_left() -> None:
    case = mixed_case()
    more = a_case(("bob", [100, 101, 102]))
    verdict = Verdict("assuming", (NEVER_BROKEN, CANONICAL))
    cell = run(replace(case, events=case.events + more.events), column(case_sensitive, verdict))
    assert (cell.kind, cell.failed) == ("assumption", True)
    assert cell.broken == (Broken("kind has canonical case", ("ann2",)),)
    assert [difference.side for difference in cell.differences] == ["missed"]


def test_without_any_alert_left_a_broken_assumption_explains_nothing() -> None:
    cell = run(mixed_case(), column(case_sensitive, Verdict("assuming", (NEVER_BROKEN, CANONICAL))))
    assert (cell.kind, cell.failed) == ("disagree", True)
    assert "has no alert to compare" in cell.notes[0]
    assert cell.broken == (Broken("kind has canonical case", ("ann2",)),)


@pytest.mark.parametrize(("runs", "kind"), [(case_sensitive, "assumption"), (silent, "disagree")])
@pytest.mark.parametrize(
    "repair",
    [Repair(raw=lambda raw: {**raw, "kind": "bad"}), Repair(view=lambda view: {**view, "kind": "bad"})],
    ids=["raw", "view"],
)
def test_repaired_events_decide(repair: Repair, runs: Callable[[Sequence[Event]], Sequence[Run]], kind: str) -> None:
    verdict = Verdict("assuming", (NEVER_BROKEN, replace(CANONICAL, repair=repair, advice="write it as the rule")))
    cell = run(mixed_case(), column(runs, verdict))
    assert cell.kind == kind
    assert cell.broken == (Broken("kind has canonical case", ("ann2",), "write it as the rule"),)
    assert cell.notes == ({"assumption": (), "disagree": (NOT_REPAIRED,)}[kind])


def test_an_event_that_its_repair_does_not_repair_is_left_out() -> None:
    useless = replace(CANONICAL, repair=Repair(view=lambda view: view))
    assert run(mixed_case(), column(case_sensitive, Verdict("assuming", (useless,)))).kind == "disagree"


@pytest.mark.parametrize(
    ("policy", "named", "failed"),
    [
        (Policy(), False, set(KINDS) - {"agree", "bounded", "divergence", "refused"}),
        (Policy(), True, set(KINDS) - {"agree", "bounded", "divergence"}),
        (Policy(frozenset({"bounded", "refused"})), False, set(KINDS) - {"agree", "divergence"}),
        (
            Policy(accept=frozenset({"refused", "disagree"})),
            True,
            {"assumption", "unjudged", "stale", "changed", "error"},
        ),
    ],
)
def test_what_fails(policy: Policy, named: bool, failed: set[str]) -> None:  # noqa: FBT001
    assert {kind for kind in KINDS if policy.fails(kind, named=named)} == failed


def test_a_difference_that_no_broken_assumption_explains() -> None:
    case = mixed_case()
    more = a_case(("bob", [100, 101, 102]))
    cell = run(replace(case, events=case.events + more.events), column(silent, Verdict("assuming", (CANONICAL,))))
    assert cell.kind == "disagree"
    assert cell.notes == ("not explained: the query also differs on events that break no assumption",)


def test_an_assumption_that_no_event_breaks_is_no_excuse() -> None:
    assert run(a_case(STRADDLE), column(silent, Verdict("assuming", (NEVER_BROKEN, CANONICAL)))).kind == "disagree"


def test_a_refusal() -> None:
    refused = Column(TargetName("fake"), FakeTarget(), {}, (Refusal("burst", "event_count", "fake cannot count"),))
    assert refused.verdict == "refused"
    cell = run(a_case(STRADDLE), refused)
    assert (cell.kind, cell.notes, cell.failed) == ("refused", ("fake cannot count",), False)
    assert run(a_case(STRADDLE), replace(refused, named=True)).failed
    assert run(a_case(STRADDLE, gap=gap(NONE)), refused).kind == "stale"


def test_a_rule_that_cannot_be_converted_is_an_error() -> None:
    assert (
        run(a_case(STRADDLE), Column(TargetName("fake"), FakeTarget(), {}, (), RuleError("no such option"))).kind
        == "error"
    )


def test_a_bug_is_named_and_has_a_traceback() -> None:
    cell = run(a_case(STRADDLE), column(bug, EXACT))
    assert (cell.kind, cell.failed) == ("error", True)
    assert "ZeroDivisionError: oops" in cell.notes[0]
    assert isinstance(cell.unjudged, InternalError)
    assert "Traceback" in cell.unjudged.trace


def test_the_smallest_log_of_a_disagreement() -> None:
    busy = [(f"user{number}", list(range(number, 300, 7))) for number in range(20)]
    cell = run(a_case(*busy, STRADDLE, gap=gap(NONE)), column(buckets, EXACT))
    assert cell.smallest is not None
    assert cell.smallest.of_events == sum(len(times) for _, times in busy) + 4
    assert len(cell.smallest.events) == 3
    assert all(event.fields["user"] == cell.smallest.events[0].fields["user"] for event in cell.smallest.events)
    assert set(cell.smallest.events[0].fields) == {"kind", "user"}  # what the rule reads, and no more


def test_the_smallest_log_is_beyond_the_bound() -> None:
    verdict = Verdict("bounded", bound=Bound("sure within 10 s", narrowest=10))
    cell = run(a_case(("ann", [0, 30, 59, 59, 59, 59])), column(silent, verdict))
    assert cell.smallest is not None
    assert [event.id for event in cell.smallest.events] == ["ann59"] * 3


@pytest.mark.parametrize(
    ("expect", "bursts", "problem"),
    [
        (NONE, [], None),
        (NONE, [IN_BUCKET], "no alert expected, 1 alert found"),
        (Expect(at_least_one=True), [], "an alert expected, none found"),
        (Expect(at_least_one=True), [IN_BUCKET, ("bob", [0, 0, 0])], None),
        (Expect(alerts=1), [IN_BUCKET, ("bob", [0, 0, 0])], "1 alert expected, 2 alerts found"),
        (Expect(alerts=1, groups=({"user": "ann"},)), [IN_BUCKET], None),
        (Expect(alerts=1, groups=({"user": "bob"},)), [IN_BUCKET], "no alert for user=bob"),
        (Expect(at_least_one=True, groups=({"user": "ann"}, {"user": "bob"})), [IN_BUCKET], "no alert for user=bob"),
    ],
)
def test_expectation_of_the_reference(expect: Expect, bursts: list[tuple[str, list[int]]], problem: str | None) -> None:
    assert unmet(expect, Log(a_case(*bursts).events).alerts(BURST)) == problem


# -------------------------------------------------------------------------------------------------------- names


KNOWN: Mapping[str, Any] = {name: FakeTarget(name=name) for name in ("fake", "other", "pysigma:fake")}


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("fake", "fake"),
        ("fake:default", "fake"),
        ("fake:file", "fake:file"),
        ("fake:lag=5m:kind=a", "fake:kind=a:lag=5m"),
        ("fake:kind=a:file", "fake:file:kind=a"),
        ("pysigma:fake", "pysigma:fake"),
        ("pysigma:fake:file:kind=a=b", "pysigma:fake:file:kind=a=b"),
    ],
)
def test_name_of_a_target(text: str, canonical: str) -> None:
    name = parse_name(text, KNOWN)
    assert str(name) == canonical
    assert parse_name(canonical, KNOWN) == name


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("fkae", "no target 'fkae'", "did you mean 'fake'"),
        ("pysigma:fak", "no target 'pysigma:fak'", "did you mean 'pysigma:fake'"),
        ("fake:fil", "no format 'fil'", "did you mean 'file'"),
        ("fake:laag=3", "no option 'laag'", "did you mean 'lag'"),
        ("fake:file:default", "two formats", ""),
        ("", "no target ''", "known: all, fake"),
    ],
)
def test_bad_name_of_a_target(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_name(text, KNOWN)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_names_with_commas_all_and_defaults() -> None:
    every = [TargetName("fake"), TargetName("other")]
    names = parse_names(["all,pysigma:fake", "fake:file"], KNOWN, every=every, options={"lag": "1m"})
    assert [str(name) for name in names] == ["fake:lag=1m", "other:lag=1m", "pysigma:fake:lag=1m", "fake:file:lag=1m"]
    assert [str(name) for name in parse_names(["fake:lag=2m"], KNOWN, options={"lag": "1m"})] == ["fake:lag=2m"]
    assert [str(name) for name in parse_names(["fake"], KNOWN, form="file")] == ["fake:file"]


@pytest.mark.parametrize("given", [{"form": "flie"}, {"options": {"lgg": "1"}}])
def test_what_no_target_has_is_an_error(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="no target here has"):
        parse_names(["fake", "other"], KNOWN, **given)


def test_variants_that_a_target_names_are_replayed_as_well() -> None:
    class Varied(FakeTarget):
        variants = ("kind=a", "kind=b")

    names = own_variants({"fake": Varied(), "pysigma:fake": FakeTarget()})
    assert [str(name) for name in names] == ["fake", "fake:file", "fake:kind=a", "fake:kind=b"]


# ------------------------------------------------------------------------------------------------------ reports


def matrix() -> Matrix:
    """One row with every kind of cell."""
    expected = a_case(STRADDLE, gap=gap(NONE, "declared"))
    bounded = Verdict("bounded", bound=Bound("also fires within 2m", widest=120))
    repair = Repair(view=lambda view: {**view, "kind": "bad"})
    repaired = replace(CANONICAL, repair=repair, advice="write it as the rule")
    columns = (
        column(sliding(), EXACT, "exact"),
        column(sliding(120), bounded, "wide"),
        column(case_sensitive, Verdict("assuming", (repaired,)), "cased"),
        column(buckets, UNJUDGED, "declared"),
        Column(TargetName("none"), FakeTarget(), {}, (Refusal("burst", "event_count", "none cannot count"),)),
        column(buckets, EXACT, "wrong"),
        column(unknown_construct, EXACT, "unknown"),
    )
    rows = []
    for number, case in enumerate((expected, a_case(("ann", [0, 59, 70])), mixed_case())):
        named = replace(case, name=f"case {number}", expect=Expect(alerts=1))
        log = Log(named.events)
        alerts = log.alerts(BURST)
        cells = tuple(run_cell(named, [BURST], one, log, Settings()) for one in columns)
        rows.append(CaseResult(named, len(alerts), unmet(named.expect, alerts), cells))
    suite = Suite(Path("samples/cases.yml"), (), None, tuple(row.case for row in rows))
    counts = {kind: sum(cell.kind == kind for row in rows for cell in row.cells) for kind in KINDS}
    return Matrix((SuiteResult(suite, (BURST,), columns, tuple(rows)),), 1.0, counts)


def test_text_report() -> None:
    text = matrix_text(matrix())
    head = text.splitlines()[3:5]
    assert head[0].split() == ["reference", "exact", "wide", "cased", "declared", "none", "wrong", "unknown"]
    assert head[1].split() == ["(exact)", "(bounded)", "(assuming)", "(unjudged)", "(refused)", "(exact)", "(exact)"]
    rows = {line[:6]: line[6:].split() for line in text.splitlines()[5:8]}
    assert rows["case 0"] == ["1", "alert", "agree", "agree", "agree", "divergence", "refused", "DISAGREE", "ERROR"]
    assert rows["case 1"] == ["UNEXPECTED", "agree", "bounded", "agree", "agree", "refused", "agree", "ERROR"]
    assert rows["case 2"][:5] == ["1", "alert", "agree", "agree", "ASSUMPTION"]
    for piece in (
        "none: burst: event_count: none cannot count",
        "DISAGREE  case 0  wrong",
        "missed: user=ann: 2026-01-01T00:00:40Z to 2026-01-01T00:01:01Z (21 s), 4 events;",
        "; reference 1 alert, target none",
        "smallest log that shows it: 3 of 4 events",
        "all: kind=bad user=ann",
        "ann61  2026-01-01T00:01:01Z",
        "    the query",
        "case: cases.yml:7",
        "fixed minutes split the burst",
        "unknown command 'frobnicate'",
        "1 alert expected, no alert found",
        "  1 event (ann2) breaks an assumption:\n    kind has canonical case\n      hint: write it as the rule\n",
        "1 differ because the log breaks an assumption of the verdict: 1 missed",
        "1 differ as the case declares: 1 missed",
        "1 differ within the bound that the verdict states: 1 extra",
        "accept all of these (--accept assumption)",
        "FAILED",
    ):
        assert piece in text
    assert "\x1b" not in text


def test_text_report_for_a_narrow_terminal() -> None:
    text = matrix_text(matrix(), 72)
    lines = [line.split() for line in text.split("UNEXPECTED  case")[0].splitlines()]
    assert all(len(line) <= 72 or line.startswith("    ") for line in text.splitlines())
    assert lines[3:8] == [
        ["exact", "exact,", "wrong,", "unknown"],
        ["assuming", "cased"],
        ["bounded", "wide"],
        ["unjudged", "declared"],
        ["refused", "none"],
    ]
    assert lines[9:12] == [
        ["reference", "agree", "differ"],
        ["case", "0", "1", "alert", "3", "of", "6", "divergence:", "declared"],
        ["DISAGREE:", "wrong"],
    ]
    assert "assumptions: cased 1" in text.splitlines()
    assert text.endswith("FAILED\n")


def test_colours_only_when_asked_for() -> None:
    assert "\x1b[1;31mDISAGREE\x1b[0m" in matrix_text(matrix(), coloured=True)


def test_json_report() -> None:
    report = json.loads(json.dumps(matrix_json(matrix())))
    assert (report["version"], report["ok"], report["cases"], report["unexpected"]) == (1, False, 3, 1)
    assert set(report["counts"]) == set(KINDS)
    (suite,) = report["suites"]
    assert suite["rules"] == ["burst"]
    assert [target["verdict"] for target in suite["targets"]][1:3] == ["bounded", "assuming"]
    assert suite["targets"][4]["refused"] == [
        {"rule": "burst", "construct": "event_count", "reason": "none cannot count"}
    ]
    wrong = suite["cases"][0]["cells"][5]
    assert (wrong["target"], wrong["result"], wrong["query"]) == ("wrong", "disagree", "the query")
    assert wrong["differences"] == [
        {
            "rule": "burst",
            "side": "missed",
            "group": {"user": "ann"},
            "first": "2026-01-01T00:00:40Z",
            "last": "2026-01-01T00:01:01Z",
            "events": ["ann40", "ann59", "ann60", "ann61"],
            "reference_alerts": 1,
            "target_alerts": 0,
            "phases": [],
            "of_phases": 1,
        }
    ]
    assert wrong["smallest"]["of"] == 4
    assert [event["id"] for event in wrong["smallest"]["events"]] == ["ann59", "ann60", "ann61"]
    assert wrong["smallest"]["events"][0]["fields"] == {"kind": "bad", "user": "ann"}
    problem = "1 alert expected, no alert found"
    assert suite["cases"][1]["reference"] == {"alerts": 0, "ok": False, "problem": problem, "error": None}


def test_hostile_values_do_not_reach_the_terminal() -> None:
    case = a_case(("\x1b[2Jann", [40, 59, 61]))
    cell = run(case, column(buckets, EXACT))
    row = CaseResult(case, 1, None, (cell,))
    suite = Suite(Path("cases.yml"), (), None, (case,))
    counts = dict.fromkeys(KINDS, 0)
    text = matrix_text(Matrix((SuiteResult(suite, (BURST,), (column(buckets, EXACT),), (row,)),), 0.1, counts))
    assert "\x1b" not in text
    assert "\\x1b[2Jann" in text
