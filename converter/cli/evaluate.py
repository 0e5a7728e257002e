"""`sigma-convert eval`: rules on raw logs, by the reference evaluator.

RULE... ──load──> plans; FILE... ──read──> events ──evaluate──> alerts ──> text | ndjson | json
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from converter.cli.common import BAD_INPUT, OK, App, counted, emit, explain, not_rules, note, status_of, tally, warn
from converter.cli.inputs import check_stdout
from converter.cli.log_messages import LogErrors, LogsSaid, event_name
from converter.cli.options import (
    LogsCommand,
    check_stdin,
    config_option,
    debug_option,
    exclude_option,
    limit_option,
    logs_option,
    rule_argument,
    trust_option,
    trusted_pipelines,
)
from converter.report.layout import write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from converter.cli.unjudged import Unjudged
    from converter.errors import SourceError
    from converter.logsources import ByLogsource, Select
    from converter.plan import nodes as ir
    from converter.readers.envelopes import Stays
    from converter.readers.logs import LogEvent
    from converter.reference.evaluate import Alert


@click.command("eval", cls=LogsCommand)
@logs_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "ndjson", "json"]),
    default="text",
    help="text (default), ndjson (one alert a line) or json (one object).",
)
@click.option(
    "-p",
    "--pipeline",
    "pipelines",
    multiple=True,
    metavar="PIPELINE",
    help="A pipeline that expands placeholders in the rules; its other transformations are ignored.",
)
@trust_option
@click.option(
    "--no-logsource",
    is_flag=True,
    help="Evaluate every rule on every event, whatever its log source.",
)
@exclude_option
@limit_option
@config_option
@debug_option
@rule_argument
@click.pass_obj
def evaluate(
    app: App,
    *,
    rules: tuple[str, ...],
    logs: tuple[str, ...],
    form: str,
    pipelines: tuple[str, ...],
    no_logsource: bool,
    exclude: tuple[str, ...],
) -> int:
    """Evaluate rules on raw logs with the reference evaluator.

    RULE is a file, a folder, or - for standard input. A rule is evaluated on events of its log source, and on events
    whose log source is unknown.
    """
    from converter.cli.absent_fields import AbsentFields  # noqa: PLC0415  only for this verb
    from converter.cli.unjudged import Unjudged  # noqa: PLC0415
    from converter.logsources import all_rules  # noqa: PLC0415
    from converter.plan import nodes as ir  # noqa: PLC0415
    from converter.reference.evaluate import evaluate_plans  # noqa: PLC0415  slow to import
    from converter.report.alerts import shortened  # noqa: PLC0415
    from converter.rules.load import load_rules  # noqa: PLC0415

    check_stdin(rules, logs)
    check_stdout({"the log": logs, "the pipeline": pipelines}, rules)
    errors: list[SourceError] = []
    loaded = load_rules(rules, on_error=errors.append, exclude=exclude or app.settings.exclude).expanded(
        trusted_pipelines(pipelines), errors.append
    )
    for error in (*errors, *loaded.warnings):
        explain(error)
    for plan in loaded.plans:
        for sentence in ir.notes_of(plan):
            note(sentence)
    if not loaded.plans:
        note("no rules to evaluate")
        return status_of(errors) or BAD_INPUT
    started = perf_counter()
    absent = AbsentFields(loaded.plans)
    reading = _Reading(logs, absent.are_in_document)
    tried = _Tried()
    choose = all_rules if no_logsource else tried.select

    def select(detections: Sequence[ir.Detection]) -> Select:
        chosen = choose(detections)

        def look(event: Mapping[str, Any]) -> tuple[Mapping[str, Any], Sequence[ir.Detection]]:
            seen = chosen(event)
            absent.see(seen[0])
            return seen

        return look

    unjudged: list[str] = []
    limited = Unjudged(loaded.plans)

    def fail(plan: ir.Plan, error: SourceError) -> None:
        unjudged.append(plan.meta.key)
        errors.append(error)
        explain(error)

    alerts = evaluate_plans(
        loaded.plans,
        reading.events(),
        on_timeless=reading.timeless,
        select=select,
        on_error=fail,
        on_unjudged=limited.add,
    )
    seconds = perf_counter() - started
    reading.errors.close()
    _write(alerts, form, reading, unjudged, limited)
    limited.say(reading.place)
    if reading.count and tried.never:
        note(f"{counted(tried.never, 'rule')} not tried on any event: no log source fits (--no-logsource tries them)")
    reading.say()
    if not alerts:
        for message, hint in absent.report():
            warn(f"warning: {message}")
            if hint:
                note(f"  hint: {hint}")
    evaluated = counted(len(loaded.plans) - len(unjudged), "rule")
    in_rules = f", {tally(errors)} in rules" if errors else ""
    in_rules += f", {counted(len(unjudged), 'rule')} not judged ({shortened(unjudged)})" if unjudged else ""
    if left_out := not_rules(loaded.warnings):
        note(left_out)
    note(
        f"{counted(reading.count, 'event')} read{reading.errors.summary()}, "
        f"{evaluated} evaluated{in_rules}{limited.summary()}, {counted(len(alerts), 'alert')} in {seconds:.2f} s"
    )
    return status_of(errors) or (BAD_INPUT if reading.errors.count or limited else OK)


def _write(alerts: list[Alert], form: str, reading: _Reading, unjudged: Sequence[str], limited: Unjudged) -> None:
    from converter.report.alerts import alerts_text, ndjson, to_json  # noqa: PLC0415

    rows = (alert.as_row() for alert in alerts)
    if form == "ndjson":
        emit(ndjson(rows))
    elif form == "json":
        limits = limited.as_rows()
        report = {
            "alerts": list(rows),
            "events": reading.count,
            "skipped": reading.errors.skipped,
            "not_judged": [*unjudged, *(row["rule"] for row in limits)],
        }
        if limits:
            report["limits"] = limits
        emit([to_json(report, indent=True)])
    else:
        write(alerts_text(alerts), sys.stdout)


class _Tried:
    """Remembers which rules were tried on an event: a rule that never is would find nothing without a word."""

    def __init__(self) -> None:
        self._selected: ByLogsource | None = None

    def select(self, rules: Sequence[ir.Detection]) -> ByLogsource:
        from converter.logsources import by_logsource  # noqa: PLC0415

        self._selected = by_logsource(rules)
        return self._selected

    @property
    def never(self) -> int:
        """How many rules were tried on no event at all."""
        return len(self._selected.untried) if self._selected is not None else 0


class _Reading:
    """Reads logs once, shows their errors, and remembers the place of each event."""

    def __init__(self, logs: tuple[str, ...], stays: Stays) -> None:
        self._stays = stays
        self.errors = LogErrors()
        self.count = 0
        self._logs = logs
        # The line of each event and where each file begins: compact, because a log may have many millions of events.
        self._lines = array("Q")
        self._starts: list[int] = []
        self._paths: list[str] = []
        self._said = LogsSaid(logs)

    def say(self) -> None:
        """Say what was opened, and which logs are empty."""
        self._said.say(self._paths, self.errors)

    def events(self) -> Iterator[dict[str, Any]]:
        from converter.readers.logs import read_logs  # noqa: PLC0415

        event: LogEvent
        for event in read_logs(
            self._logs,
            self.errors,
            raw=True,
            stays=self._stays,
            on_opened=self._said.opened,
            on_change=self.errors.changed,
        ):
            self.count += 1
            name = event_name(event, self._logs)
            if name != self.count and not isinstance(event.data.get("_id"), str | int):
                event.data["_id"] = name
            if not self._paths or self._paths[-1] != event.path:
                self._starts.append(len(self._lines))
                self._paths.append(event.path)
            self._lines.append(event.line)
            yield event.data

    def timeless(self, position: int, event: Mapping[str, Any]) -> None:
        """Show the error of an event that a correlation would count, but that has no usable time."""
        from converter.cli.missing_times import timeless_error  # noqa: PLC0415

        path, line = self.place(position)
        self.errors(timeless_error(getattr(event, "raw", event), path, line))

    def place(self, position: int) -> tuple[str, int]:
        """Return the log and the line of an event."""
        return self._paths[bisect_right(self._starts, position - 1) - 1], self._lines[position - 1]
