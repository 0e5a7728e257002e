"""The commands of SPL, as one table: how each is read, compiled, and where it may stand.

    COMMANDS.named("bin").read(scanner, span) ──> Bin(...)        COMMANDS.of(Bin(...)).compile(node, context) ──> stage

A command that Splunk has and no file here is in the table, too: it is refused by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.targets.splunk.engine.commands import (
    add_fields,
    append,
    bins,
    chart,
    convert,
    datamodel,
    extract,
    fields,
    filter,  # noqa: A004  the family of commands that filter
    foreach,
    format,  # noqa: A004  the family of format and return
    generate,
    join,
    lookup,
    modify,
    multivalue,
    order,
    running,
    stats,
    streamstats,
    tables,
    top,
    transaction,
    tstats,
)
from converter.targets.splunk.engine.commands.base import Commands
from converter.targets.splunk.engine.commands.unsupported import refused_commands

if TYPE_CHECKING:
    from converter.targets.splunk.engine.commands.base import Command

SUPPORTED: tuple[Command[Any], ...] = tuple(
    command
    for family in (
        filter,
        order,
        fields,
        modify,
        add_fields,
        extract,
        multivalue,
        bins,
        convert,
        running,
        lookup,
        generate,
        stats,
        streamstats,
        chart,
        top,
        tables,
        transaction,
        foreach,
        tstats,
        datamodel,
        append,
        join,
        format,
    )
    for command in family.COMMANDS
)
COMMANDS = Commands((*SUPPORTED, *refused_commands(SUPPORTED)))
