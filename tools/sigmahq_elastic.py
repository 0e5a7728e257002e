"""Convert every rule of SigmaHQ for Elastic, run it, and count where it agrees with the reference; pySigma's as well.

    rules ──each──> plan ──> ES|QL, EQL, KQL, rule file; pysigma:esql, :eql ──the same events──> verdicts, causes
                       └──> events: generated, and the recorded ones of the rule

    python tools/sigmahq_elastic.py [--limit N] [--jobs N] [--upstream] [--only TEXT] [--seed N] [--show N]

With a node of Elasticsearch (`tools/referee.py --serve` starts one; SIGMA_CONVERT_REFEREE is its address) that is asked
as well: KQL and the query_string of pysigma:lucene are run there, ES|QL is parsed. Exit status 1 if a query of ours
differs, from the rule without an assumption of its verdict that explains it, or on the node, or if one is not run.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from referee import URL, Node
from sigmahq import Watch, as_logged, compare, compare_upstream
from sigmahq_index import Question, fitting, question
from sigmahq_lucene import ANALYSED, LOOKED_INTO, LUCENE, convert_to_lucene
from sigmahq_node import answer
from sigmahq_report import Ready, Report, print_report, ready

from converter.harness.generate.log import events_for
from converter.harness.replay import Log
from converter.plan import nodes as ir

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence


TARGETS = ("esql", "eql", "kql", "elastic-toml")
UPSTREAM = ("pysigma:esql", "pysigma:eql")


def examine(path: str, *, seed: int = 0, upstream: bool = False, ask: bool = False) -> tuple[Report, Question | None]:
    """Convert a rule, make events, run the queries on them and compare; prepare what is to be asked of a node."""
    report = Report(path)
    watch = Watch(report.seconds)
    if (rule := ready(report, watch, "elastic", seed)) is None:
        return report, None
    read, plan, log = rule.read, rule.plan, rule.log
    as_written = [*log.events, *_in_case(rule, seed)]
    logs = {"kql": (of_keywords := Log(as_written)), "elastic-toml": of_keywords}
    for target in TARGETS:
        report.ours[target] = compare(read, plan, logs.get(target, log), watch, target)
    typed = fitting(read, plan, of_keywords) if upstream else log
    for target in UPSTREAM if upstream else ():
        report.upstream[target] = compare_upstream(read, plan, typed, watch, target, LOOKED_INTO)
    asked = None
    if ask:
        queries = {name: one.text for name, one in [*report.ours.items(), *report.upstream.items()] if one.text}
        asked = question(read, plan, of_keywords, queries)
        convert_to_lucene(asked, read)
        watch("ask")
    return report, asked


def examine_some(
    names: Sequence[str], *, seed: int = 0, upstream: bool = False, node: Node | None = None
) -> list[Report]:
    """Examine rules; with a node, ask it as well."""
    found = [examine(name, seed=seed, upstream=upstream, ask=node is not None) for name in names]
    if node is not None:
        watch = Watch(found[0][0].seconds)
        answer(node, [asked for _, asked in found if asked is not None])
        watch("ask")
        for report, asked in found:
            for name, one in asked.answers.items() if asked is not None else ():
                (report.upstream if name in {LUCENE, ANALYSED} else report.referee)[name] = one
    return [report for report, _ in found]


def _in_case(rule: Ready, seed: int) -> Iterator[dict[str, Any]]:
    """Yield events whose texts have the case of the rule, as keyword fields want them."""
    exactly = replace(rule.plan, expr=_counting_case(rule.plan.expr))
    for event in events_for(exactly, seed):
        if (one := as_logged(event, rule.plan, rule.names)) is not None:
            yield one


def _counting_case(expr: ir.Expr) -> ir.Expr:
    match expr:
        case ir.And(items):
            return ir.And(tuple(map(_counting_case, items)))
        case ir.Or(items):
            return ir.Or(tuple(map(_counting_case, items)))
        case ir.Not(item):
            return ir.Not(_counting_case(item))
        case ir.StringMatch():
            return replace(expr, cased=True)
        case _:
            return expr


def _with_node(names: Sequence[str], options: argparse.Namespace) -> list[Report]:
    url = os.environ.get(URL)
    node = Node(url) if url else None  # of the process: a connection is not shared
    try:
        return examine_some(names, seed=options.seed, upstream=options.upstream, node=node)
    finally:
        if node is not None:
            node.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report."""
    return print_report(__doc__ or "", _with_node, arguments)


if __name__ == "__main__":
    sys.exit(main())
