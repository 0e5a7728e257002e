"""Numbers of a rule as the first search may compare them: `EventCode=4720`, as people write it.

    NumberMatch   ──as_searched──> PlainNumber    EventCode=4720
    NumberCompare ──as_searched──> PlainCompare   bytes>=5, and the same in `where` unless the field has only numbers

`=` of `search` compares strings, and looks the value up in the index. So it finds a number that is written as the rule
writes it, and not `04720` or `4720.0`, which are the same number to Sigma: that the log has none of these is an
assumption, unless the field's type says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from converter.errors import ConfigurationError
from converter.plan import nodes as ir
from converter.verdicts.event_assumptions import numbers_as_written, numbers_in_digits
from converter.verdicts.log_assumptions import EXACT_DOUBLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from converter.targets.core.emission import Emission
    from converter.verdicts.verdict import Assumption

NUMBERS = ("plain", "exact")


@dataclass(frozen=True, slots=True)
class PlainNumber(ir.NumberMatch):
    """A number that `search` compares as a string: the field has no other way to write it."""


@dataclass(frozen=True, slots=True)
class PlainCompare(ir.NumberCompare):
    """A comparison with a number that `search` makes with every number of the field.

    Attributes:
        only: whether the field holds nothing but numbers; `search` orders other values as strings.
    """

    only: bool = False


def as_searched(expr: ir.Expr, emission: Emission) -> ir.Expr:
    """Return the same condition with each number as `search` may compare it, unless the option `numbers` is `exact`.

    Raises:
        ConfigurationError: the option has another value.
    """
    option = emission.context.options.get("numbers", "plain")
    if option not in NUMBERS:
        raise ConfigurationError(f"numbers is {option!r}", hint=f"one of {', '.join(NUMBERS)}")
    return _as_searched(expr, emission) if option == "plain" else expr


def _as_searched(expr: ir.Expr, emission: Emission) -> ir.Expr:
    match expr:
        case ir.And(items):
            return ir.And(tuple(_as_searched(item, emission) for item in items))
        case ir.Or(items):
            return ir.Or(tuple(_as_searched(item, emission) for item in items))
        case ir.Not(item):
            return ir.Not(_as_searched(item, emission))
        # Whether the index can be asked for the number of a field that Splunk itself makes is not documented.
        case ir.NumberMatch(name, number, place) if not name.startswith("_"):
            return PlainNumber(name, number, place)
        case ir.NumberCompare(name, op, number, place) if not name.startswith("_") and abs(number) < EXACT_DOUBLE:
            return PlainCompare(name, op, number, place, only=_is_whole(emission, expr))
        case _:
            return expr


def written_plainly(terms: Iterable[ir.Expr], emission: Emission) -> Iterator[Assumption]:
    """Yield what the numbers in terms of `search` assume, once for each field and kind of comparison."""
    equal: dict[str, list[float]] = {}
    compared: dict[str, list[ir.NumberCompare]] = {}
    for leaf in (leaf for term in terms for leaf in ir.leaves_of(term) if not _is_whole(emission, leaf)):
        match leaf:
            case PlainNumber(name, number):
                equal.setdefault(name, []).append(number)
            case PlainCompare(name):
                compared.setdefault(name, []).append(leaf)
            case _:
                pass
    for name, numbers in equal.items():
        yield numbers_as_written(name, {number: digits(number) for number in numbers})
    for name, comparisons in compared.items():
        yield numbers_in_digits(name, comparisons, digits(comparisons[0].number))


def _is_whole(emission: Emission, leaf: ir.Leaf) -> bool:
    """Return whether a field is known to hold whole numbers only, which its source writes in digits."""
    fact = emission.context.facts.field(leaf.field) if isinstance(leaf, ir.NumberMatch | ir.NumberCompare) else None
    return fact is not None and fact.type == "long"


def digits(number: float) -> str:
    """Return a number as `search` compares it: a whole one in digits, another one without an exponent."""
    if number == int(number):
        return str(int(number))
    return format(Decimal(repr(number)), "f")
