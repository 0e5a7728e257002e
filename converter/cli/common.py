"""Helpers shared by all verbs: the state of a run, exit statuses, and how data, errors and warnings are written.

data ──emit──> standard output; errors and warnings ──explain, note, warn──> standard error
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from converter.errors import ConfigurationError, InternalError, LeftOutError, RuleWarning, SourceError
from converter.report.console import is_terminal, printable_json
from converter.report.layout import Line, message, write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from converter.cli.settings import Settings

OK = 0
FINDINGS = 1
BAD_INPUT = 2
WRONG_USAGE = 3
BUG = 70
INTERRUPTED = 130
BROKEN_PIPE = 141


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


def current_app() -> App:
    """Return the state of the run; that of a run without options, if there is none."""
    context = click.get_current_context(silent=True)
    return (context.find_object(App) if context is not None else None) or App()


def not_rules(warnings: Iterable[RuleWarning]) -> str:
    """Return how many files of folders are not rules, or an empty string."""
    count = sum(warning.code == "not-a-rule" for warning in warnings)
    return f"{counted(count, 'file')} left out: not a Sigma rule" if count else ""


def nearby(path: str) -> str:
    """Return a path as it is seen from the current folder, if it is in it."""
    try:
        here = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118  pathlib would be imported for this alone
    except OSError:
        return path
    return path.removeprefix(here)


def explain(error: SourceError) -> None:
    """Show an error, or a warning about a rule, on standard error; with --debug the traceback of a bug."""
    write(message(error.render(), "yellow" if isinstance(error, RuleWarning | LeftOutError) else "red"), sys.stderr)
    show_trace(error)


def show_trace(error: SourceError) -> None:
    """Show the traceback of a bug, if --debug asks for it."""
    if isinstance(error, InternalError) and current_app().debug:
        write_trace(error.trace)


def write_trace(trace: str) -> None:
    """Write a traceback to standard error."""
    write((Line(line, wraps=False) for line in trace.splitlines()), sys.stderr)


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
