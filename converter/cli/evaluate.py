"""`sigma-convert eval`: what the rules say of logs, by the reference evaluator."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from converter.cli.common import (
    BAD_INPUT,
    OK,
    LogErrors,
    LogsCommand,
    check_stdin,
    counted,
    debug_option,
    emit,
    explain,
    logs_option,
    note,
    rule_argument,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from converter.errors import SourceError
    from converter.logsources import ByLogsource
    from converter.plan import nodes as ir
    from converter.readers.logs import LogEvent
    from converter.reference.evaluate import Alert


@click.command("eval", cls=LogsCommand)
@logs_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "ndjson", "json"]),
    default="text",
    help="text (default), ndjson (an alert a line) or json (one object).",
)
@click.option(
    "-p",
    "--pipeline",
    "pipelines",
    multiple=True,
    metavar="PIPELINE",
    help="A pipeline that expands placeholders of the rules; nothing else of it is applied.",
)
@click.option(
    "--no-logsource",
    is_flag=True,
    help="Try every rule on every event, whatever log source it is for.",
)
@debug_option
@rule_argument
def evaluate(
    *, rules: tuple[str, ...], logs: tuple[str, ...], form: str, pipelines: tuple[str, ...], no_logsource: bool
) -> int:
    """Evaluate rules on raw logs, without any product: the meaning that conversions are judged by.

    RULE is a file, a folder, or - for standard input. A rule is tried on events of its log source, and on events
    whose log source cannot be told.
    """
    from converter.logsources import all_rules  # noqa: PLC0415
    from converter.plan import nodes as ir  # noqa: PLC0415
    from converter.reference.evaluate import evaluate_plans  # noqa: PLC0415  slow to import
    from converter.rules.load import load_rules  # noqa: PLC0415

    check_stdin(rules, logs)
    bad_rules: list[SourceError] = []
    loaded = load_rules(rules, on_error=bad_rules.append).expanded(pipelines, bad_rules.append)
    for error in (*bad_rules, *loaded.warnings):
        explain(error)
    for plan in loaded.plans:
        for sentence in ir.notes_of(plan):
            note(sentence)
    if not loaded.plans:
        note("no rule to evaluate")
        return BAD_INPUT
    started = perf_counter()
    reading = _Reading(logs)
    tried = _Tried()
    alerts = evaluate_plans(
        loaded.plans,
        reading.events(),
        on_timeless=reading.timeless,
        select=all_rules if no_logsource else tried.select,
    )
    seconds = perf_counter() - started
    reading.errors.close()
    emit(_report(alerts, form, reading))
    if reading.count and tried.never:
        note(f"{counted(tried.never, 'rule')} not tried on any event: the log source differs (see --no-logsource)")
    failed = f", {counted(len(bad_rules), 'error')} in rules" if bad_rules else ""
    note(
        f"{counted(reading.count, 'event')} read{reading.errors.summary()}, "
        f"{counted(len(loaded.plans), 'rule')} evaluated{failed}, {counted(len(alerts), 'alert')} in {seconds:.2f} s"
    )
    return BAD_INPUT if bad_rules or reading.errors.count else OK


def _report(alerts: list[Alert], form: str, reading: _Reading) -> Iterator[str]:
    from converter.report.alerts import alerts_text, ndjson, to_json  # noqa: PLC0415

    rows = (alert.as_row() for alert in alerts)
    if form == "ndjson":
        yield from ndjson(rows)
    elif form == "json":
        yield to_json({"alerts": list(rows), "events": reading.count, "skipped": reading.errors.skipped}, indent=True)
    else:
        yield from alerts_text(alerts)


class _Tried:
    """Remembers which rules were tried on an event, since one that never is finds nothing without a word."""

    def __init__(self) -> None:
        self._selected: ByLogsource | None = None

    def select(self, rules: Sequence[ir.Detection]) -> ByLogsource:
        from converter.logsources import by_logsource  # noqa: PLC0415

        self._selected = by_logsource(rules)
        return self._selected

    @property
    def never(self) -> int:
        """How many rules were not tried on any event."""
        return len(self._selected.untried) if self._selected is not None else 0


class _Reading:
    """Reads logs once, shows what is wrong with them, and remembers where each event stands."""

    def __init__(self, logs: tuple[str, ...]) -> None:
        self.errors = LogErrors()
        self.count = 0
        self._logs = logs
        # Where each event stands, small enough for logs of many millions: lines, and where each file begins.
        self._lines = array("Q")
        self._starts: list[int] = []
        self._paths: list[str] = []

    def events(self) -> Iterator[dict[str, Any]]:
        from converter.readers.logs import read_logs  # noqa: PLC0415

        event: LogEvent
        for event in read_logs(self._logs, self.errors):
            self.count += 1
            if not self._paths or self._paths[-1] != event.path:
                self._starts.append(len(self._lines))
                self._paths.append(event.path)
            self._lines.append(event.line)
            yield event.data

    def timeless(self, position: int, event: Mapping[str, Any]) -> None:
        """Report an event that a correlation would count, and that has no usable time."""
        from converter.cli.missing_times import timeless_error  # noqa: PLC0415

        path = self._paths[bisect_right(self._starts, position - 1) - 1]
        self.errors(timeless_error(getattr(event, "raw", event), path, self._lines[position - 1]))
