"""`makeresults`: rows out of nothing."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.syntax import CommandNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.values import Row


@dataclass(frozen=True, slots=True)
class MakeResults(CommandNode):
    """`makeresults count=N`: rows that have the time of the search only."""

    count: int
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


def _read_makeresults(scanner: Scanner, span: Span) -> MakeResults:
    """Read `makeresults count=N`.

    Raises:
        QueryError: `annotate=t`, which names a server, or `format`, of whose rows the internal fields are not known.
    """
    count = 1
    while not scanner.at_command_end():
        start = scanner.offset
        match MAKERESULTS.option(scanner):
            case "count":
                count = scanner.integer("a number of rows")
            case "annotate":
                if scanner.boolean("annotate"):
                    raise scanner.error(
                        "annotate=t of makeresults is not supported", scanner.span(start), "it names a server"
                    )
            case "":
                raise scanner.error(f"unexpected {scanner.describe()} in makeresults")
    return MakeResults(count, span)


def _compile_makeresults(command: MakeResults, context: SearchContext) -> Stage:
    """Make rows that have nothing but the time of the run.

    Raises:
        QueryError: when run: the run was given no time.
    """

    def run(_rows: Iterable[Row]) -> Iterator[Row]:
        environment = current()
        if environment.now is None:
            raise context.error(
                "makeresults needs the time of the run, which was not given", command.span, "give now to the run"
            )
        count, most = command.count, environment.limits.rows
        if most is not None and count > most:
            environment.note(f"makeresults made {most} rows of {count} (maxresultrows)")
            count = most
        for _ in range(count):
            yield {"_time": environment.now}

    return run


MAKERESULTS = Command(
    "makeresults",
    _read_makeresults,
    _compile_makeresults,
    (MakeResults,),
    options=("count",),
    refused_options=("annotate",),
    refuses=("annotate=t of makeresults", "the option format of makeresults"),
    generating=True,
    only_first=True,
)

COMMANDS: tuple[Command[Any], ...] = (MAKERESULTS,)
