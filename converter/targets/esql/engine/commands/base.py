"""What a command of ES|QL is: one object that says how it is read, which fields it needs, and how it is run.

    tokens ──Command.parse──> node ──Command.bind──> Step: rows ──> rows

Each family of commands has a file beside this one; `commands/__init__.py` is their table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from converter.targets.esql.engine.functions.bind import Binder
from converter.targets.esql.engine.language import syntax
from converter.targets.esql.engine.language.bound import Row
from converter.targets.esql.engine.language.lex import Mode

if TYPE_CHECKING:
    from converter.targets.esql.engine.language.bound import Bound, Context
    from converter.targets.esql.engine.language.lex import Token
    from converter.targets.esql.engine.language.parse_expression import Cursor
    from converter.targets.esql.engine.language.scope import Scope

Step: TypeAlias = Callable[[Iterator[Row]], Iterator[Row]]
Node = TypeVar("Node", bound=syntax.Command)
SourceNode = TypeVar("SourceNode", bound=syntax.Source)


class Pipeline:
    """The commands that are bound so far: `scope` is the columns after the last of them."""

    def __init__(self, context: Context, scope: Scope) -> None:
        self.context = context
        self.scope = scope

    def bind(self, node: syntax.Expression) -> Bound:
        """Return an expression over the columns so far, ready to run. Raises QueryError."""
        return Binder(self.context, self.scope).bind(node)

    def check_column(self, field: syntax.Named, bound: Bound) -> None:
        """Raise a QueryError if a field is a span of time, which no column can hold."""
        if bound.type.temporal:
            message = f"a column cannot hold a span of time [{self.context.source(field.value.span)}]"
            raise self.context.error(message, field.value.span)


def _nothing(_node: syntax.Command) -> Iterable[syntax.Expression]:
    return ()


def _no_names(_node: syntax.Command) -> Iterable[str]:
    return ()


def _never(_node: syntax.Command) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Generic[Node]):
    """A processing command: it takes rows and gives rows.

    Attributes:
        name: as the documentation writes it; its first word is what the parser meets.
        arguments: what it takes, in words.
        node: the class of its nodes.
        parse: reads what follows its first word, which is the token.
        bind: makes the step of a node and changes the scope of the pipeline; None: rows pass unchanged.
        mode: how the lexer reads what follows its first word.
        expressions: the expressions in a node.
        fields: the names of fields that a node needs besides those in its expressions.
        closes: whether no field that the query does not name so far, or here, reaches the result.
        options: the words that it reads.
        refuses: what the language has of it and the engine refuses, as the messages say it.
    """

    name: str
    arguments: str
    node: type[Node]
    parse: Callable[[Cursor, Token], Node]
    bind: Callable[[Pipeline, Node], Step | None]
    mode: Mode = Mode.EXPRESSION
    expressions: Callable[[Node], Iterable[syntax.Expression]] = _nothing
    fields: Callable[[Node], Iterable[str]] = _no_names
    closes: Callable[[Node], bool] = _never
    options: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """The first word, in lower case."""
        return self.name.split()[0].lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCommand(Generic[SourceNode]):
    """A command that a query begins with; the attributes are those of `Command`."""

    name: str
    arguments: str
    parse: Callable[[Cursor, Token], SourceNode]
    mode: Mode = Mode.EXPRESSION
    options: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """The only word, in lower case."""
        return self.name.lower()
