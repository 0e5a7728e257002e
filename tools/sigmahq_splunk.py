"""Convert every rule of SigmaHQ to SPL, run it, and count where it agrees with the reference; the same for pySigma's.

    rules ──each──> plan ──> query of ours, query of pysigma:splunk ──the same events──> verdicts, agreement, causes
                       └──> events: generated, and the recorded ones of the rule

    python tools/sigmahq_splunk.py [--limit N] [--jobs N] [--upstream] [--only TEXT] [--seed N] [--show N]

The data is public and not part of the project; `../shared/data/sigmahq` holds it. Exit status 1 if a query of ours
differs and no assumption of its verdict explains it, or if one is not run by our engine.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from sigmahq import Watch, compare, compare_upstream
from sigmahq_report import Report, print_report, ready

from converter.harness.replay import Log

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from converter.plan.nodes import Detection

OURS, UPSTREAM, WINDOWS = "splunk", "pysigma:splunk", "splunk_windows"


def examine(path: str, *, seed: int = 0, upstream: bool = False) -> Report:
    """Convert a rule, make events, run the queries on them and compare."""
    report = Report(path)
    watch = Watch(report.seconds)
    if (rule := ready(report, watch, "splunk", seed)) is None:
        return report
    report.ours["splunk, with the pipelines that are built in"] = compare(rule.read, rule.plan, rule.log, watch, OURS)
    if (channel := channel_of(rule.plan)) is not None:
        log = Log([as_windows(event, channel) for event in rule.generated])
        windows = compare(rule.read, rule.plan, log, watch, OURS, pipelines=[WINDOWS])
        report.ours[f"splunk, with {WINDOWS}"] = windows
    if upstream:
        report.upstream[UPSTREAM] = compare_upstream(rule.read, rule.plan, rule.log, watch, UPSTREAM)
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


def examine_some(names: Sequence[str], options: argparse.Namespace) -> list[Report]:
    """Examine rules as the command line asks for it."""
    return [examine(name, seed=options.seed, upstream=options.upstream) for name in names]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report."""
    return print_report(__doc__ or "", examine_some, arguments)


if __name__ == "__main__":
    sys.exit(main())
