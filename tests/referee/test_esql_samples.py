"""The ES|QL of the first rules over all cases of their samples, by the vendor's code as far as it can be had.

    samples ──cases──> events ──view──> rows ──the vendor's analyzer, optimizer, functions──> rows ──> alerts
                                          └────────────── our engine ───────────────────────> rows

The exact sliding event_count is among them. docs/referee.md says what the vendor's code does and what it does not: the
functions COUNT, MIN, MAX and TOP, MV_EXPAND and SORT are ours here as well (`Rows.java`), by the documentation.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from converter.conversion import convert_rules
from converter.harness.cases.load import load_cases
from converter.harness.compare import judge
from converter.harness.replay import Log
from converter.live.elasticsearch.mapping import mapping_for
from converter.live.elasticsearch.search import esql_fields
from converter.live.target import facts_of
from converter.products.elastic.documents import leaves
from converter.reference.time import event_time, parse_time
from converter.rules.load import load_rules
from converter.targets.core.alerts import event_alerts, seen_alerts
from converter.targets.core.registry import get_target
from converter.targets.core.target import Run
from converter.targets.esql.engine.execute import run
from tests.support.paths import SAMPLES
from tests.support.referee.esql_rows import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from referee import Node

    from converter.harness.cases.load import Case
    from converter.targets.core.target import Event

SUITES = load_cases([SAMPLES])
CASES = [
    pytest.param(at, case, id=f"{suite.path.parent.name}: {case.name}")
    for at, suite in enumerate(SUITES)
    for case in suite.cases
]


def table_of(events: Sequence[Event], text: str, types: dict[str, str]) -> Table:
    """Return the columns that a query names, and `_id`, as an index of these types holds them."""
    names = sorted(name for name in esql_fields(text) if types.get(name))
    rows = []
    for event in events:
        values: dict[str, list[Any]] = {}
        for name, value in leaves(event):
            values.setdefault(name, []).append(value)
        cells = [sorted({stored(types[name], value) for value in values.get(name, ())}) for name in names]
        rows.append([str(event["_id"]), *(cell[0] if len(cell) == 1 else cell or None for cell in cells)])
    return Table({"_id": "keyword", **{name: types[name] for name in names}}, rows)


def stored(kind: str, value: Any) -> Any:
    """Return a value as an index holds it: text of whatever else is in a keyword, a time in milliseconds."""
    if kind == "keyword" and not isinstance(value, str):
        return json.dumps(value)
    if kind != "date":
        return value
    time = parse_time(value)
    assert time is not None
    return time // 1_000_000


@pytest.mark.parametrize(("suite", "case"), CASES)
def test_every_case(node: Node, suite: int, case: Case) -> None:
    rules = load_rules(SUITES[suite].rules)
    target = get_target("esql")
    log = Log(case.events, SUITES[suite].logsource)
    for plan, query in zip(rules.plans, convert_rules(rules, target), strict=True):
        events = [
            view
            for sigma, view in zip(log.sigma, log.seen("elastic", plan), strict=True)
            if event_time(sigma) is not None
        ]
        properties = mapping_for(events, facts_of(plan, "elastic"), esql_fields(query.text))["properties"]
        types = {name: one["type"] for name, one in properties.items()}
        table = table_of(events, query.text, types)
        (answer,) = table.vendor(node, [query.text])
        assert not answer.error
        assert not answer.lacking
        rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
        ours = run(query.text, events, mapping=table.columns)
        assert sorted(map(str, ({name: row[name] for name in sorted(row)} for row in rows))) == sorted(
            map(str, ({name: row[name] for name in sorted(row)} for row in ours))
        )
        alerts = event_alerts(rows) if query.group_by is None else seen_alerts(rows, query)
        theirs = judge(plan, log.alerts(plan), (Run("", alerts),), query.verdict.bound, log.alerts)
        local = judge(plan, log.alerts(plan), target.replay(query, events), query.verdict.bound, log.alerts)
        assert theirs == local
