"""The commands of SPL that this engine does not run: known by name, read as text, refused when compiled.

    NAMES - names of the table ──refused_commands──> Command ──> Unsupported("outputlookup", "t.csv") ──> QueryError

A pipe ends such a command unless it stands in quotes, in a comment or in square brackets.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from converter.readers.source import Span
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.language.syntax import Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterable

    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner

# Every command of Splunk and of its Machine Learning Toolkit, whether this engine runs it or not.
NAMES = frozenset(
    """
    abstract accum addcoltotals addinfo addtotals analyzefields anomalies anomalousvalue anomalydetection append
    appendcols appendpipe apply arules associate autoregress bin chart cluster cofilter collect concurrency contingency
    convert correlate datamodel dbinspect dedup delete deletemodel delta diff erex eval eventcount eventstats expand
    extract fieldformat fields fieldsummary filldown fillnull findtypes fit flatten folderize foreach format from
    fromjson gauge gentimes geom geomfilter geostats head highlight history iconify inputcsv inputlookup iplocation join
    kmeans kvform listmodels loadjob localize localop lookup makecontinuous makemv makeresults map mcatalog mcollect
    metadata metasearch meventcollect mpreview mstats multikv multisearch mvcombine mvexpand nomv outlier outputcsv
    outputlookup outputtext overlap pivot predict rangemap rare redistribute regex reltime rename replace require rest
    return reverse rex run sample savedsearch score script scrub search searchtxn selfjoin sendalert sendemail set
    setfields sichart sirare sistats sitimechart sitop sort spath stats strcat streamstats summary table tags tail
    timechart timewrap tojson top transaction transpose trendline tscollect tstats typeahead typelearner typer union
    uniq untable walklex where x11 xmlkv xmlunescape xpath xyseries
    """.split()  # noqa: SIM905  as a list it fills the file
)
# Those that may begin a search, and those that cannot stand anywhere else.
_GENERATING = frozenset(
    {
        "dbinspect", "eventcount", "gentimes", "history", "inputcsv", "loadjob", "mcatalog", "metadata", "metasearch",
        "mpreview", "mstats", "pivot", "rest", "savedsearch", "summary", "typeahead", "walklex",
    }
)  # fmt: skip
_ONLY_FIRST = frozenset({"metadata"})

_WRITES = "it writes, and the engine only reads"
_CONFIGURED = "what it does is set in configuration files, which a search does not show"
# Why a command is not run, where there is more to say than that it is not.
_WHY_NOT = {
    **dict.fromkeys(
        ("collect", "delete", "mcollect", "meventcollect", "outputcsv", "outputlookup", "outputtext", "tscollect"),
        _WRITES,
    ),
    **dict.fromkeys(("sendalert", "sendemail"), "it sends, and the engine only reads"),
    **dict.fromkeys(("extract", "kvform", "multikv", "tags", "typer", "xmlkv"), _CONFIGURED),
    "iplocation": "it needs a database of addresses; give its rows as a table and use lookup",
    **dict.fromkeys(("rest", "script", "run"), "it asks a server"),
}
_PLAIN = re.compile(r"""(?:[^"`\[\]|\\]|\\.|\\$)+""", re.DOTALL)


def refused_commands(supported: Iterable[Command[Any]]) -> tuple[Command[Unsupported], ...]:
    """Return the commands of SPL that are not among the supported ones."""
    known = {command.name for command in supported}
    return tuple(
        Command(
            name,
            partial(read_unsupported, name=name),
            refuse,
            (Unsupported,),
            # It is refused for itself, not for where it stands.
            streaming=True,
            row_by_row=True,
            generating=name in _GENERATING,
            only_first=name in _ONLY_FIRST,
        )
        for name in sorted(NAMES - known)
    )


def refuse(command: Unsupported, context: SearchContext) -> Stage:
    """Raise the error of a command that is not run, or not in this form."""
    message = f"{command.construct or f'the command {command.name}'} is not supported"
    raise context.error(message, command.span, _WHY_NOT.get(command.name, ""))


def read_unsupported(scanner: Scanner, span: Span, name: str, construct: str = "") -> Unsupported:
    """Read the rest of the command `name`, whose name stood at `span`; `construct` is the part that is not supported.

    Raises:
        QueryError: a quote, a comment or a square bracket is not closed.
    """
    scanner.skip()
    start = scanner.offset
    _skip_command(scanner)
    return Unsupported(name, scanner.text[start : scanner.offset].rstrip(), span, construct)


def _skip_command(scanner: Scanner) -> None:
    """Move over text up to the end of the command."""
    open_brackets: list[int] = []
    text = scanner.text
    while True:
        scanner.skip()
        here = text[scanner.offset : scanner.offset + 1]
        if here == '"':
            scanner.quoted()
        elif here == "[":
            open_brackets.append(scanner.offset)
            scanner.offset += 1
        elif here == "]" and open_brackets:
            open_brackets.pop()
            scanner.offset += 1
        elif here == "|" and open_brackets:
            scanner.offset += 1
        elif here in ("", "|", "]"):
            break
        elif match := _PLAIN.match(text, scanner.offset):
            scanner.offset = match.end()
    if open_brackets:
        raise scanner.error(
            "the square bracket is not closed", Span(open_brackets[-1], open_brackets[-1] + 1), "close it with ]"
        )
