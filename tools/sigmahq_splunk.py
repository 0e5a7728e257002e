"""Convert every rule of SigmaHQ to SPL, run it, and count where it agrees with the reference; the same for pySigma's.

    rules ──each──> plan ──> query of ours, query of pysigma:splunk ──the same events──> verdicts, agreement, causes
                       └──> events: generated, and the recorded ones of the rule

    python tools/sigmahq_splunk.py [--limit N] [--jobs N] [--upstream] [--only TEXT] [--seed N] [--show N]

The data is public and not part of the project; `../shared/data/sigmahq` holds it. Exit status 1 if a query of ours
differs and no assumption of its verdict explains it, or if one is not run by our engine.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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

from converter.errors import RefusedError, SourceError
from converter.harness.generate import events_for
from converter.harness.replay import Log
from converter.plan.nodes import Detection, unexpanded
from converter.rules import parse_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

OURS, UPSTREAM, WINDOWS = "splunk", "pysigma:splunk", "splunk_windows"


@dataclass(slots=True)
class Report:
    """What was found of one rule."""

    path: str
    unread: str = ""
    generated: int = 0
    recorded: int = 0
    matching: int = 0
    ours: Comparison | None = None
    windows: Comparison | None = None
    upstream: Comparison | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The top folder of the collection that the rule is in."""
        return self.path.split("/", 1)[0]

    @property
    def bad(self) -> bool:
        """Whether a query of ours differs, or is not run."""
        found = (self.ours, self.windows)
        return any(one is not None and one.outcome in {"disagree", "not run"} for one in found)


def examine(path: str, text: str, *, seed: int = 0, upstream: bool = False) -> Report:
    """Convert a rule, make events, run the queries on them and compare."""
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
    log.seen("splunk", plan)
    watch("view")
    report.ours = compare(read, plan, log, watch, OURS)
    if (channel := channel_of(plan)) is not None:
        windows = Log([as_windows(event, channel) for event in generated])
        report.windows = compare(read, plan, windows, watch, OURS, pipelines=[WINDOWS])
    if upstream:
        report.upstream = compare_upstream(read, plan, log, watch, UPSTREAM)
    return report


def channel_of(plan: Detection) -> str | None:
    """Return the source that pySigma's pipeline asks for in Splunk, if the rule is of a service of Windows."""
    from sigma.pipelines.common import windows_logsource_mapping  # noqa: PLC0415  only some rules need it

    if plan.logsource.product != "windows" or plan.logsource.service is None:
        return None
    channel = windows_logsource_mapping.get(plan.logsource.service)
    return channel if channel is None or isinstance(channel, str) else str(channel[0])


def as_windows(event: dict[str, Any], channel: str) -> dict[str, Any]:
    """Return an event with the fields that the pipeline takes from Splunk's add-on: the source, and EventCode."""
    code = {"EventCode": event["EventID"]} if "EventID" in event else {}
    return {**event, "source": f"WinEventLog:{channel}", **code}


# --------------------------------------------------------------------------------------------------------- the report


def lines_of(reports: Sequence[Report]) -> Iterator[str]:
    """Yield the report of our target."""
    read = [report for report in reports if not report.unread]
    current = [report for report in read if report.folder not in LEGACY]
    yield f"{len(reports)} rules, {len(read)} with a plan, {len(current)} of these not in {', '.join(LEGACY)}"
    yield from table("no plan", Counter(f"{general(one.unread)} ({one.folder})" for one in reports if one.unread))
    generated, recorded = (sum(getattr(one, name) for one in read) for name in ("generated", "recorded"))
    both = sum(0 < one.matching < one.generated + one.recorded for one in read)
    yield f"{generated} generated events, {recorded} recorded ones; {sum(one.matching for one in read)} match"
    yield f"{both} rules of {len(read)} have events that match and events that do not"
    for report in read:
        if not 0 < report.matching < report.generated + report.recorded:
            yield f"  {'all' if report.matching else 'none'} match: {report.path}"
    for name, choose in _queries().items():
        found = [(report, one) for report in read if (one := choose(report)) is not None]
        if not found:
            continue
        yield ""
        yield f"{name}: {len(found)} rules"
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


def upstream_lines(reports: Sequence[Report]) -> Iterator[str]:
    """Yield the report of pySigma's backend."""
    found = [one.upstream for one in reports if one.upstream is not None]
    yield ""
    yield f"{UPSTREAM}: {len(found)} rules"
    yield from table("outcome", Counter(one.outcome for one in found))
    for outcome in ("refused", "not run"):
        yield from table(outcome, Counter(why for one in found if one.outcome == outcome for why in one.why))
    yield from table("differs, rules by cause", Counter(cause for one in found for cause in one.causes))
    only = Counter(" + ".join(sorted({c.rsplit(" (", 1)[0] for c in one.causes})) for one in found if one.causes)
    yield from table("differs, rules by all their causes", only)


def examples(reports: Sequence[Report], most: int) -> Iterator[str]:
    """Yield events that show differences: of ours the first ones, of the other backend some of each cause."""
    for report in [report for report in reports if report.bad][:most]:
        for one in (report.ours, report.windows):
            if one is not None and one.example:
                yield from ("", f"{report.path}: {one.outcome}", one.example)
    seen: Counter[str] = Counter()
    for report in reports:
        other = report.upstream
        if other is None or not other.example:
            continue
        cause = next(iter(other.causes or other.why))
        seen[cause] += 1
        if seen[cause] <= most // 5:
            yield from ("", f"{report.path}: {cause}", other.example)


def _queries() -> dict[str, Callable[[Report], Comparison | None]]:
    return {
        "splunk, with the pipelines that are built in": lambda report: report.ours,
        "splunk, with splunk_windows": lambda report: report.windows,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report."""
    options = arguments_of(__doc__ or "").parse_args(arguments)
    if not DATA.is_dir():
        sys.stderr.write(f"there is no SigmaHQ data in {DATA}\n")
        return 2
    started = time.monotonic()

    def some(names: Sequence[str]) -> list[Report]:
        return [examine(name, rules()[name], seed=options.seed, upstream=options.upstream) for name in names]

    reports = examine_all(chosen(options), some, options.jobs)
    lines = [*lines_of(reports), *(upstream_lines(reports) if options.upstream else ())]
    lines += ["", f"{time.monotonic() - started:.0f} s with {options.jobs} processes"]
    lines += examples(reports, options.show)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 1 if any(report.bad for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
