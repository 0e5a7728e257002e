"""`sigma-convert run`: a query on logs, by the local engine of its language."""

from __future__ import annotations

import sys
from pathlib import Path
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
    logs_option,
    note,
    warn,
)
from converter.errors import ConfigurationError, Place, QueryError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from converter.views import Product


@click.command(cls=LogsCommand)
@click.option(
    "--language", "-L", required=True, metavar="L", help="spl, esql, eql, kql, elastic-toml or savedsearches."
)
@logs_option
@click.option(
    "--logsource",
    metavar="PRODUCT/SERVICE",
    help="The logs are raw events of this log source, for example aws/cloudtrail; each is turned into what the "
    "product of the language has of it.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "ndjson", "json"]),
    default="ndjson",
    help="ndjson (default, a row a line), json (an array) or text.",
)
@debug_option
@click.argument("query")
def run(*, language: str, query: str, logs: tuple[str, ...], logsource: str | None, form: str) -> int:
    """Run a query on logs with the local engine of its language.

    QUERY is the text of a query, or @FILE, or @- for standard input. Logs are as the product has them, unless
    --logsource says that they are raw.
    """
    from converter.engines import find_engine  # noqa: PLC0415  slow to import
    from converter.events import read_logs  # noqa: PLC0415
    from converter.report.alerts import ndjson, rows_text, to_json  # noqa: PLC0415

    check_stdin((query,), logs)
    engine = find_engine(language)
    text, name = _read_query(query)
    look = _view(logsource, engine.product)
    started = perf_counter()
    errors = LogErrors()
    count = 0

    def events() -> Iterator[Mapping[str, Any]]:
        nonlocal count
        for count, event in enumerate(read_logs(logs, errors), 1):
            data = event.data
            if "_id" not in data:
                data["_id"] = str(count)
            yield look(data)

    try:
        rows = engine.run(text, events(), tables=None)
    except QueryError as error:
        if error.place is not None and error.place.name == "<query>":
            place = error.place
            error.place = Place(name, place.line, place.column, place.source_line, place.length)
        raise
    seconds = perf_counter() - started
    errors.close()
    match form:
        case "json":
            emit([to_json(rows, indent=True)])
        case "text":
            emit(rows_text(rows))
        case _:
            emit(ndjson(rows))
    note(f"{counted(count, 'event')} read{errors.summary()}, {counted(len(rows), 'row')} in {seconds:.2f} s")
    return BAD_INPUT if errors.count else OK


def _read_query(query: str) -> tuple[str, str]:
    """Return the text of the query and the name of where it stands."""
    if not query.startswith("@"):
        return query, "<query>"
    if query == "@-":
        return sys.stdin.read(), "<stdin>"
    path = Path(query[1:])
    try:
        return path.read_text(encoding="utf-8-sig"), str(path)
    except (OSError, UnicodeDecodeError) as bad:
        raise QueryError(f"cannot read {path}: {getattr(bad, 'strerror', None) or bad}") from None


def _view(logsource: str | None, product: Product) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    if logsource is None:
        return lambda event: event
    from converter.views import Logsource, known_logsources, view  # noqa: PLC0415

    try:
        source = Logsource.parse(logsource)
    except ValueError as bad:
        raise ConfigurationError(str(bad), hint="expected PRODUCT/SERVICE, for example aws/cloudtrail") from None
    known = known_logsources(product)
    name = f"{source.product or ''}/{source.service or ''}".lower()
    if name not in known:
        below = [one for one in known if one.startswith(name)] if source.product else []
        hint = f"did you mean {' or '.join(below)}?" if below else suggest(name, known) or f"known: {', '.join(known)}"
        warn(f"warning: {product} has no view of {source}: events are taken in field by field")
        note(f"  hint: {hint}")
    return view(product, source)
