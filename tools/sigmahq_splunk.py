"""Convert every rule of SigmaHQ to SPL, run it, and count where it agrees with the reference; the same for pySigma's.

    rules ──each──> plan ──> query of ours, query of pysigma:splunk ──the same events──> verdicts, agreement, causes
                       └──> events: generated, and the recorded ones of the rule

    python tools/sigmahq_splunk.py [--limit N] [--jobs N] [--upstream] [--only TEXT] [--seed N] [--show N]

The data is public and not part of the project; `../shared/data/sigmahq` holds it. Exit status 1 if a query of ours
differs and no assumption of its verdict explains it, or if one is not run by our engine.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
import tarfile
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.conversion import convert_rules
from converter.errors import QueryError, RefusedError, SourceError
from converter.facts import load_facts
from converter.harness.audit import audit, unbroken
from converter.harness.generate import events_for
from converter.harness.parallel import available_jobs, run_all
from converter.harness.replay import Log, replay
from converter.pipelines import apply, fields_of, select
from converter.plan.nodes import Detection, unexpanded
from converter.reference.values import find
from converter.registry import get_target
from converter.rules import parse_rules
from converter.targets.splunk.parse import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from converter.plan.nodes import Plan
    from converter.rules import Rules
    from converter.target import Query

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data" / "sigmahq"
LEGACY = ("deprecated", "unsupported")
OURS, UPSTREAM, WINDOWS = "splunk", "pysigma:splunk", "splunk_windows"
_QUOTED = re.compile(r"`[^`]*`|'[^']*'|/.*/|\"[^\"]*\"", re.DOTALL)


@dataclass(slots=True)
class Comparison:
    """How one query of a rule relates to it on the events."""

    verdict: str
    why: tuple[str, ...] = ()
    outcome: str = ""
    excused: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    example: str = ""


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


class Watch:
    """Adds up the seconds of each kind of work."""

    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self._last = time.process_time()

    def __call__(self, kind: str) -> None:
        """Say what has been done since the last call."""
        now = time.process_time()
        self._seconds[kind] = self._seconds.get(kind, 0.0) + now - self._last
        self._last = now


@cache
def rules() -> dict[str, str]:
    """Return the text of every rule by its path."""
    with tarfile.open(DATA / "rules.tar.gz") as archive:
        members = [member for member in archive if member.name.endswith(".yml")]
        files = {member.name.removeprefix("./"): archive.extractfile(member) for member in members}
        return {name: file.read().decode() for name, file in sorted(files.items()) if file is not None}


@cache
def recordings() -> dict[str, list[dict[str, Any]]]:
    """Return the recorded events of each rule that has any, by its path."""
    found: dict[str, list[dict[str, Any]]] = {}
    with gzip.open(DATA / "regression.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            case = json.loads(line)
            found.setdefault(case["rule_path"], []).extend(case["events"])
    return found


def flat(event: dict[str, Any]) -> dict[str, Any]:
    """Return a recorded event of Windows with Sigma's names of its fields, as an add-on for Windows has them."""
    fields: dict[str, Any] = {}
    for name, value in event["Event"]["System"].items():
        if isinstance(value, dict):
            fields |= {f"{name}_{key}": inner for key, inner in value.get("#attributes", {}).items()}
            fields |= {name: value["#text"]} if "#text" in value else {}
        else:
            fields[name] = value
    for section in ("EventData", "UserData"):
        _flatten(event["Event"].get(section) or {}, fields)
    return {"@timestamp": fields.get("TimeCreated_SystemTime"), **fields}


def _flatten(data: dict[str, Any], fields: dict[str, Any]) -> None:
    for name, value in data.items():
        if isinstance(value, dict):
            _flatten(value, fields)
        elif name not in {"xmlns", "Name"}:
            fields["Data" if name == "#text" else name] = value


def as_logged(event: dict[str, Any], plan: Detection, names: Mapping[str, str]) -> dict[str, Any] | None:
    """Return a generated event in the shape that its log source has, or None if no such event is logged.

    Args:
        event: a generated one.
        plan: its rule.
        names: the product's name of each field, in which {} is a list.
    """
    facts = load_facts("splunk", plan.logsource)
    if not facts.known:
        return event
    values = {name: found[0] for name in names if len(found := find(event, name)) == 1}
    shaped: dict[str, Any] = {"@timestamp": event["@timestamp"]}
    for name, value in values.items():
        if isinstance(value, dict | list):
            return None
        steps = names[name].split(".")
        shaped = _merged(shaped, steps, value)
    return shaped


def _merged(event: dict[str, Any], steps: Sequence[str], value: Any) -> dict[str, Any]:
    first, *rest = steps
    name = first.removesuffix("{}")
    inside = event.get(name)
    if first != name:
        inside = inside[0] if isinstance(inside, list) and inside else {}
    new = _merged(inside if isinstance(inside, dict) else {}, rest, value) if rest else value
    return {**event, name: [new] if first != name else new}


