"""The matrix of `test` as JSON. docs/cli.md documents the schema; `version` changes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.errors import InternalError
from converter.reference.time import format_time
from converter.report.check import finding, pipeline_json

if TYPE_CHECKING:
    from converter.harness.cases.load import Expect
    from converter.harness.compare import Difference
    from converter.harness.matrix import CaseResult, Matrix, SuiteResult
    from converter.harness.outcome import Cell, Column
    from converter.harness.replay import Broken
    from converter.harness.smallest import ShownEvent
    from converter.plan.nodes import Plan

VERSION = 1


def matrix_json(matrix: Matrix) -> dict[str, Any]:
    """Return the matrix as plain data."""
    return {
        "version": VERSION,
        "ok": not matrix.failed,
        "seconds": round(matrix.seconds, 3),
        "cases": matrix.cases,
        "unexpected": matrix.unexpected,
        "errors": [finding(error) for error in matrix.errors],
        "counts": dict(matrix.counts),
        "differences": dict(matrix.differences),
        "schedules": {"replays": matrix.scheduled, "phases": matrix.phases, **matrix.schedule_findings},
        "suites": [_suite(suite) for suite in matrix.suites],
    }


def _suite(suite: SuiteResult) -> dict[str, Any]:
    plans = {plan.meta.key: plan for plan in suite.plans}
    return {
        "path": str(suite.suite.path),
        "rules": list(plans),
        "targets": [_column(column) for column in suite.columns],
        "cases": [_case(case, plans) for case in suite.cases],
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "target": str(column.name),
        "verdict": column.verdict,
        "named": column.named,
        "live": column.live or None,
        "queries": [
            {
                "rule": query.rule,
                "language": query.language,
                "verdict": query.verdict.kind,
                "notes": list(query.verdict.notes),
                "warnings": list(query.warnings),
                "pipeline": pipeline_json(query),
                "text": query.text,
            }
            for query in column.queries.values()
        ],
        "refused": [
            {"rule": refusal.rule, "construct": refusal.construct, "reason": refusal.message}
            for refusal in column.refusals
        ],
        "error": column.error.render() if column.error is not None else None,
    }


def _case(result: CaseResult, plans: dict[str, Plan]) -> dict[str, Any]:
    return {
        "name": result.case.name,
        "file": result.case.place.name,
        "line": result.case.place.line,
        "events": len(result.case.events),
        "expected": _expect(result.case.expect),
        "reference": {
            "alerts": result.alerts,
            "ok": result.unmet is None and result.error is None,
            "problem": result.unmet,
            "error": finding(result.error) if result.error is not None else None,
        },
        "cells": [_cell(cell, plans) for cell in result.cells],
    }


def _expect(expect: Expect) -> dict[str, Any]:
    return {
        "alerts": expect.alerts,
        "at_least_one": expect.at_least_one,
        "groups": [dict(group) for group in expect.groups],
    }


def _cell(cell: Cell, plans: dict[str, Plan]) -> dict[str, Any]:
    return {
        "target": cell.target,
        "result": cell.kind,
        "failed": cell.failed,
        "notes": [*cell.notes, *(f"{broken.message}: false for {_events(broken)}" for broken in cell.broken)],
        "broken": [
            {"assumption": broken.message, "events": list(broken.events), "hint": broken.advice or None}
            for broken in cell.broken
        ],
        "differences": [_difference(difference, plans) for difference in cell.differences],
        "smallest": None
        if cell.smallest is None
        else {"of": cell.smallest.of_events, "events": [_event(event) for event in cell.smallest.events]},
        "query": cell.query.text if cell.query is not None else None,
        "bug": isinstance(cell.unjudged, InternalError),
        "phases": cell.phases,
        "seconds": round(cell.seconds, 3),
    }


def _events(broken: Broken) -> str:
    return "1 event" if len(broken.events) == 1 else f"{len(broken.events)} events"


def _difference(difference: Difference, plans: dict[str, Plan]) -> dict[str, Any]:
    return {
        "rule": difference.rule,
        "side": difference.side,
        "group": group_of(difference, plans[difference.rule]),
        "first": _time(difference.first),
        "last": _time(difference.last),
        "events": list(difference.events),
        "reference_alerts": difference.reference,
        "target_alerts": difference.query,
        "phases": [phase for phase in difference.phases if phase],
        "of_phases": difference.of_phases,
    }


def group_of(difference: Difference, plan: Plan) -> dict[str, str] | None:
    """Return the group by the names of its fields; None for a detection."""
    names: tuple[str, ...] = getattr(plan, "group_by", ())
    return None if difference.group is None else dict(zip(names, difference.group, strict=True))


def _event(event: ShownEvent) -> dict[str, Any]:
    return {"id": event.id, "time": _time(event.time), "fields": dict(event.fields)}


def _time(instant: int | None) -> str | None:
    return None if instant is None else format_time(instant)
