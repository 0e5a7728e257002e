"""What the tables of functions share: the description of a function, and the check of how many arguments it gets.

Call + bound arguments ──FUNCTIONS[name].build──> Bound
Call + bound arguments ──AGGREGATIONS[name].build──> Aggregation ──compute(rows of a group)──> value
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from converter.readers.source import Span
from converter.targets.esql.engine.language.bound import Bound, Context, Row

if TYPE_CHECKING:
    from converter.targets.esql.engine.language.types import Type

Builder: TypeAlias = Callable[[Context, Span, Sequence[Bound]], Bound]
Compute: TypeAlias = Callable[[Sequence[Row]], Any]


@dataclass(frozen=True, slots=True)
class Function:
    """A scalar function: how a call of it is bound, and how many arguments it takes.

    Attributes:
        build: binds a call.
        least: how many arguments it needs.
        most: how many it takes; None for any number.
        single: whether its boolean result is never a multivalue.
        case: of a function that changes the case of its argument: how.
        refuses: what the language has of it and the engine refuses, as the messages say it.
    """

    build: Builder
    least: int
    most: int | None
    single: Literal["not known", "always", "if its arguments are"] = "not known"
    case: Callable[[str], str] | None = None
    refuses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Aggregation:
    """An aggregation that is ready to run over the rows of a group."""

    type: Type
    compute: Compute


@dataclass(frozen=True, slots=True)
class AggregationFunction:
    """A function that STATS computes over the rows of a group; `build` and `least` to `most` as of a `Function`.

    Attributes:
        build: binds a call.
        least: how many arguments it needs.
        most: how many it takes.
        rows: what `*`, or no argument, makes of it; None if it does not take that.
        refuses: as of a `Function`.
    """

    build: Callable[[Context, Span, Sequence[Bound]], Aggregation]
    least: int
    most: int
    rows: Aggregation | None = None
    refuses: tuple[str, ...] = ()


def arity(least: int, most: int | None) -> str:
    """Say how many arguments a function takes: `1`, `1 to 2`, `at least 2`."""
    return str(least) if least == most else f"at least {least}" if most is None else f"{least} to {most}"


def check_count(context: Context, name: str, span: Span, count: int, least: int, most: int | None) -> None:
    """Raise unless a function may have so many arguments."""
    if least <= count and (most is None or count <= most):
        return
    expected = arity(least, most)
    raise context.error(f"{name.upper()} takes {expected} argument{'s' if expected != '1' else ''}, not {count}", span)
