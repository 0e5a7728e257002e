"""What an eval expression is compiled to, and what its compiler offers to the functions.

    Expression ──evaluate──> Compiled(run: row -> value, kind)

Values while an expression runs: text, number, list (multivalue), truth value, or None for null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.errors import QueryError
    from converter.readers.source import Span
    from converter.targets.splunk.engine.language.syntax import Expression
    from converter.targets.splunk.engine.language.values import Row

Run: TypeAlias = "Callable[[Row], Any]"
# What can be known of a value before a row is seen. A field is `any`: its value decides.
Kind: TypeAlias = Literal["number", "string", "bool", "null", "any"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A closure over rows; `constant` says that it gives the same value for every row."""

    run: Run
    kind: Kind
    constant: bool = False


class Compiler(Protocol):
    """What a function needs to compile a call of itself."""

    def compile(self, expression: Expression) -> Compiled:
        """Compile an expression."""
        ...

    def error(self, message: str, span: Span, hint: str = "") -> QueryError:
        """Return an error at a place of the search."""
        ...
