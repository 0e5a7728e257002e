"""The table of commands: what is not in it is refused by name, and the parser knows what it is handed, nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from converter.errors import QueryError
from converter.targets.splunk.engine.commands import COMMANDS, SUPPORTED
from converter.targets.splunk.engine.commands.base import Commands
from converter.targets.splunk.engine.commands.filter import SEARCH
from converter.targets.splunk.engine.commands.order import HEAD, TAIL
from converter.targets.splunk.engine.commands.unsupported import NAMES
from converter.targets.splunk.engine.execute import compile_query
from converter.targets.splunk.engine.parse import parse


def test_every_command_of_the_table_is_one_of_splunk() -> None:
    assert {command.name for command in SUPPORTED} <= NAMES
    assert {command.name for command in COMMANDS.all} == NAMES


@pytest.mark.parametrize("name", sorted(NAMES - {command.name for command in SUPPORTED} - {"metadata"}))
def test_a_command_that_is_not_run_is_refused_by_name(name: str) -> None:
    tree = parse(f"* | {name} x [search y] | table z")
    with pytest.raises(QueryError, match=f"the command {name} is not supported"):
        compile_query(tree, f"* | {name} x [search y] | table z")


def test_the_parser_reads_the_commands_of_the_table_that_it_is_handed() -> None:
    commands = Commands((SEARCH, HEAD))
    assert parse("a=1 | head 5", commands=commands) == parse("a=1 | head 5")
    with pytest.raises(QueryError, match="unknown command 'tail'"):
        parse("a=1 | tail 5", commands=commands)
    with pytest.raises(QueryError, match="unknown command 'stats'"):
        parse("a=1 [stats count]", commands=commands)


def test_a_table_has_one_command_of_a_name() -> None:
    with pytest.raises(ValueError, match="two commands of the name tail"):
        Commands((TAIL, replace(TAIL, streaming=True)))
