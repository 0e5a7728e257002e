"""Text of an SPL search to its tree.

    text ──Scanner──> parse() ──> Pipeline
                        │ `|` and the command's name
                        ├──parse_commands──> most commands
                        ├──parse_subsearch─> commands with searches in square brackets
                        ├──parse_stats─────> stats, eventstats, streamstats
                        ├──parse_search────> search expressions
                        └──parse_eval──────> where, eval

The grammar is that of searchbnf.conf for the commands that are here. A command or an option that is not here is an
error that names it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from converter.errors import suggest
from converter.targets.splunk.engine.commands import aggregates as parse_stats
from converter.targets.splunk.engine.commands.unsupported import unsupported
from converter.targets.splunk.engine.language.lex import Scanner
from converter.targets.splunk.engine.language.search_parser import parse_search
from converter.targets.splunk.engine.language.syntax import AddInfo, Command, Pipeline, Search, Span
from converter.targets.splunk.engine.parsing import commands as parse_commands
from converter.targets.splunk.engine.parsing import more as parse_more
from converter.targets.splunk.engine.parsing import subsearch as parse_subsearch
from converter.targets.splunk.engine.parsing import tstats as parse_tstats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from converter.targets.splunk.engine.macros import Macros

# Commands that Splunk, or its Machine Learning Toolkit, has and this engine has not.
_UNSUPPORTED_NAMES = """
abstract accum addcoltotals addtotals analyzefields anomalies anomalousvalue anomalydetection append
appendcols appendpipe arules associate autoregress chart cluster cofilter collect concurrency contingency
convert correlate datamodel dbinspect delete delta diff erex eventcount expand extract fieldformat fieldsummary
filldown findtypes flatten folderize foreach format from gauge gentimes geom geomfilter geostats highlight
history iconify iplocation inputcsv inputlookup join kmeans kvform loadjob localize localop lookup
makecontinuous makeresults map mcollect metadata metasearch meventcollect mpreview mstats multikv mvcombine nomv
outlier outputcsv outputlookup outputtext overlap pivot predict rangemap rare redistribute reltime replace
require rest return run savedsearch script scrub searchtxn selfjoin sendalert sendemail set setfields sichart
sirare sistats sitimechart sitop strcat tags timechart timewrap tojson top transaction transpose trendline
apply fit fromjson listmodels deletemodel sample score summary
tscollect tstats typeahead typelearner typer union uniq untable walklex x11 xmlkv xmlunescape xpath xyseries
"""
_UNSUPPORTED = frozenset(_UNSUPPORTED_NAMES.split())

_SURROGATE = re.compile("[\ud800-\udfff]")
_ALIASES = {**parse_more.ALIASES, "bucket": "bin", "discretize": "bin"}

_COMMANDS: dict[str, Callable[[Scanner, Span], Command]] = {
    "search": lambda scanner, _: Search(parse_search(scanner)),
    "stats": parse_stats.stats,
    "eventstats": parse_stats.eventstats,
    "streamstats": parse_stats.streamstats,
    "addinfo": lambda _, span: AddInfo(span),
    "where": parse_commands.where,
    "eval": parse_commands.evaluate,
    "bin": parse_commands.bins,
    "sort": parse_commands.sort,
    "head": parse_commands.head,
    "tail": parse_commands.tail,
    "reverse": parse_commands.reverse,
    "dedup": parse_commands.dedup,
    "fields": parse_commands.fields,
    "table": parse_commands.table,
    "rename": parse_commands.rename,
    "regex": parse_commands.regex,
    "rex": parse_commands.rex,
    "fillnull": parse_commands.fillnull,
    "mvexpand": parse_commands.mvexpand,
    "makemv": parse_commands.makemv,
    "spath": parse_commands.spath,
    "tstats": parse_tstats.tstats,
    "datamodel": parse_tstats.datamodel,
    "from": parse_tstats.from_dataset,
    "multisearch": parse_subsearch.multisearch,
    **parse_subsearch.COMMANDS,
    **parse_more.COMMANDS,
}

# Commands that make rows of their own, and so may begin a search.
_GENERATING = frozenset(
    {
        "datamodel", "dbinspect", "eventcount", "from", "gentimes", "history", "inputcsv", "inputlookup", "loadjob",
        "makeresults", "mcatalog", "metadata", "metasearch", "mpreview", "mstats", "multisearch", "pivot", "rest",
        "savedsearch", "set", "summary", "tstats", "typeahead", "union", "walklex",
    }
)  # fmt: skip

# Those that cannot stand anywhere else.
_FIRST_ONLY = frozenset({"makeresults", "metadata", "multisearch", "set"})

# What may stand in a search of multisearch: commands that look at one row at a time.
_STREAMING = parse_more.STREAMING | frozenset(
    {"search", "where", "eval", "bin", "fields", "rename", "regex", "rex", "mvexpand", "makemv", "spath"}
)


def parse(text: str, macros: Macros | str | Mapping[str, str] | None = None) -> Pipeline:
    """Return the tree of a search.

    Args:
        text: the search.
        macros: what it may call: from `read_macros`, or what that reads.

    Raises:
        QueryError: the text is no search, or uses what this engine does not know; with the place. What stands in a
            macro has the place of its call.
    """
    if "`" not in text:
        return _parse(Scanner(text))
    from converter.targets.splunk.engine.language.source_map import relocate  # noqa: PLC0415
    from converter.targets.splunk.engine.macros import expand, known_macros  # noqa: PLC0415  most searches have none

    origin = expand(text, known_macros(macros))
    if origin is None:
        return _parse(Scanner(text))
    return relocate(_parse(Scanner(origin.expanded, origin)), origin)


def _parse(scanner: Scanner) -> Pipeline:
    text = scanner.text
    if half := _SURROGATE.search(text):
        raise scanner.error("half of a surrogate pair, which no text can hold", half.start())
    if not scanner.peek():
        raise scanner.error("the search is empty")
    commands = [_first(scanner)]
    while scanner.accept("|"):
        commands.append(_command(scanner))
    if scanner.peek():
        raise scanner.error(f"unexpected {scanner.found()}")
    return Pipeline(tuple(commands))


def _first(scanner: Scanner) -> Command:
    """Read the first command: implied `search`, or one that produces events of its own."""
    if not scanner.accept("|"):
        if scanner.word() == "search" and not _is_field(scanner):
            scanner.pos += len("search")
        return Search(parse_search(scanner))
    name, span = _name(scanner)
    if name == "search" or name in _GENERATING:
        return _command(scanner, first=True)
    _check_known(scanner, name, span)
    raise scanner.error(
        f"{name} cannot be the first command of a search", span, "begin with search terms; * finds every event"
    )


def _is_field(scanner: Scanner) -> bool:
    """Tell whether the word `search` that stands next is the field of a comparison."""
    start = scanner.pos
    is_field = bool(scanner.option())
    scanner.pos = start
    return is_field


def _command(scanner: Scanner, *, first: bool = False) -> Command:
    name, span = _name(scanner)
    if name in _FIRST_ONLY and not first:
        raise scanner.error(f"{name} must be the first command of a search", span)
    _check_known(scanner, name, span)
    scanner.pos += span.length
    parse_arguments = _COMMANDS.get(name)
    command = parse_arguments(scanner, span) if parse_arguments else unsupported(scanner, span, name)
    if not scanner.at_command_end():
        raise scanner.error(f"unexpected {scanner.found()} in {name}")
    return command


def _name(scanner: Scanner) -> tuple[str, Span]:
    """Return the name of the command that stands next, and where; without moving."""
    word = scanner.word()
    if not word:
        raise scanner.error(f"expected a command, found {scanner.found()}")
    name = word.lower()
    return _ALIASES.get(name, name), Span(scanner.pos, len(word))


def _check_known(scanner: Scanner, name: str, span: Span, hint: str = "") -> None:
    if name in _COMMANDS or name in _UNSUPPORTED:
        return
    near = suggest(name, [*_COMMANDS, *_UNSUPPORTED])
    raise scanner.error(f"unknown command {name!r}", span, near or hint)


def pipeline(scanner: Scanner, kind: Literal["search", "streaming", "commands"]) -> Pipeline:
    """Read what stands between square brackets, up to the closing one; the kinds are those of `bracketed`.

    Raises:
        QueryError: a command that cannot stand there, or is wrong.
    """
    scanner.accept("|")
    name, span = _name(scanner)
    match kind:
        case "streaming" if name != "search":
            raise scanner.error("a search of multisearch must begin with the word search", span)
        case "search" if name != "search" and name not in _GENERATING:
            _check_known(scanner, name, span, "a subsearch begins with a command: [search ...]")
            raise scanner.error(f"{name} cannot be the first command of a subsearch", span, "begin with search")
    commands = [_command(scanner, first=kind != "commands")]
    while scanner.accept("|"):
        name, span = _name(scanner)
        if kind == "streaming" and name in _COMMANDS and name not in _STREAMING:
            raise scanner.error(f"{name} in multisearch, which takes streaming commands only", span)
        commands.append(_command(scanner))
    return Pipeline(tuple(commands))
