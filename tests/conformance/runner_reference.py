"""Answer the questions of run.py with the reference evaluator of sigma-convert.

    standard input: {"id", "rule", "events"} ──> parse_rules, evaluate_plans ──> standard output: an answer a line

docs/conformance.md describes the protocol; a runner for another implementation does the same with its own functions.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from converter.errors import RefusedError, SourceError
from converter.plan.nodes import Correlation
from converter.reference.evaluate import evaluate_plans
from converter.rules.load import parse_rules


def answer(rule: str, events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the rules say of the events, or why they cannot say anything."""
    try:
        plans = parse_rules(rule).plans
        rows = [alert.as_row() for alert in evaluate_plans(plans, events)]
    except RefusedError as error:
        return {"refused": error.construct, **_place(error)}
    except SourceError as error:
        return {"error": error.message, **_place(error)}
    if len(plans) > 1 or any(isinstance(plan, Correlation) for plan in plans):
        return {"alerts": rows}
    return {"matches": [row["event"] for row in rows]}


def _place(error: SourceError) -> dict[str, int]:
    place = error.place
    return {"line": place.line, "column": place.column} if place is not None else {}


def main() -> None:
    """Answer until there are no more questions."""
    for line in sys.stdin:
        question = json.loads(line)
        found = {"id": question["id"], **answer(question["rule"], question["events"])}
        sys.stdout.write(json.dumps(found, ensure_ascii=False, default=str) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    for stream in (sys.stdin, sys.stdout):
        stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    main()
