"""What the tools share that report on every rule of SigmaHQ: a report of each rule, and the tables of all.

rule ──read, make events──> Report, Ready ──what a tool compares──> Report ──of all──> tables, examples
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from sigmahq import (
    DATA,
    LEGACY,
    Comparison,
    Watch,
    as_logged,
    flat,
    general,
    product_names,
    recordings,
    rules,
)

from converter.errors import RefusedError, SourceError
from converter.harness.generate.log import events_for
from converter.harness.parallel import available_jobs, run_all
from converter.harness.replay import Log
from converter.plan import nodes as ir
from converter.rules.load import parse_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from converter.rules.collection import Rules

WRONG = {"disagree", "not run", "differs", "refused by the node", "not parsed"}
Examined = TypeVar("Examined")
_SHOWN = re.compile(r"(?<=; )[\w.-]+(:\.\.\.)?(?= is a )")  # in a message, what the query has at the place


@dataclass(slots=True)
class Report:
    """What was found of one rule: of each query of ours, of each of pySigma, and what a node says of ours."""

    path: str
    unread: str = ""
    generated: int = 0
    recorded: int = 0
    matching: int = 0
    ours: dict[str, Comparison] = field(default_factory=dict)
    upstream: dict[str, Comparison] = field(default_factory=dict)
    referee: dict[str, Comparison] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The top folder of the collection that the rule is in."""
        return self.path.split("/", 1)[0]

    @property
    def bad(self) -> bool:
        """Whether a query of ours differs, from the rule or on the node, or is not run."""
        return any(one.outcome in WRONG for one in (*self.ours.values(), *self.referee.values()))

    @property
    def telling(self) -> bool:
        """Whether some of the rule's events match and some do not."""
        return 0 < self.matching < self.generated + self.recorded


@dataclass(frozen=True, slots=True)
class Ready:
    """A rule that was read, with the product's names of its fields, and its events."""

    read: Rules
    plan: ir.Detection
    names: Mapping[str, str]
    generated: Sequence[dict[str, Any]]
    log: Log


def ready(report: Report, watch: Watch, product: str, seed: int) -> Ready | None:
    """Read the rule of a report and make its events; None, with the reason in the report, if the rule has no plan.

    Args:
        report: a new one; it is told how many events there are and how many match.
        watch: of the report.
        product: the one whose view of the events is needed.
        seed: of the generated events.
    """
    path = report.path
    try:
        read = parse_rules(rules()[path], path)
        if len(read.plans) > 1:  # a report is about one rule
            report.unread = "several rules"
            return None
        (plan,) = read.plans
        if not isinstance(plan, ir.Detection):
            raise TypeError(path)
        for leaf in ir.unexpanded(plan.expr):
            raise leaf.error
    except SourceError as error:
        report.unread = error.construct if isinstance(error, RefusedError) else error.message
        return None
    watch("parse")
    names = product_names(read, plan)
    generated = [one for event in events_for(plan, seed) if (one := as_logged(event, plan, names)) is not None]
    recorded = [flat(event) for event in recordings().get(path, [])]
    report.generated, report.recorded = len(generated), len(recorded)
    watch("generate")
    log = Log([*generated, *recorded])
    report.matching = len(log.alerts(plan))
    watch("reference")
    log.seen(product, plan)
    watch("view")
    return Ready(read, plan, names, generated, log)


def examine_all(
    names: Sequence[str], examine: Callable[[Sequence[str]], list[Examined]], jobs: int, at_once: int = 40
) -> list[Examined]:
    """Examine every rule, some at a time, in processes, and tell a terminal how far it is."""
    recordings()
    chunks = [names[at : at + at_once] for at in range(0, len(names), at_once)]

    def work(number: int) -> list[Examined]:
        return examine(chunks[number])

    def done(number: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{number} of {len(chunks)}")

    def died(number: int, error: SourceError) -> list[Examined]:
        error.message = f"{', '.join(chunks[number])}: {error.message}"
        raise error

    return [one for chunk in run_all(work, len(chunks), jobs, died, done) for one in chunk]


def print_report(
    description: str,
    examine: Callable[[Sequence[str], argparse.Namespace], list[Report]],
    arguments: Sequence[str] | None,
) -> int:
    """Examine the rules that the command line asks for, print the report, and return the exit status."""
    options = _arguments(description).parse_args(arguments)
    if not DATA.is_dir():
        sys.stderr.write(f"there is no SigmaHQ data in {DATA}\n")
        return 2
    started = time.monotonic()
    names = [name for name in rules() if options.only in name]
    if options.limit:
        names = names[:: max(1, len(names) // options.limit)][: options.limit]
    reports = examine_all(names, lambda some: examine(some, options), options.jobs)
    for line in (*_of_ours(reports), *_of_the_node(reports), *_of_upstream(reports), *_seconds(reports)):
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"\n{time.monotonic() - started:.0f} s with {options.jobs} processes\n")
    sys.stdout.writelines(f"{line}\n" for line in _examples(reports, options.show))
    return 1 if any(report.bad for report in reports) else 0


def _arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description.split("\n", 1)[0])
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="only N rules, spread over the collection")
    parser.add_argument("--jobs", type=int, default=available_jobs(), metavar="N", help="processes")
    parser.add_argument("--upstream", action="store_true", help="the queries of pySigma's backends as well")
    parser.add_argument("--only", default="", metavar="TEXT", help="only rules whose path holds TEXT")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the generated events")
    parser.add_argument("--show", type=int, default=10, metavar="N", help="how many differences are shown of each kind")
    return parser


