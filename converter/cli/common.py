"""Helpers shared by all verbs: exit statuses, options, and how data, errors and warnings are written.

data ──emit──> standard output; errors and warnings ──explain, note, warn──> standard error
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import click

from converter.errors import (
    ConfigurationError,
    InternalError,
    LeftOutError,
    LogError,
    RuleWarning,
    SourceError,
    UnreadableLogError,
)
from converter.report.console import is_terminal, printable_json
from converter.report.layout import Line, message, write

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from converter.cli.settings import Settings
    from converter.pipelines.given import PipelineSpec
    from converter.readers.logs import Change, LogEvent
    from converter.targets.core.target import Target

OK = 0
FINDINGS = 1
BAD_INPUT = 2
WRONG_USAGE = 3
BUG = 70
INTERRUPTED = 130
BROKEN_PIPE = 141

_SHOWN_LOG_ERRORS = 10
_KEPT_LINES = 100_000
_SHOWN_RANGES = 40
_LOGS_FLAGS = ("--logs", "-l")
_Command = TypeVar("_Command", bound="Callable[..., Any]")


@dataclass(slots=True)
class App:
    """The state of one run: whether it debugs, reads configuration and trusts pipelines, and its settings."""

    debug: bool = False
    no_config: bool = False
    trust_pipelines: bool = False
    _settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        """The configuration of the folder. Raises ConfigurationError."""
        if self._settings is None:
            from converter.cli.settings import Settings, load_settings  # noqa: PLC0415  only verbs that need it

            self._settings = Settings() if self.no_config else load_settings()
            if self._settings.hiding:  # a stranger's change may have set them
                note(f"configuration {self._settings.path}: {', '.join(self._settings.hiding)}")
        return self._settings


def _set_debug(ctx: click.Context, _param: click.Parameter, requested: bool) -> None:  # noqa: FBT001  as click calls it
    if requested:
        ctx.ensure_object(App).debug = True


def debug_option(command: _Command) -> _Command:
    """Add --debug."""
    return click.option(
        "--debug", is_flag=True, expose_value=False, callback=_set_debug, is_eager=True, help="Show tracebacks."
    )(command)


def _use_limits(ctx: click.Context, _param: click.Parameter, texts: tuple[str, ...]) -> None:
    if texts:
        from converter.readers.limits import parse_limits, using  # noqa: PLC0415  seldom given

        ctx.with_resource(using(parse_limits(texts)))


def limit_option(command: _Command) -> _Command:
    """Add --limit, which holds for as long as the verb runs. Only the command line raises limits, never a file."""
    return click.option(
        "--limit",
        "limits_given",
        multiple=True,
        metavar="NAME=VALUE",
        expose_value=False,
        callback=_use_limits,
        help="Raise or lower a limit of what files may cost, such as regex-seconds=60; docs/cli.md has the names. "
        "Repeatable.",
    )(command)


def _set_no_config(ctx: click.Context, _param: click.Parameter, requested: bool) -> None:  # noqa: FBT001  as click calls it
    if requested:
        ctx.ensure_object(App).no_config = True


def config_option(command: _Command) -> _Command:
    """Add --no-config."""
    return click.option(
        "--no-config",
        is_flag=True,
        expose_value=False,
        callback=_set_no_config,
        is_eager=True,
        help="Read no configuration, neither of the repository nor your own.",
    )(command)


def rule_argument(command: _Command) -> _Command:
    """Add RULE...; the verb checks the paths, because their errors have places."""
    return click.argument("rules", nargs=-1, required=True, metavar="RULE...")(command)


def exclude_option(command: _Command) -> _Command:
    """Add --exclude."""
    return click.option(
        "--exclude",
        multiple=True,
        metavar="PATTERN",
        help="Files or folders to leave out in folders of rules: a name or a path, with * and ?.",
    )(command)


def not_rules(warnings: Iterable[RuleWarning]) -> str:
    """Return how many files of folders are not rules, or an empty string."""
    count = sum(warning.code == "not-a-rule" for warning in warnings)
    return f"{counted(count, 'file')} left out: not a Sigma rule" if count else ""


def logs_option(command: _Command) -> _Command:
    """Add --logs."""
    return click.option(
        *_LOGS_FLAGS,
        multiple=True,
        required=True,
        metavar="FILE...",
        help="Log files: NDJSON or a JSON array, plain or gzipped; - is standard input.",
    )(command)


def _trust_pipelines(ctx: click.Context, _param: click.Parameter, requested: bool) -> None:  # noqa: FBT001  as click calls it
    if requested:
        ctx.ensure_object(App).trust_pipelines = True


def trust_option(command: _Command) -> _Command:
    """Add --trust-pipelines. Only the command line says so, never a file."""
    return click.option(
        "--trust-pipelines",
        is_flag=True,
        expose_value=False,
        callback=_trust_pipelines,
        help="Let the files of pipelines run code, read files and open connections; templates run as pySigma has them.",
    )(command)


def pipeline_options(command: _Command) -> _Command:
    """Add -p, --trust-pipelines and --without-pipeline."""
    command = trust_option(command)
    command = click.option(
        "--without-pipeline", is_flag=True, help="Do not map fields: the rule uses the names of the product."
    )(command)
    return click.option(
        "-p",
        "--pipeline",
        "pipelines",
        multiple=True,
        metavar="PIPELINE",
        help="A pipeline file, or the name of a pipeline of sigma-cli, instead of the one chosen by log source.",
    )(command)


def field_options(command: _Command) -> _Command:
    """Add --strict-fields and --allow-unmapped; `allow_unmapped` checks that only one of them is given."""
    command = click.option(
        "--allow-unmapped",
        is_flag=True,
        default=None,
        help="A field without a mapping is a warning, also for targets whose product fails on unknown fields.",
    )(command)
    return click.option(
        "--strict-fields", is_flag=True, default=None, help="A field without a mapping is an error, not a warning."
    )(command)


def field_settings(settings: Settings, strict: bool | None, allow: bool | None) -> tuple[bool, bool]:  # noqa: FBT001  two flags
    """Return whether fields must be mapped, and whether they need not be; an option takes precedence over settings.

    Raises:
        UsageError: both options are given.
    """
    if strict and allow:
        raise click.UsageError("--strict-fields and --allow-unmapped cannot be used together")
    if strict or allow:
        return bool(strict), bool(allow)
    return settings.strict_fields, settings.allow_unmapped


def backend_option(command: _Command) -> _Command:
    """Add -O."""
    return click.option(
        "-O",
        "--option",
        "--backend-option",
        "options",
        multiple=True,
        metavar="KEY=VALUE",
        help="An option of a target; `sigma-convert targets` lists them.",
    )(command)


class LogsCommand(click.Command):
    """A verb whose `--logs` takes every argument up to the next option: `--logs a.ndjson b.ndjson`.

    If that leaves no argument where the verb needs one (`eval --logs a.ndjson rule.yml`), `--logs` takes only one.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments."""
        try:
            return super().parse_args(ctx, _spread(args))
        except click.MissingParameter as missing:
            if not isinstance(missing.param, click.Argument):
                raise
        ctx.params.clear()
        return super().parse_args(ctx, list(args))


def _spread(args: Sequence[str]) -> list[str]:
    """Return the arguments with `--logs` before each of its values."""
    spread: list[str] = []
    takes = False
    for arg in args:
        if arg in _LOGS_FLAGS:
            takes = True
        elif takes and (arg == "-" or not arg.startswith("-")):
            spread.extend((_LOGS_FLAGS[0], arg))
        else:
            takes = False
            spread.append(arg)
    return spread


class LogsSaid:
    """What is said of logs beside their events and errors: which envelopes were opened, and which logs are empty."""

    def __init__(self, logs: Sequence[str]) -> None:
        self._logs = logs
        self._opened: dict[str, Sequence[str]] = {}

    def opened(self, name: str, envelopes: Sequence[str]) -> None:
        """Remember the envelopes of a log."""
        self._opened[name] = envelopes

    def say(self, read: Collection[str], errors: LogErrors) -> None:
        """Say it, once all logs are read; `read` are the names of those with an event."""
        from converter.readers.logs import log_name  # noqa: PLC0415

        for name, envelopes in self._opened.items():
            note(f"{name}: opened {', '.join(envelopes)}")
        for name in map(log_name, self._logs):
            if name not in read and errors.names.isdisjoint((name, "")):
                warn(f"warning: {name} holds no event")


def chosen_pipelines(
    given: Sequence[str], settings: Settings, targets: Iterable[Target], *, without: bool = False
) -> Sequence[PipelineSpec]:
    """Return the pipelines of the command line, else of the configuration, each for the targets of its product.

    Those of a configuration are told, because the user has not named them: they may come with a stranger's change.

    Raises:
        ConfigurationError: as `for_products`.
    """
    names: Sequence[PipelineSpec] = given or settings.pipeline
    if without or not names:
        return ()
    from converter.pipelines.choose import for_products  # noqa: PLC0415  slow to import

    if not given and settings.pipeline_path is not None:
        from converter.pipelines.given import told  # noqa: PLC0415

        note(f"pipeline of {nearby(str(settings.pipeline_path))}: {', '.join(told(names, nearby))}")
    return for_products(trusted_pipelines(names), [target.product for target in targets])


def trusted_pipelines(names: Sequence[PipelineSpec]) -> Sequence[PipelineSpec]:
    """Return pipelines with the trust that --trust-pipelines gives them."""
    from converter.pipelines.given import trusting  # noqa: PLC0415

    context = click.get_current_context(silent=True)
    app = context.find_object(App) if context is not None else None
    return trusting(names, trusted=app is not None and app.trust_pipelines)


def nearby(path: str) -> str:
    """Return a path as it is seen from the current folder, if it is in it."""
    try:
        here = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118  pathlib would be imported for this alone
    except OSError:
        return path
    return path.removeprefix(here)


def check_stdin(*groups: Sequence[str]) -> None:
    """Raise UsageError if two arguments name standard input: the second would read nothing."""
    if sum(text in {"-", "@-"} for group in groups for text in group) > 1:
        raise click.UsageError("standard input can be read only once")


def parse_options(texts: Iterable[str]) -> dict[str, str]:
    """Return `key=value` texts as a mapping. Raises UsageError."""
    options: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(f"-O {text}: expected KEY=VALUE")
        options[key.strip()] = value
    return options


def explain(error: SourceError) -> None:
    """Show an error, or a warning about a rule, on standard error; with --debug the traceback of a bug."""
    write(message(error.render(), "yellow" if isinstance(error, RuleWarning | LeftOutError) else "red"), sys.stderr)
    show_trace(error)


def show_trace(error: SourceError) -> None:
    """Show the traceback of a bug, if --debug asks for it."""
    context = click.get_current_context(silent=True)
    app = context.find_object(App) if context is not None else None
    if isinstance(error, InternalError) and app is not None and app.debug:
        write((Line(line, wraps=False) for line in error.trace.splitlines()), sys.stderr)


def note(text: str) -> None:
    """Tell the user something that is not data, on standard error."""
    write([Line(text)], sys.stderr)


def warn(text: str) -> None:
    """Warn the user, on standard error."""
    write([Line(text, "yellow")], sys.stderr)


def counted(count: int, noun: str) -> str:
    """Return for example `1 query` or `2 queries`."""
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else f"{noun}s"
    return f"1 {noun}" if count == 1 else f"{count} {plural}"


def emit(lines: Iterable[str]) -> None:
    """Write lines of JSON to standard output once all are made; a terminal gets escapes for what is not printable."""
    if is_terminal(sys.stdout):
        lines = ("\n".join(map(printable_json, line.split("\n"))) for line in lines)
    stream = sys.stdout.write
    for line in list(lines):  # an error while one is made must not leave half of a report
        stream(line)
        stream("\n")


def event_name(event: LogEvent, logs: Sequence[str]) -> int | str:
    """Return what an event without an `_id` is called: its position in the log, with the log if there are several."""
    return event.position if len(logs) == 1 else f"{event.path}:{event.position}"


def exit_status(error: SourceError) -> int:
    """Return the exit status for an error."""
    if isinstance(error, InternalError):
        return BUG
    return WRONG_USAGE if isinstance(error, ConfigurationError) else BAD_INPUT


def status_of(errors: Iterable[SourceError]) -> int:
    """Return the exit status for errors of items, beside which everything else was done; warnings do not count."""
    return max((exit_status(error) for error in errors if not isinstance(error, RuleWarning)), default=OK)


def tally(errors: Iterable[SourceError]) -> str:
    """Return how many errors there are, how many of them are bugs, and how many rules are left out because of them."""
    given = [error for error in errors if not isinstance(error, RuleWarning)]
    left_out = sum(isinstance(error, LeftOutError) for error in given)
    bugs = sum(isinstance(error, InternalError) for error in given)
    text = counted(len(given) - left_out, "error")
    text += f" ({counted(bugs, 'internal error')})" if bugs else ""
    return text + (f", {counted(left_out, 'rule')} left out because of them" if left_out else "")


def _ranges(lines: Sequence[int]) -> str:
    """Return numbers of lines, such as `3,7-9`; of many ranges only the first."""
    ranges: list[list[int]] = []
    for line in sorted(set(lines)):
        if ranges and ranges[-1][1] == line - 1:
            ranges[-1][1] = line
        else:
            ranges.append([line, line])
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in ranges[:_SHOWN_RANGES]]
    return ",".join([*shown, "..."] if len(ranges) > _SHOWN_RANGES else shown)


@dataclass(slots=True)
class LogErrors:
    """Shows the first errors in logs, and counts all.

    Attributes:
        count: all errors.
        unread: logs that could not be read to the end: how many events they still hold is not known.
        names: the logs that have errors; an empty string stands for one whose error has no place.
    """

    count: int = 0
    unread: int = 0
    shown: int = _SHOWN_LOG_ERRORS
    names: set[str] = field(default_factory=set)
    _hidden: int = 0
    _hidden_lines: dict[str, list[int]] = field(default_factory=dict)
    _changed: int = 0

    def __call__(self, error: LogError) -> None:
        """Show and count an error."""
        if self.count < self.shown or isinstance(error, UnreadableLogError):
            explain(error)
        else:
            self._hidden += 1
            if error.place is not None and self._hidden < _KEPT_LINES:
                self._hidden_lines.setdefault(error.place.name, []).append(error.place.line)
        self.count += 1
        self.names.add(error.place.name if error.place is not None else "")
        self.unread += isinstance(error, UnreadableLogError)

    def changed(self, change: Change) -> None:
        """Say what was changed in an event so that it could be read, for the first of them, and count it."""
        if self._changed < self.shown:
            note(f"{change.path}:{change.line}: note: {'; '.join(change.sentences)}")
        self._changed += 1

    @property
    def skipped(self) -> int:
        """How many lines or events were skipped."""
        return self.count - self.unread

    def summary(self) -> str:
        """Return what follows the number of events that were read."""
        changed = f", {self._changed} with a value that is read as another" if self._changed else ""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return changed + skipped + (f", {counted(self.unread, 'log')} not read to the end" if self.unread else "")

    def close(self) -> None:
        """Say how many errors were not shown, and in which lines they are."""
        if self._hidden:
            lines = "; ".join(f"{name}:{_ranges(lines)}" for name, lines in self._hidden_lines.items())
            note(f"... and {self._hidden} more errors in the logs{': ' if lines else ''}{lines}")
        if self._changed > self.shown:
            note(f"... and {self._changed - self.shown} more notes on the logs")
