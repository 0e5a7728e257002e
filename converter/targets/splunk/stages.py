"""The stages of the commands that have files of their own.

command ──stage──> rows -> rows
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, assert_never

from converter.targets.splunk.compiled import error_at
from converter.targets.splunk.convert import convert
from converter.targets.splunk.lookup import inputlookup, lookup
from converter.targets.splunk.syntax import Convert, InputLookup, Lookup, Transaction
from converter.targets.splunk.transaction import transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from converter.targets.splunk.syntax import Command
    from converter.targets.splunk.values import Row

Stage: TypeAlias = "Callable[[Iterable[Row]], Iterable[Row]]"
More: TypeAlias = Convert | Lookup | InputLookup | Transaction


def makes_rows(commands: Sequence[Command], text: str) -> bool:
    """Tell whether a pipeline begins with a command that takes no rows.

    Raises:
        QueryError: such a command stands elsewhere.
    """
    for command in commands[1:]:
        if isinstance(command, InputLookup) and not command.append:
            raise error_at(text, command.span, "inputlookup must be the first command of a search", "or have append=t")
    return bool(commands) and isinstance(commands[0], InputLookup)


def stage(command: More, text: str) -> Stage:
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
        case _:
            assert_never(command)
