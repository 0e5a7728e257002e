"""`sigma-convert targets`: the targets, each with its language, formats and options."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from converter.cli.common import OK, emit
from converter.cli.options import debug_option
from converter.report.layout import Grid, Line, write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.targets.core.target import Target


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="text (default) or json.")
@debug_option
def targets(form: str) -> int:
    """List the targets, with their languages, formats and options."""
    from converter.report.alerts import to_json  # noqa: PLC0415
    from converter.targets.core.registry import list_targets  # noqa: PLC0415  slow to import

    known = list_targets()
    if form == "json":
        emit([to_json([_row(name, target) for name, target in sorted(known.items())], indent=True)])
    else:
        write([_table(known)], sys.stdout)
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


def _table(known: Mapping[str, Target]) -> Grid:
    """Return a row for each target, our own first, and below it a row for each format and option."""
    rows: list[tuple[Line, Line, Line]] = []
    for name, target in sorted(known.items(), key=lambda item: (":" in item[0], item[0])):
        rows.append((Line(name, "bold"), Line(target.language), Line(target.description)))
        for noun, entries in (("format", target.formats), ("option", target.options)):
            rows.extend((Line(""), Line(f"{noun} {key}"), Line(meaning)) for key, meaning in entries.items())
    return Grid(rows)
