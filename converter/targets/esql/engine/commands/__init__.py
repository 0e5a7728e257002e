"""The commands of ES|QL as one table, which the lexer, the parser and the program all read.

first word ──SOURCES──> SourceCommand        at the beginning of a query
first word ──COMMANDS──> Command        after a pipe
first word ──UNSUPPORTED──> an error that names the command
node ──command_of──> the Command that binds it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.targets.esql.engine.commands import columns, names, rows, source, stats
from converter.targets.esql.engine.language.lex import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.targets.esql.engine.commands.base import Command, SourceCommand
    from converter.targets.esql.engine.language import syntax

_SOURCES: tuple[SourceCommand[Any], ...] = (source.FROM, source.ROW)
_COMMANDS: tuple[Command[Any], ...] = (
    columns.DROP,
    columns.EVAL,
    stats.INLINE_STATS,
    columns.KEEP,
    rows.LIMIT,
    rows.MV_EXPAND,
    columns.RENAME,
    rows.SORT,
    stats.STATS,
    rows.WHERE,
)
SOURCES: Mapping[str, SourceCommand[Any]] = {command.word: command for command in _SOURCES}
COMMANDS: Mapping[str, Command[Any]] = {command.word: command for command in _COMMANDS}
UNSUPPORTED: Mapping[str, str] = {
    word: name for word, name in names.COMMANDS.items() if word not in SOURCES and word not in COMMANDS
}
"""The names of the commands that ES|QL has and this engine has not, by their first words."""

MODES: Mapping[str, Mode] = {
    **{command.word: command.mode for command in _SOURCES},
    **{command.word: command.mode for command in _COMMANDS},
    **dict.fromkeys(UNSUPPORTED, Mode.NOTHING),
}
_OF_NODE: Mapping[type, Command[Any]] = {command.node: command for command in _COMMANDS}


def command_of(node: syntax.Command) -> Command[Any]:
    """Return the command that a node is of."""
    return _OF_NODE[type(node)]
