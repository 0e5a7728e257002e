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
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from referee import URL, Node
from sigmahq import (
    DATA,
    LEGACY,
    Comparison,
    Watch,
    arguments_of,
    as_logged,
    chosen,
    compare,
    compare_upstream,
    examine_all,
    flat,
    general,
    product_names,
    recordings,
    rules,
    table,
)
from sigmahq_index import Question, fitting, question
from sigmahq_lucene import ANALYSED, LOOKED_INTO, LUCENE, convert_to_lucene
from sigmahq_node import answer

from converter.errors import RefusedError, SourceError
from converter.harness.generate import events_for
from converter.harness.replay import Log
from converter.plan.nodes import And, Detection, Not, Or, StringMatch, unexpanded
from converter.rules import parse_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from converter.plan.nodes import Expr

TARGETS = ("esql", "eql", "kql", "elastic-toml")
UPSTREAM = ("pysigma:esql", "pysigma:eql")
_SHOWN = re.compile(r"(?<=; )[\w.-]+(:\.\.\.)?(?= is a )")  # in a message, what the query has at the place
WRONG = {"disagree", "not run", "differs", "refused by the node", "not parsed"}


@dataclass(slots=True)
class Report:
    """What was found of one rule: of each target of ours, of each of pySigma, and what the node says of ours."""

    path: str
    unread: str = ""
    generated: int = 0
    recorded: int = 0
    matching: int = 0
    ours: dict[str, Comparison] = field(default_factory=dict)
    upstream: dict[str, Comparison] = field(default_factory=dict)
    referee: dict[str, Comparison] = field(default_factory=dict)
    question: Question | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The top folder of the collection that the rule is in."""
        return self.path.split("/", 1)[0]

    @property
    def bad(self) -> bool:
        """Whether a query of ours differs, from the rule or on the node, or is not run."""
        return any(one.outcome in WRONG for one in (*self.ours.values(), *self.referee.values()))


def examine(path: str, text: str, *, seed: int = 0, upstream: bool = False, ask: bool = False) -> Report:
    """Convert a rule, make events, run the queries on them and compare; prepare what is to be asked of a node."""
    report = Report(path)
    watch = Watch(report.seconds)
    try:
        read = parse_rules(text, path)
        (plan,) = read.plans
        if not isinstance(plan, Detection):
            raise TypeError(path)
        for leaf in unexpanded(plan.expr):
            raise leaf.error
    except SourceError as error:
        report.unread = error.construct if isinstance(error, RefusedError) else error.message
        return report
    watch("parse")
    names = product_names(read, plan)
    generated = [one for event in events_for(plan, seed) if (one := as_logged(event, plan, names)) is not None]
    recorded = [flat(event) for event in recordings().get(path, [])]
    report.generated, report.recorded = len(generated), len(recorded)
    watch("generate")
    log = Log([*generated, *recorded])
    report.matching = len(log.alerts(plan))
    watch("reference")
    log.seen("elastic", plan)
    watch("view")
    as_written = [*generated, *recorded, *_in_case(plan, names, seed)]
    logs = {"kql": (of_keywords := Log(as_written)), "elastic-toml": of_keywords}
    for target in TARGETS:
        report.ours[target] = compare(read, plan, logs.get(target, log), watch, target)
    typed = fitting(read, plan, of_keywords) if upstream else log
    for target in UPSTREAM if upstream else ():
        report.upstream[target] = compare_upstream(read, plan, typed, watch, target, LOOKED_INTO)
    if ask:
        queries = {name: one.text for name, one in [*report.ours.items(), *report.upstream.items()] if one.text}
        report.question = question(read, plan, of_keywords, queries)
        convert_to_lucene(report.question, read)
        watch("ask")
    return report


def examine_some(
    names: Sequence[str], *, seed: int = 0, upstream: bool = False, node: Node | None = None
) -> list[Report]:
    """Examine rules; with a node, ask it as well."""
    reports = [examine(name, rules()[name], seed=seed, upstream=upstream, ask=node is not None) for name in names]
    if node is not None:
        watch = Watch(reports[0].seconds)
        answer(node, [report.question for report in reports if report.question is not None])
        watch("ask")
        for report in reports:
            found = report.question.answers if report.question is not None else {}
            report.upstream |= {name: one for name, one in found.items() if name in {LUCENE, ANALYSED}}
            report.referee = {name: one for name, one in found.items() if name not in {LUCENE, ANALYSED}}
            report.question = None  # its events are not worth keeping
    return reports


def _in_case(plan: Detection, names: Mapping[str, str], seed: int) -> Iterator[dict[str, Any]]:
    """Yield events whose texts have the case of the rule, as keyword fields want them."""
    exactly = replace(plan, expr=_counting_case(plan.expr))
    for event in events_for(exactly, seed):
        if (one := as_logged(event, plan, names)) is not None:
            yield one


def _counting_case(expr: Expr) -> Expr:
    match expr:
        case And(items):
            return And(tuple(map(_counting_case, items)))
        case Or(items):
            return Or(tuple(map(_counting_case, items)))
        case Not(item):
            return Not(_counting_case(item))
        case StringMatch():
            return replace(expr, cased=True)
        case _:
            return expr


def lines_of(reports: Sequence[Report]) -> Iterator[str]:
    """Yield the report of our targets."""
    read = [report for report in reports if not report.unread]
    current = [report for report in read if report.folder not in LEGACY]
    yield f"{len(reports)} rules, {len(read)} with a plan, {len(current)} of these not in {', '.join(LEGACY)}"
    yield from table("no plan", Counter(f"{general(one.unread)} ({one.folder})" for one in reports if one.unread))
    generated, recorded = (sum(getattr(one, name) for one in read) for name in ("generated", "recorded"))
    both = sum(0 < one.matching < one.generated + one.recorded for one in read)
    yield f"{generated} generated events, {recorded} recorded ones; {sum(one.matching for one in read)} match"
    yield f"{both} rules of {len(read)} have events that match and events that do not"
    for target in TARGETS:
        found = [(report, report.ours[target]) for report in read]
        yield from ("", target)
        yield from table("verdict", Counter(one.verdict for _, one in found))
        yield from table("verdict, without legacy", Counter(o.verdict for r, o in found if r.folder not in LEGACY))
        for verdict in ("refused", "assuming", "bounded"):
            reasons = Counter(why for _, one in found if one.verdict == verdict for why in one.why)
            yield from table(f"why {verdict} (rules)", reasons)
        yield from table("compared", Counter(one.outcome for _, one in found if one.outcome))
        yield f"  {sum(one.excused for _, one in found)} events break an assumption"
    yield ""
    total: dict[str, float] = {}
    for report in reports:
        for kind, value in report.seconds.items():
            total[kind] = total.get(kind, 0.0) + value
    yield from table("CPU seconds", Counter({kind: round(value) for kind, value in total.items()}))


def referee_lines(reports: Sequence[Report]) -> Iterator[str]:
    """Yield what the node says."""
    for name in dict.fromkeys(name for report in reports for name in report.referee):
        found = [report.referee[name] for report in reports if name in report.referee]
        yield from ("", f"the node, {name}: {len(found)} queries on {sum(one.events for one in found)} events")
        yield from table("outcome", Counter(one.outcome for one in found))


def upstream_lines(reports: Sequence[Report]) -> Iterator[str]:
    """Yield the report of pySigma's backends."""
    for target in dict.fromkeys(name for report in reports for name in report.upstream):
        found = [report.upstream[target] for report in reports if target in report.upstream]
        yield from ("", f"{target}: {len(found)} rules")
        yield from table("outcome", Counter(one.outcome for one in found))
        for outcome in ("refused", "not run"):
            reasons = (_SHOWN.sub("...", why) for one in found if one.outcome == outcome for why in one.why)
            yield from table(outcome, Counter(reasons))
        yield from table("differs, rules by cause", Counter(cause for one in found for cause in one.causes))
        only = Counter(" + ".join(sorted({c.rsplit(" (", 1)[0] for c in one.causes})) for one in found if one.causes)
        yield from table("differs, rules by all their causes", only)