def product_names(read: Rules, plan: Detection) -> dict[str, str]:
    """Return what the pipeline that is built in calls the fields of a rule."""
    applied = apply(read.collection(), select("splunk", [plan.logsource]))
    (before,), (after,) = read.collection().rules, applied.collection.rules
    old, new = fields_of(before), [name for name in fields_of(after) if name != "sourcetype"]
    return dict(zip(old, new, strict=True))


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
    report.ours = compare(read, plan, log, watch)
    if (channel := channel_of(plan)) is not None:
        report.windows = compare(read, plan, Log([as_windows(event, channel) for event in generated]), watch, WINDOWS)
    if upstream:
        report.upstream = compare_upstream(read, plan, log, watch)
    return report


def compare(read: Rules, plan: Plan, log: Log, watch: Watch, pipeline: str | None = None) -> Comparison:
    """Convert to SPL and compare with the reference."""
    target = get_target(OURS)
    try:
        (query,) = convert_rules(read, target, pipelines=[pipeline] if pipeline else ())
    except RefusedError as error:
        return Comparison("refused", (f"{error.construct}: {general(error.message)}",))
    finally:
        watch("convert")
    found = Comparison(query.verdict.kind, tuple(dict.fromkeys(map(general, query.verdict.notes))))
    try:
        parse(query.text)
        watch("parse SPL")
        outcome, _ = replay(plan, query, target, log)
    except QueryError as error:
        found.outcome, found.example = "not run", f"{error}\n{query.text}"
        return found
    finally:
        watch("run")
    found.outcome = outcome.kind
    fair = unbroken(plan, query.verdict.assumptions, log, "splunk")
    found.excused = len(log) - len(fair)
    if outcome.kind == "disagree":
        found.example = shown(outcome.differences, query, fair)
    return found


def compare_upstream(read: Rules, plan: Detection, log: Log, watch: Watch) -> Comparison:
    """Convert with pySigma's backend and compare, on the events that break no assumption of our own query."""
    found = audit(read, plan, log, UPSTREAM)
    watch("upstream")
    text = found.query.text if found.query is not None else ""
    if found.error is not None:
        construct = f"{found.error.construct}: " if isinstance(found.error, RefusedError) else ""
        return Comparison(
            "", (construct + general(found.error.message),), found.result, example=f"{found.error}\n{text}"
        )
    shown = f"{found.example[0]}: {dict(found.example[1])}\n{text}" if found.example is not None else ""
    return Comparison("", (), found.result, 0, Counter(f"{c} ({side})" for c, side in found.causes), shown)


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


def general(sentence: str) -> str:
    """Return a sentence without what it quotes, and without names at its start."""
    sentence = _QUOTED.sub("...", sentence)
    return re.sub(r"^(the values of )?[\w.@{}-]+( and [\w.@-]+)?(?= (is|are|hold|holds|have)\b)", r"\1FIELD", sentence)


def shown(differences: Sequence[Any], query: Query, log: Log) -> str:
    """Return the first difference that no assumption explains, with the query."""
    events = {str(event["_id"]): event for event in log.events}
    for one in differences:
        for name in one.events:
            if name in events:
                return f"{one.side}: {dict(events[name])}\n{query.text}\n{'; '.join(query.verdict.notes)}"
    return f"{differences[0]}\n{query.text}"


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


def table(title: str, counts: Counter[str]) -> Iterator[str]:
    """Yield a table of counts, the largest first."""
    if counts:
        yield f"  {title}"
        for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
            yield f"{count:8} {name}"


def _queries() -> dict[str, Callable[[Report], Comparison | None]]:
    return {
        "splunk, with the pipelines that are built in": lambda report: report.ours,
        "splunk, with splunk_windows": lambda report: report.windows,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="only N rules, spread over the collection")
    parser.add_argument("--jobs", type=int, default=available_jobs(), metavar="N", help="processes")
    parser.add_argument("--upstream", action="store_true", help="the queries of pySigma's backend as well")
    parser.add_argument("--only", default="", metavar="TEXT", help="only rules whose path holds TEXT")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the generated events")
    parser.add_argument("--show", type=int, default=10, metavar="N", help="how many differences are shown of each kind")
    options = parser.parse_args(arguments)
    if not DATA.is_dir():
        sys.stderr.write(f"there is no SigmaHQ data in {DATA}\n")
        return 2
    started = time.monotonic()
    names = [name for name in rules() if options.only in name]
    if options.limit:
        names = names[:: max(1, len(names) // options.limit)][: options.limit]
    recordings()
    chunks = [names[at : at + 40] for at in range(0, len(names), 40)]

    def work(number: int) -> list[Report]:
        return [examine(name, rules()[name], seed=options.seed, upstream=options.upstream) for name in chunks[number]]

    def done(number: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{number} of {len(chunks)}")

    reports = [report for chunk in run_all(work, len(chunks), options.jobs, done) for report in chunk]
    lines = [*lines_of(reports), *(upstream_lines(reports) if options.upstream else ())]
    lines += ["", f"{time.monotonic() - started:.0f} s with {options.jobs} processes"]
    lines += examples(reports, options.show)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 1 if any(report.bad for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
