"""Convert correlations to SPL, run them on generated logs, and count where they agree with the reference.

    public rules, conformance rules ──each correlation──> query ──bursts of several seeds──> agreement, causes

    python tools/correlations_splunk.py [--seeds N] [--upstream] [--only TEXT] [--show N]

The public rules are in `../shared/data/correlation_rules`, if that is there. Exit status 1 if a query of ours differs
and no assumption of its verdict explains it, or if one is not run by our engine.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from converter.conversion import convert_rules
from converter.errors import ConfigurationError, QueryError, RefusedError, RuleError
from converter.harness.audit import audit
from converter.harness.compare import CompareError
from converter.harness.generate.log import events_for
from converter.harness.replay import Log, replay
from converter.plan import nodes as ir
from converter.products.field_facts import load_facts
from converter.rules.load import parse_rules
from converter.targets.core.registry import get_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from converter.rules.collection import Rules

ROOT = Path(__file__).resolve().parent.parent
PUBLIC = ROOT.parent / "shared" / "data" / "correlation_rules"
CONFORMANCE = ROOT / "tests" / "conformance" / "correlation"


def texts() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every file and every conformance rule; those of the first version of Sigma not."""
    for path in sorted(PUBLIC.rglob("*.y*ml")):
        if "legacy_aggregation" not in str(path):
            yield str(path.relative_to(PUBLIC)), path.read_text(encoding="utf-8")
    for path in sorted(CONFORMANCE.glob("*.yml")):
        for number, document in enumerate(yaml.safe_load_all(path.read_text(encoding="utf-8"))):
            rules = [document.get("rule"), *(case.get("rule") for case in document.get("cases", ()))]
            for at, text in enumerate(one for one in rules if one is not None):
                yield f"conformance/{path.stem} {number}.{at}", text


def correlations(only: str) -> Iterator[tuple[str, Rules, ir.Correlation]]:
    """Yield every correlation that is read, with its rules."""
    for name, text in texts():
        if only not in name:
            continue
        rules = parse_rules(text, name, lambda _: None)
        for plan in rules.plans:
            if isinstance(plan, ir.Correlation):
                yield name, rules.only(plan), plan


def log_of(plan: ir.Correlation, seed: int) -> Log:
    """Return a log; of a log source whose fields are known, which have one value each, without lists."""
    known = any(load_facts("splunk", rule.logsource).known for rule in ir.detections_of(plan))
    return Log([one for one in events_for(plan, seed) if not (known and _has_list(one))], "any")


def _has_list(event: dict[str, Any]) -> bool:
    return any(isinstance(one, list) or (isinstance(one, dict) and _has_list(one)) for one in event.values())


def ours(name: str, rules: Rules, plan: ir.Correlation, seeds: int, counts: Counter[str]) -> Iterator[str]:
    """Convert and replay one correlation; yields what is wrong."""
    kind = type(plan.measure).__name__
    target = get_target("splunk")
    try:
        (query,) = convert_rules(rules, target, without_pipeline=True)
    except RefusedError as error:
        counts[f"refused: {kind}: {error.construct}"] += 1
        return
    counts[f"converted: {kind}: {query.verdict.kind}"] += 1
    fired = False
    for seed in range(seeds):
        log = log_of(plan, seed)
        counts["events"] += len(log)
        fired |= bool(log.alerts(plan))
        counts["episodes"] += len(log.alerts(plan))
        try:
            outcome, _ = replay(plan, query, target, log)
        except QueryError as error:
            counts["not run"] += 1
            yield f"{name} seed {seed}: {plan.meta.key}: {error}\n{query.text}"
            return
        counts[f"logs: {outcome.doubt or outcome.kind}"] += 1
        if outcome.contradicts:
            yield f"{name} seed {seed}: {plan.meta.key}: {outcome.differences[0]}\n{query.text}"
            return
    counts["rules that fire"] += fired


def upstream(rules: Rules, plan: ir.Correlation, seeds: int, counts: Counter[str]) -> None:
    """Count what becomes of the conversion by pySigma's backend; one log that differs is enough."""
    kind = type(plan.measure).__name__
    results: set[str] = set()
    for seed in range(seeds):
        try:
            results.add(audit(rules, plan, log_of(plan, seed), "pysigma:splunk", without_pipeline=True).result)
        except CompareError:
            results.add("not compared")
    worst = next(one for one in ("refused", "not run", "not compared", "differs", "agrees") if one in results)
    counts[f"upstream: {kind}: {worst}"] += 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="logs a rule")
    parser.add_argument("--upstream", action="store_true", help="the queries of pySigma's backend as well")
    parser.add_argument("--only", default="", metavar="TEXT", help="only rules whose name holds TEXT")
    parser.add_argument("--show", type=int, default=10, metavar="N", help="how many differences are shown")
    options = parser.parse_args(arguments)
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for name, rules, plan in correlations(options.only):
        try:
            wrong += ours(name, rules, plan, options.seeds, counts)
            if options.upstream:
                upstream(rules, plan, options.seeds, counts)
        except (RuleError, ConfigurationError) as error:
            counts[f"not evaluated: {error.message}"] += 1
    sys.stdout.writelines(f"{count:8} {what}\n" for what, count in sorted(counts.items()))
    sys.stdout.writelines(f"\n{one}\n" for one in wrong[: options.show])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