def examples(reports: Sequence[Report], most: int) -> Iterator[str]:
    """Yield events that show differences: of ours the first ones, of the other backends some of each cause."""
    for report in [report for report in reports if report.bad][:most]:
        for target, one in (*report.ours.items(), *((f"{name} (node)", one) for name, one in report.referee.items())):
            if one.outcome in WRONG:
                yield from ("", f"{report.path}: {target}: {one.outcome}", one.example)
    seen: Counter[tuple[str, str]] = Counter()
    for report in reports:
        for target, other in report.upstream.items():
            if other.example:
                cause = next(iter(other.causes or other.why))
                seen[target, cause] += 1
                if seen[target, cause] <= most // 5:
                    yield from ("", f"{report.path}: {target}: {cause}", other.example)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report."""
    options = arguments_of(__doc__ or "").parse_args(arguments)
    if not DATA.is_dir():
        sys.stderr.write(f"there is no SigmaHQ data in {DATA}\n")
        return 2
    started = time.monotonic()

    url = os.environ.get(URL)

    def some(names: Sequence[str]) -> list[Report]:
        node = Node(url) if url else None
        try:
            return examine_some(names, seed=options.seed, upstream=options.upstream, node=node)
        finally:
            if node is not None:
                node.close()

    reports = examine_all(chosen(options), some, options.jobs)
    lines = [*lines_of(reports), *referee_lines(reports), *upstream_lines(reports)]
    lines += ["", f"{time.monotonic() - started:.0f} s with {options.jobs} processes"]
    lines += examples(reports, options.show)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 1 if any(report.bad for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
