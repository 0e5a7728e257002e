"""`sigma-convert targets`: the table of targets."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from converter.cli.common import OK, debug_option, emit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from converter.targets.core.target import Target


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="text (default) or json.")
@debug_option
def targets(form: str) -> int:
    """List what rules can be converted to: languages, formats, options."""
    from converter.report.alerts import to_json  # noqa: PLC0415
    from converter.targets.core.registry import list_targets  # noqa: PLC0415  slow to import

    found = list_targets()
    if form == "json":
        emit([to_json([_row(name, target) for name, target in sorted(found.items())], indent=True)])
    else:
        emit(_table(found))
    return OK


def _row(name: str, target: Target) -> dict[str, object]:
    return {
        "name": name,
        "language": target.language,
        "product": target.product,
        "description": target.description,
        "suffix": target.suffix,
        "formats": dict(target.formats),
        "options": dict(target.options),
    }


def _table(found: Mapping[str, Target]) -> Iterator[str]:
    ordered = sorted(found.items(), key=lambda item: (":" in item[0], item[0]))
    left = max((len(name) for name, _ in ordered), default=0)
    middle = max((len(target.language) for _, target in ordered), default=0)
    for name, target in ordered:
        yield f"{name.ljust(left)}  {target.language.ljust(middle)}  {target.description}"
        for what, entries in (("format", target.formats), ("option", target.options)):
            for key, description in entries.items():
                indent = " " * (left + 2)
                yield from textwrap.wrap(
                    f"{what} {key}: {description}", 110, initial_indent=indent, subsequent_indent=f"{indent}  "
                )
