"""`sigma-convert run`: a query on logs, by the local engine of its language.

FILE... ──read──> events ──view of the product, with --logsource──> engine ──> rows ──> ndjson | json | text
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from converter.cli.common import BAD_INPUT, OK, counted, emit, note, warn
from converter.cli.inputs import check_stdout
from converter.cli.log_messages import LogErrors, LogsSaid, event_name
from converter.cli.options import LogsCommand, check_stdin, debug_option, limit_option, logs_option
from converter.errors import ConfigurationError, Place, QueryError, suggest
from converter.readers.whole_file import read_file, read_stream
from converter.report.layout import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from converter.errors import LogError
    from converter.readers.logs import LogEvent

_SEARCHES = ("spl", "kql")  # languages in which a string is a query
_NUMBER = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,9})?")


@click.command(cls=LogsCommand)
@click.option(
    "--language",
    "-L",
    required=True,
    metavar="L",
    help="spl, esql, eql or kql; or a file: elastic-toml, savedsearches or contentctl.",
)
@logs_option
@click.option(
    "--logsource",
    metavar="PRODUCT/SERVICE",
    help="The logs are raw events of this log source, such as aws/cloudtrail: convert each to the event that the "
    "product of the language stores.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "ndjson", "json"]),
    default="ndjson",
    help="ndjson (default, one row a line), json (an array) or text.",
)
@click.option(
    "--table",
    "tables",
    multiple=True,
    metavar="NAME=FILE",
    help="Rows that the query can read under a name, as a lookup or another index: CSV, or as logs. Repeatable.",
)
@click.option(
    "--macros",
    multiple=True,
    metavar="FILE",
    help="spl: a macros.conf with the macros that the query calls. Repeatable; a later file wins.",
)
@click.option(
    "--now",
    metavar="TIME",
    help="spl: the time of the search, for relative times: ISO 8601, or seconds since 1970.",
)
@click.option("--no-limits", is_flag=True, help="spl: keep all results where Splunk truncates them by default.")
@limit_option
@debug_option
@click.argument("query")
def run(
    *,
    language: str,
    query: str,
    logs: tuple[str, ...],
    logsource: str | None,
    form: str,
    tables: tuple[str, ...],
    macros: tuple[str, ...],
    now: str | None,
    no_limits: bool,
) -> int:
    """Run a query on logs with the local engine of its language.

    QUERY is the text of a query, or @FILE, or @- for standard input. The logs hold events as the product stores them;
    with --logsource they hold raw events.
    """
    from converter.targets.core.engines import find_engine  # noqa: PLC0415  slow to import

    check_stdin((query,), logs)
    check_stdout(
        {
            "the log": logs,
            "the query": [query[1:]] if query.startswith("@") else [],
            "the table": [table.partition("=")[2] for table in tables],
            "the file": macros,
        }
    )
    engine = find_engine(language)
    text, name = _read_query(query, language)
    reading = _Reading(logs, _view(logsource, engine.product), raw=logsource is not None)
    macro_files = {path: _read_text(Path(path)) for path in macros}
    clock = None if now is None else _time(now)
    rows_by_name = _read_tables(tables)
    started = perf_counter()
    notes: list[str] = []
    try:
        rows = engine.run(
            text,
            reading.events(),
            tables=rows_by_name,
            macros=macro_files or None,
            now=clock,
            limits=not no_limits,
            on_note=notes.append,
            on_error=reading.unusable,
        )
    except QueryError as error:
        if error.place is not None and error.place.name == "<query>":
            error.place = replace(error.place, name=name)
        raise
    seconds = perf_counter() - started
    reading.errors.close()
    for sentence in notes:
        warn(f"warning: {sentence}")
    _write(rows, form)
    summary = f"{counted(reading.count, 'event')} read{reading.errors.summary()}"
    note(f"{summary}, {counted(len(rows), 'row')} in {seconds:.2f} s")
    return BAD_INPUT if reading.errors.count else OK


@dataclass(slots=True)
class _Reading:
    """Reads logs once, as events of the product, and counts the events and the errors; `raw` as of `read_logs`."""

    logs: tuple[str, ...]
    convert: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    raw: bool
    count: int = 0
    errors: LogErrors = field(default_factory=LogErrors)
    names: set[str] = field(default_factory=set)
    _last: LogEvent | None = None

    def unusable(self, error: LogError) -> None:
        """Show the error of an event that the engine cannot use, the one that it has taken last, and count it."""
        if error.place is None and self._last is not None:
            error.place = Place(self._last.path, self._last.line, 1, "")
        self.errors(error)

    def events(self) -> Iterator[Mapping[str, Any]]:
        """Yield the events; one without `_id` gets its position in the log."""
        from converter.readers.logs import read_logs  # noqa: PLC0415

        said = LogsSaid(self.logs)
        for event in read_logs(
            self.logs, self.errors, raw=self.raw, on_opened=said.opened, on_change=self.errors.changed
        ):
            self.count += 1
            self.names.add(event.path)
            self._last = event
            if not isinstance(event.data.get("_id"), str | int):
                event.data["_id"] = str(event_name(event, self.logs))
            yield self.convert(event.data)
        said.say(self.names, self.errors)


def _write(rows: Sequence[Mapping[str, Any]], form: str) -> None:
    from converter.report.alerts import ndjson, rows_text, to_json  # noqa: PLC0415

    match form:
        case "json":
            emit([to_json(rows, indent=True)])
        case "text":
            write(rows_text(rows), sys.stdout)
        case _:
            emit(ndjson(rows))


def _read_query(query: str, language: str) -> tuple[str, str]:
    """Return the text of the query, and the name of its source for errors. Raises ConfigurationError, QueryError."""
    if not query.startswith("@"):
        if _is_file(query):
            words = f""", or '"{query}"' to search for these words""" if language in _SEARCHES else ""
            hint = f"write '@{query}' to run the query in it{words}"
            raise ConfigurationError(f"the query is the name of a file: {query}", hint=hint)
        return query, "<query>"
    if query == "@-":
        return _read_stdin(), "<stdin>"
    path = Path(query[1:])
    return _read_text(path), str(path)


def _read_stdin() -> str:
    try:
        return read_stream(sys.stdin.buffer).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"cannot read <stdin>: {getattr(error, 'strerror', None) or error}") from None


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or with a zero byte
        return False


def _read_text(path: Path) -> str:
    from converter.readers.scope import ScopeError, check_named  # noqa: PLC0415

    try:
        check_named(path)
        return read_file(path).decode("utf-8-sig")
    except ScopeError as error:
        raise QueryError(f"{path} {error}", hint=error.hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None


def _read_tables(options: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each NAME=FILE. Raises UsageError, LogError."""
    from converter.readers.lookup_tables import read_table  # noqa: PLC0415

    tables: dict[str, list[dict[str, Any]]] = {}
    for option in options:
        name, equals, path = option.partition("=")
        if not equals or not name.strip() or not path:
            raise click.UsageError(f"--table {option}: expected NAME=FILE")
        if name.strip() in tables:
            raise click.UsageError(f"--table {name.strip()} is given twice")
        tables[name.strip()] = read_table(path)
    return tables


