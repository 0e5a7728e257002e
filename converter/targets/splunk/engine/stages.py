"""The stages of the commands that have files of their own.

command ──stage──> rows -> rows
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, assert_never

from converter.targets.splunk.engine.commands import more_rows, more_tables, rewrite
from converter.targets.splunk.engine.commands.chart import chart
from converter.targets.splunk.engine.commands.convert import convert
from converter.targets.splunk.engine.commands.foreach import foreach
from converter.targets.splunk.engine.commands.lookup import inputlookup, lookup
from converter.targets.splunk.engine.commands.top import top
from converter.targets.splunk.engine.commands.transaction import transaction
from converter.targets.splunk.engine.language.expression_code import error_at
from converter.targets.splunk.engine.language.syntax import (
    Accum,
    AddTotals,
    AutoRegress,
    Chart,
    Convert,
    Delta,
    FieldFormat,
    FillDown,
    ForEach,
    InputLookup,
    Lookup,
    MakeResults,
    MvCombine,
    NoMv,
    Replace,
    Sed,
    StrCat,
    Top,
    Transaction,
    Transliterate,
    Transpose,
    Uniq,
    Untable,
    XySeries,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from converter.targets.splunk.engine.commands.foreach import CompilePipeline
    from converter.targets.splunk.engine.language.syntax import Command
    from converter.targets.splunk.engine.language.values import Row

Stage: TypeAlias = "Callable[[Iterable[Row]], Iterable[Row]]"
Text: TypeAlias = Sed | Transliterate | StrCat | Replace | FieldFormat
Rows: TypeAlias = FillDown | MvCombine | NoMv | MakeResults | Accum | Delta | AutoRegress | Uniq
Tables: TypeAlias = Chart | Top | AddTotals | XySeries | Untable | Transpose
More: TypeAlias = Convert | Lookup | InputLookup | Transaction | ForEach | Text | Rows | Tables

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


def why_not(name: str) -> str:
    """Return why a command is not run, or an empty text."""
    return _WHY_NOT.get(name, "")


def makes_rows(commands: Sequence[Command], text: str) -> bool:
    """Tell whether a pipeline begins with a command that takes no rows.

    Raises:
        QueryError: such a command stands elsewhere.
    """
    for command in commands[1:]:
        if isinstance(command, InputLookup) and not command.append:
            raise error_at(text, command.span, "inputlookup must be the first command of a search", "or have append=t")
        if isinstance(command, MakeResults):
            raise error_at(text, command.span, "makeresults must be the first command of a search")
    return bool(commands) and isinstance(commands[0], InputLookup | MakeResults)


def stage(command: More, text: str, compile_pipeline: CompilePipeline) -> Stage:
    """Return the stage of a command.

    Raises:
        QueryError: the command cannot be run.
    """
    match command:
        case Convert():
            return convert(command, text)
        case Lookup():
            return lookup(command, text)
        case InputLookup():
            return inputlookup(command, text)
        case Transaction():
            return transaction(command, text)
        case ForEach():
            return foreach(command, text, compile_pipeline)
        case Sed() | Transliterate() | StrCat() | Replace() | FieldFormat():
            return _text_stage(command, text)
        case Chart() | Top() | AddTotals() | XySeries() | Untable() | Transpose():
            return _table_stage(command, text)
        case _:
            return _row_stage(command, text)


def _text_stage(command: Text, text: str) -> Stage:
    match command:
        case Sed():
            return rewrite.sed(command, text)
        case Transliterate():
            return rewrite.transliterate(command)
        case StrCat():
            return rewrite.strcat(command, text)
        case Replace():
            return rewrite.replace(command, text)
        case FieldFormat():
            return rewrite.fieldformat(command, text)
        case _:
            assert_never(command)


def _table_stage(command: Tables, text: str) -> Stage:
    match command:
        case Chart():
            return chart(command, text)
        case Top():
            return top(command, text)
        case AddTotals():
            return more_tables.addtotals(command, text)
        case XySeries():
            return more_tables.xyseries(command, text)
        case Untable():
            return more_tables.untable(command)
        case Transpose():
            return more_tables.transpose(command, text)
        case _:
            assert_never(command)


def _row_stage(command: Rows, text: str) -> Stage:
    match command:
        case FillDown():
            return more_rows.filldown(command)
        case MvCombine():
            return more_rows.mvcombine(command, text)
        case NoMv():
            return more_rows.nomv(command)
        case MakeResults():
            return more_rows.makeresults(command, text)
        case Accum():
            return more_rows.accum(command)
        case Delta():
            return more_rows.delta(command)
        case AutoRegress():
            return more_rows.autoregress(command)
        case Uniq():
            return more_rows.uniq
        case _:
            assert_never(command)