def _of_ours(reports: Sequence[Report]) -> Iterator[str]:
    read = [report for report in reports if not report.unread]
    current = [report for report in read if report.folder not in LEGACY]
    yield f"{len(reports)} rules, {len(read)} with a plan, {len(current)} of these not in {', '.join(LEGACY)}"
    yield from _table("no plan", Counter(f"{general(one.unread)} ({one.folder})" for one in reports if one.unread))
    generated, recorded = (sum(getattr(one, name) for one in read) for name in ("generated", "recorded"))
    yield f"{generated} generated events, {recorded} recorded ones; {sum(one.matching for one in read)} match"
    yield f"{sum(one.telling for one in read)} rules of {len(read)} have events that match and events that do not"
    for report in read:
        if not report.telling:
            yield f"  {'all' if report.matching else 'none'} match: {report.path}"
    for name in _names(report.ours for report in read):
        found = [(report, report.ours[name]) for report in read if name in report.ours]
        yield from ("", f"{name}: {len(found)} rules")
        yield from _table("verdict", Counter(one.verdict for _, one in found))
        yield from _table("verdict, without legacy", Counter(o.verdict for r, o in found if r.folder not in LEGACY))
        for verdict in ("refused", "assuming", "bounded"):
            reasons = Counter(why for _, one in found if one.verdict == verdict for why in one.why)
            yield from _table(f"why {verdict} (rules)", reasons)
        yield from _table("compared", Counter(one.outcome for _, one in found if one.outcome))
        yield f"  {sum(one.excused for _, one in found)} events break an assumption"


def _of_the_node(reports: Sequence[Report]) -> Iterator[str]:
    for name in _names(report.referee for report in reports):
        found = [report.referee[name] for report in reports if name in report.referee]
        yield from ("", f"the node, {name}: {len(found)} queries on {sum(one.events for one in found)} events")
        yield from _table("outcome", Counter(one.outcome for one in found))


def _of_upstream(reports: Sequence[Report]) -> Iterator[str]:
    for name in _names(report.upstream for report in reports):
        found = [report.upstream[name] for report in reports if name in report.upstream]
        yield from ("", f"{name}: {len(found)} rules")
        yield from _table("outcome", Counter(one.outcome for one in found))
        for outcome in ("refused", "not run"):
            reasons = (_SHOWN.sub("...", why) for one in found if one.outcome == outcome for why in one.why)
            yield from _table(outcome, Counter(reasons))
        yield from _table("differs, rules by cause", Counter(cause for one in found for cause in one.causes))
        only = Counter(" + ".join(sorted({c.rsplit(" (", 1)[0] for c in one.causes})) for one in found if one.causes)
        yield from _table("differs, rules by all their causes", only)


def _seconds(reports: Sequence[Report]) -> Iterator[str]:
    total: Counter[str] = Counter()
    for report in reports:
        total.update(report.seconds)
    yield from ("", *_table("CPU seconds", Counter({kind: round(value) for kind, value in total.items()})))


def _examples(reports: Sequence[Report], most: int) -> Iterator[str]:
    for report in [report for report in reports if report.bad][:most]:
        for name, one in (*report.ours.items(), *((f"{name} (node)", one) for name, one in report.referee.items())):
            if one.outcome in WRONG:
                yield from ("", f"{report.path}: {name}: {one.outcome}", one.example)
    seen: Counter[tuple[str, str]] = Counter()
    for report in reports:
        for name, other in report.upstream.items():
            if other.example:
                cause = next(iter(other.causes or other.why))
                seen[name, cause] += 1
                if seen[name, cause] <= most // 5:
                    yield from ("", f"{report.path}: {name}: {cause}", other.example)


def _names(found: Iterator[Mapping[str, Comparison]]) -> list[str]:
    return list(dict.fromkeys(name for one in found for name in one))


def _table(title: str, counts: Counter[str]) -> Iterator[str]:
    if counts:
        yield f"  {title}"
        for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
            yield f"{count:8} {name}"
