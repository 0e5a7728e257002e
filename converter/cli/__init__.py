"""The command line: verbs, arguments, output, exit status. Other packages do the work.

    argv ──click──> verb ──> public functions ──> stdout: data; stderr: everything else ──> exit status

The verbs import slow modules where they use them, so that `--version` and `--help` are quick.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from converter.cli import streams
from converter.cli.check import check
from converter.cli.common import BROKEN_PIPE, BUG, INTERRUPTED, OK, WRONG_USAGE, App, exit_status, explain, write_trace
from converter.cli.convert import convert
from converter.cli.evaluate import evaluate
from converter.cli.options import config_option, debug_option
from converter.cli.run import run
from converter.cli.targets import targets
from converter.cli.test import test
from converter.errors import ConfigurationError, SourceError, suggest
from converter.isolation import BUGS, internal_error
from converter.report.console import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "sigma-convert"
_GROUP_FLAGS = ("--debug", "--no-config", "--version", "--help", "-h")


class _BareConvert(click.Group):
    """A group of verbs; without a verb, `convert` runs."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert `convert` before arguments that do not begin with a verb."""
        flags = 0
        while flags < len(args) and args[flags] in _GROUP_FLAGS:
            flags += 1
        if flags < len(args) and args[flags] not in self.commands:
            self._check_verb(args[flags], ctx)
            args = [*args[:flags], "convert", *args[flags:]]
        return super().parse_args(ctx, args)

    def _check_verb(self, word: str, ctx: click.Context) -> None:
        """Raise UsageError for a word that is not a file but resembles a verb."""
        if word.startswith("-") or os.path.exists(word):  # noqa: PTH110  a word with a zero byte is not a path, and no error either
            return
        hint = suggest(word, self.commands)
        if hint:
            raise click.UsageError(f"no such verb or file: {word} ({hint})", ctx)


def _version(ctx: click.Context, _param: click.Parameter, requested: bool) -> None:  # noqa: FBT001  as click calls it
    if requested and not ctx.resilient_parsing:
        from importlib.metadata import version  # noqa: PLC0415  slow to import

        click.echo(f"{PROGRAM} {version(PROGRAM)}")
        ctx.exit()


@click.group(
    cls=_BareConvert,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Without a verb, sigma-convert converts: sigma-convert --target splunk rules/",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
@config_option
@debug_option
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Convert Sigma rules to Splunk and Elastic queries, and test on logs that they raise the same alerts."""
    ctx.ensure_object(App)


for _verb in (convert, check, evaluate, run, test, targets):
    cli.add_command(_verb)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status, which docs/cli.md explains.

    Args:
        arguments: without the name of the program; None: those of the process.
    """
    if "_SIGMA_CONVERT_COMPLETE" in os.environ:  # a shell asks for completions
        cli.main(prog_name=PROGRAM)
    given = list(sys.argv[1:] if arguments is None else arguments)
    app = App()
    streams.prepare()
    try:
        status = _run(given, app)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has stopped; discard what is still in the buffer
        streams.discard()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except OSError as error:
        return _fail(ConfigurationError(_system_message(error)))
    return status


def _run(arguments: list[str], app: App) -> int:
    try:
        with cli.make_context(PROGRAM, arguments or ["--help"], obj=app) as ctx:
            status: Any = cli.invoke(ctx)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except BrokenPipeError:
        raise
    except (OSError, click.ClickException, SourceError) as error:
        _show_trace(app)
        if isinstance(error, OSError):
            raise
        if isinstance(error, SourceError):
            explain(error)
            return exit_status(error)
        shown = StringIO()
        error.show(shown)
        for line in shown.getvalue().splitlines():
            click.echo(printable(line), err=True)  # an argument may be the name of a stranger's file
        return WRONG_USAGE
    except BUGS as bug:
        _show_trace(app)
        explain(internal_error(bug))
        return BUG
    return status if isinstance(status, int) else OK


def _show_trace(app: App) -> None:
    """Show the traceback of the exception that is being handled, if --debug asks for it."""
    if app.debug:
        import traceback  # noqa: PLC0415  slow to import

        write_trace(traceback.format_exc())


def _fail(error: SourceError) -> int:
    """End the program because of the system; what is buffered is lost. If that cannot be said, the status tells."""
    streams.discard()
    with suppress(OSError):
        explain(error)
    return exit_status(error)


def _system_message(error: OSError) -> str:
    """Return in a sentence what the system did not let us do."""
    try:
        Path.cwd()
    except OSError:
        return "the current folder does not exist any more"
    reason = error.strerror or str(error)
    return f"cannot use {error.filename}: {reason}" if error.filename else f"cannot write the output: {reason}"
