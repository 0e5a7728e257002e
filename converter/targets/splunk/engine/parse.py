"""Text of an SPL search to its tree.

    text ──Scanner──> parse() ──> Pipeline
                        │ `|` and the command's name
                        └──COMMANDS──> the command, which reads its arguments

The grammar is that of searchbnf.conf for the commands that are here. A command or an option that is not here is an
error that names it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from converter.errors import QueryError, suggest
from converter.readers.source import Source, Span
from converter.targets.splunk.engine.commands import COMMANDS
from converter.targets.splunk.engine.commands.filter import Search
from converter.targets.splunk.engine.language.lex import Scanner
from converter.targets.splunk.engine.language.search_parser import parse_search
from converter.targets.splunk.engine.language.source_map import relocate
from converter.targets.splunk.engine.language.syntax import CommandNode, Pipeline
from converter.targets.splunk.engine.macros import expand, known_macros

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.targets.splunk.engine.commands.base import Command, Commands
    from converter.targets.splunk.engine.language.lex import PipelineKind
    from converter.targets.splunk.engine.macros import Macros

_SURROGATE = re.compile("[\ud800-\udfff]")


def parse(text: str, macros: Macros | str | Mapping[str, str] | None = None, commands: Commands = COMMANDS) -> Pipeline:
    """Return the tree of a search.

    Args:
        text: the search.
        macros: what it may call: from `read_macros`, or what that reads.
        commands: the commands that there are.

    Raises:
        QueryError: the text is not a search, or uses what this engine does not know; with the place. What stands in a
            macro has the place of its call.
    """
    parser = _Parser(commands)
    expanded = expand(text, known_macros(macros)) if "`" in text else None
    if expanded is None:
        return parser.search(Scanner(Source(text, QueryError), parser))
    return relocate(parser.search(Scanner(expanded, parser)), expanded)


class _Parser:
    """Reads pipelines of the commands of a table."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def search(self, scanner: Scanner) -> Pipeline:
        """Read a whole search."""
        if half := _SURROGATE.search(scanner.text):
            raise scanner.error("half of a surrogate pair, which no text can hold", half.start())
        if not scanner.peek():
            raise scanner.error("the search is empty")
        nodes = [self._first(scanner)]
        while scanner.accept("|"):
            nodes.append(self._command(scanner))
        if scanner.peek():
            raise scanner.error(f"unexpected {scanner.describe()}")
        return Pipeline(tuple(nodes))

    def pipeline(self, scanner: Scanner, kind: PipelineKind) -> Pipeline:
        """Read what stands between square brackets, up to the closing one.

        Raises:
            QueryError: a command that cannot stand there, or is wrong.
        """
        scanner.accept("|")
        name, span = _name(scanner)
        command = self._commands.named(name)
        match kind:
            case "streaming" if name != "search":
                raise scanner.error("a search of multisearch must begin with the word search", span)
            case "search" if command is None or not command.generating:
                known = self._known(scanner, name, span, "a subsearch begins with a command: [search ...]")
                message = f"{known.name} cannot be the first command of a subsearch"
                raise scanner.error(message, span, "begin with search")
        nodes = [self._command(scanner, first=kind != "commands")]
        while scanner.accept("|"):
            name, span = _name(scanner)
            command = self._commands.named(name)
            if kind == "streaming" and command is not None and not command.streaming:
                message = f"{command.name} in multisearch, which takes streaming commands only"
                raise scanner.error(message, span)
            nodes.append(self._command(scanner))
        return Pipeline(tuple(nodes))

    def _first(self, scanner: Scanner) -> CommandNode:
        """Read the first command: implied `search`, or one that produces events of its own."""
        if not scanner.accept("|"):
            if scanner.word() == "search" and not _is_field(scanner):
                scanner.offset += len("search")
            return Search(parse_search(scanner))
        name, span = _name(scanner)
        command = self._known(scanner, name, span)
        if command.generating:
            return self._command(scanner, first=True)
        raise scanner.error(
            f"{command.name} cannot be the first command of a search",
            span,
            "begin with search terms; * finds every event",
        )

    def _command(self, scanner: Scanner, *, first: bool = False) -> CommandNode:
        name, span = _name(scanner)
        command = self._known(scanner, name, span)
        if command.only_first and not first:
            raise scanner.error(f"{command.name} must be the first command of a search", span)
        scanner.offset = span.end
        node: CommandNode = command.read(scanner, span)
        if not scanner.at_command_end():
            raise scanner.error(f"unexpected {scanner.describe()} in {command.name}")
        return node

    def _known(self, scanner: Scanner, name: str, span: Span, hint: str = "") -> Command[Any]:
        command = self._commands.named(name)
        if command is None:
            near = suggest(name, [command.name for command in self._commands.all])
            raise scanner.error(f"unknown command {name!r}", span, near or hint)
        return command


def _is_field(scanner: Scanner) -> bool:
    """Tell whether the word `search` that stands next is the field of a comparison."""
    start = scanner.offset
    is_field = bool(scanner.option())
    scanner.offset = start
    return is_field


def _name(scanner: Scanner) -> tuple[str, Span]:
    """Return the name of the command that stands next, in small letters, and where; without moving."""
    word = scanner.word()
    if not word:
        raise scanner.error(f"expected a command, found {scanner.describe()}")
    return word.lower(), Span(scanner.offset, scanner.offset + len(word))