def _time(text: str) -> float:
    """Return seconds since 1970. Raises UsageError."""
    from datetime import UTC, datetime  # noqa: PLC0415

    try:
        if _NUMBER.fullmatch(text):
            return float(text)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise click.UsageError(
            f"--now {text}: expected ISO 8601, such as 2024-05-01T12:00:00Z, or seconds since 1970"
        ) from None


def _view(logsource: str | None, product: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Return what makes an event of the product from an event of a log. Raises ConfigurationError."""
    if logsource is None:
        return lambda event: event
    from converter.products.core import get_product  # noqa: PLC0415
    from converter.readers.log_source import LogSource  # noqa: PLC0415

    try:
        source = LogSource.parse(logsource)
    except ValueError as error:
        raise ConfigurationError(str(error), hint="expected PRODUCT/SERVICE, such as aws/cloudtrail") from None
    known = get_product(product).logsources()
    name = f"{source.product or ''}/{source.service or ''}".lower()
    if name not in known:
        below = [other for other in known if other.startswith(name)] if source.product else []
        hint = f"did you mean {' or '.join(below)}?" if below else suggest(name, known) or f"known: {', '.join(known)}"
        warn(f"warning: {product} has no view of {source}: each field is taken as it is")
        note(f"  hint: {hint}")
    return get_product(product).view(source)
