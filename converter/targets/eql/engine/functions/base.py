"""What the functions of EQL share: their description, and helpers that make common kinds.

    name ──FUNCTIONS──> Function ──make(insensitive)──> values of the arguments -> value

Each implementation gets values, never fields; null in gives null out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from converter.products.elastic.values import java_text
from converter.targets.feature import number_of_arguments

if TYPE_CHECKING:
    from converter.products.elastic.patterns import Test

Parameter: TypeAlias = Literal["text", "number", "integer", "boolean", "any"]
Implementation: TypeAlias = Callable[..., Any]
Maker: TypeAlias = Callable[[bool], Implementation]


class FunctionError(Exception):
    """A value that a function cannot take; the product fails the whole search."""


def _any_constant(_position: int, _value: Any) -> tuple[str, str] | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function.

    Attributes:
        name: as the documentation writes it.
        parameters: the kinds of its arguments.
        returns: the kind of its value.
        make: makes its implementation, which ignores case if that is asked.
        optional: how many of the last parameters may be left out.
        variadic: whether the last parameter may be repeated.
        tilde: whether it has a form that ignores case: `name~`.
        constants: the position of the first argument that must be a constant, as all after it; None: there is none.
        check: (position, constant) to the message and the hint of why it cannot take a constant there, or None.
        on_field: what the product asks of the index in place of a script, where the first argument is a field and
            the others are these constants: (constants, insensitive) to a test of one value of the field.
            Raises FunctionError.
        refuses: what the engine refuses of it, as the messages say it.
    """

    name: str
    parameters: tuple[Parameter, ...]
    returns: Parameter
    make: Maker
    optional: int = 0
    variadic: bool = False
    tilde: bool = False
    constants: int | None = None
    check: Callable[[int, Any], tuple[str, str] | None] = _any_constant
    on_field: Callable[[Sequence[Any], bool], Test] | None = None
    refuses: tuple[str, ...] = ()

    def arity(self) -> str:
        """Say how many arguments it takes."""
        most = len(self.parameters)
        return number_of_arguments(most - self.optional, None if self.variadic else most)


def null_safe(function: Implementation) -> Implementation:
    """Return `function` that answers null as soon as an argument is null."""

    def safe(*arguments: Any) -> Any:
        return None if None in arguments else function(*arguments)

    return safe


def plain(function: Implementation) -> Maker:
    """Return the maker of a function that has no form that ignores case."""
    return lambda _insensitive: null_safe(function)


def folding(function: Callable[[str, str], Any]) -> Maker:
    """Return the maker of a function of two texts that can ignore case, by the lower case of both as Java has it."""

    def make(insensitive: bool) -> Implementation:  # noqa: FBT001 - the maker's one argument
        if insensitive:
            return null_safe(lambda source, sought: function(java_text(source).lower(), java_text(sought).lower()))
        return null_safe(lambda source, sought: function(java_text(source), java_text(sought)))

    return make
