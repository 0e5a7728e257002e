"""What a command of SPL is, and the table of all of them.

    name ──Commands.named──> Command.read ──> node ──Commands.of──> Command.compile ──> rows -> rows

A command is one `Command` in the file of its family. The parser, the compiler, the suggestions for misspelled options
and the list of what the engine runs all read the table that `commands/__init__.py` makes of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

from converter.errors import suggest
from converter.readers.source import Span
from converter.targets.splunk.engine.language.syntax import CommandNode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from converter.errors import QueryError
    from converter.readers.source import Source
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.syntax import Pipeline, Unsupported
    from converter.targets.splunk.engine.language.values import Row

Stage: TypeAlias = "Callable[[Iterable[Row]], Iterable[Row]]"
Node = TypeVar("Node", bound=CommandNode)


class Engine(Protocol):
    """What a command asks of the engine around it, to run the commands that it holds."""

    @property
    def commands(self) -> Commands:
        """The table of commands."""
        ...

    def parse(self, text: str) -> Pipeline:
        """Return the tree of a search. Raises QueryError."""
        ...

    def compile(self, pipeline: Pipeline, source: Source[QueryError]) -> Stage:
        """Return the stage of a pipeline that was read from a source. Raises QueryError."""
        ...


@dataclass(frozen=True, slots=True)
class SearchContext:
    """The search around a command that is being compiled.

    Attributes:
        source: the search.
        first: whether the command is the first of its pipeline.
        engine: what parses and compiles the commands that this one holds.
    """

    source: Source[QueryError]
    first: bool
    engine: Engine

    def error(self, message: str, span: Span, hint: str = "") -> QueryError:
        """Return an error at a place of the search."""
        return self.source.error(message, span, hint)

    def stage(self, pipeline: Pipeline) -> Stage:
        """Compile a pipeline that stands inside the command. Raises QueryError."""
        return self.engine.compile(pipeline, self.source)


@dataclass(frozen=True, slots=True)
class Command(Generic[Node]):
    """A command.

    Attributes:
        name: as the Search Reference writes it.
        read: reads the arguments from the first one on; the span is that of the name.
        compile: returns the stage of what was read.
        nodes: the types that `read` returns.
        aliases: other names.
        options: the names of its options, `name=value`.
        refused_options: the options that it reads only to refuse them, or most of their values.
        refuses: what Splunk has of it and the engine refuses, as the messages say it.
        arguments: what it takes, in words.
        streaming: it looks at one row at a time, so it may stand in a search of multisearch.
        row_by_row: it changes one row after the other, so it may stand in the template of foreach.
        generating: it makes rows of its own, so a search may begin with it.
        only_first: it cannot stand anywhere else.
        check_later: refuses what was read if it does not begin its pipeline; None refuses nothing.
        rereads: the search inside it reads the events of the run once more.
    """

    name: str
    read: Callable[[Scanner, Span], Node | Unsupported]
    compile: Callable[[Node, SearchContext], Stage]
    nodes: tuple[type[Node], ...]
    aliases: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    refused_options: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()
    arguments: str = ""
    streaming: bool = False
    row_by_row: bool = False
    generating: bool = False
    only_first: bool = False
    check_later: Callable[[Node, SearchContext], None] | None = None
    rereads: bool = False

    def option(self, scanner: Scanner) -> str:
        """Read the name of an option and move past its `=`; empty, without moving, if none stands here.

        Raises:
            QueryError: the command has no such option; a near one is suggested.
        """
        scanner.skip()
        start = scanner.offset
        name = scanner.option()
        if name and name not in self.options and name not in self.refused_options:
            raise self.unknown_option(scanner, name, start)
        return name

    def unknown_option(self, scanner: Scanner, name: str, start: int, hint: str = "") -> QueryError:
        """Return an error for an option that stands at `start` and that the command does not take."""
        return scanner.error(
            f"the option {name} of {self.name} is not supported",
            Span(start, start + len(name)),
            hint or suggest(name, self.options),
        )


class Commands:
    """A table of commands.

    Args:
        commands: no two of one name. Two that read nodes of one type compile it in one way.
    """

    def __init__(self, commands: Iterable[Command[Any]]) -> None:
        self.all = tuple(commands)
        self._by_name: dict[str, Command[Any]] = {}
        self._by_node: dict[type[CommandNode], Command[Any]] = {}
        for command in self.all:
            for name in (command.name, *command.aliases):
                if self._by_name.setdefault(name, command) is not command:
                    raise ValueError(f"two commands of the name {name}")
            for node in command.nodes:
                if self._by_node.setdefault(node, command).compile is not command.compile:
                    raise ValueError(f"two ways to compile {node.__name__}")

    def named(self, name: str) -> Command[Any] | None:
        """Return the command of a name in small letters, or None."""
        return self._by_name.get(name)

    def of(self, node: CommandNode) -> Command[Any]:
        """Return the command that compiles a node."""
        return self._by_node[type(node)]
