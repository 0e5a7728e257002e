"""The options that several verbs have, and what they mean together with the configuration.

arguments ──*_option──> click's parameters, or the state of the run ──field_settings, chosen_pipelines──> what is used
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from converter.cli.common import App, current_app, nearby, note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from converter.cli.settings import Settings
    from converter.pipelines.given import PipelineSpec
    from converter.targets.core.target import Target

_LOGS_FLAGS = ("--logs", "-l")
_Command = TypeVar("_Command", bound="Callable[..., Any]")


def _app_flag(flag: str, attribute: str, text: str) -> Callable[[_Command], _Command]:
    """Return a decorator that adds a flag, which sets an attribute of the run's state to true."""

    def use(ctx: click.Context, _param: click.Parameter, requested: bool) -> None:  # noqa: FBT001  as click calls it
        if requested:
            setattr(ctx.ensure_object(App), attribute, True)

    return click.option(flag, is_flag=True, expose_value=False, callback=use, is_eager=True, help=text)


debug_option = _app_flag("--debug", "debug", "Show tracebacks.")
config_option = _app_flag("--no-config", "no_config", "Read no configuration, neither of the repository nor your own.")
# Only the command line trusts pipelines, never a file.
trust_option = _app_flag(
    "--trust-pipelines",
    "trust_pipelines",
    "Let the files of pipelines run code, read files and open connections; templates run as pySigma has them.",
)


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


def logs_option(command: _Command) -> _Command:
    """Add --logs."""
    return click.option(
        *_LOGS_FLAGS,
        multiple=True,
        required=True,
        metavar="FILE...",
        help="Log files: NDJSON or a JSON array, plain or gzipped; - is standard input.",
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

    return trusting(names, trusted=current_app().trust_pipelines)


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
