"""The functions of Elasticsearch's EQL, after the vendor's function reference.

    name, insensitive ──lookup──> Function ──make──> values of the arguments -> value

Each implementation gets values, never fields; null in gives null out. Arithmetic functions are the operators by name.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from converter.targets.eql.engine.strings import text_of

Kind: TypeAlias = Literal["text", "number", "integer", "boolean", "any"]
Implementation: TypeAlias = Callable[..., Any]

_HEXADECIMAL = 16
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_ALL_BITS = 2**128 - 1
_IPV4_BITS = 2**32 - 1
_MAPPED = 0xFFFF << 32


class FunctionError(Exception):
    """A value that a function cannot take; the product fails the whole search."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function: the kinds of its parameters, how many may be left out, whether the last repeats, what it returns."""

    name: str
    parameters: tuple[Kind, ...]
    returns: Kind
    make: Callable[[bool], Implementation]
    optional: int = 0
    variadic: bool = False
    tilde: bool = False


def _null_safe(function: Implementation) -> Implementation:
    """Return `function` that answers null as soon as an argument is null."""

    def safe(*arguments: Any) -> Any:
        return None if None in arguments else function(*arguments)

    return safe


def same_in_any_case(text: str) -> str:
    """Return a text that equals that of another one if Java's `compareToIgnoreCase` takes the two for equal."""
    return text.lower() if text.isascii() else "".join(map(_upper_and_lower, text))


def _upper_and_lower(char: str) -> str:
    upper = char.upper()
    lower = (upper if len(upper) == 1 else char).lower()
    return lower if len(lower) == 1 else char


def _folding(function: Callable[[str, str], Any]) -> Callable[[bool], Implementation]:
    """Return the maker of a function of two texts that can ignore case, by the lower case of both as Java has it."""

    def make(insensitive: bool) -> Implementation:  # noqa: FBT001 - the maker's one argument
        if insensitive:
            return _null_safe(lambda source, sought: function(text_of(source).lower(), text_of(sought).lower()))
        return _null_safe(lambda source, sought: function(text_of(source), text_of(sought)))

    return make


def _between(insensitive: bool) -> Implementation:  # noqa: FBT001
    def between(source: Any, left: Any, right: Any, greedy: Any = False) -> str:  # noqa: FBT002
        whole, before, after = text_of(source), text_of(left), text_of(right)
        if not whole:
            return ""
        if not before or not after:
            raise FunctionError("between needs text on both sides")
        compared = whole
        if insensitive:
            compared, before, after = whole.lower(), before.lower(), after.lower()
        start = compared.find(before)
        if start < 0:
            return ""
        start += len(before)
        end = compared.rfind(after) if greedy is True else compared.find(after, start)
        return whole[start:end] if end >= start else ""

    return _null_safe(between)


def _index_of(insensitive: bool) -> Implementation:  # noqa: FBT001
    def index_of(source: Any, sought: Any, start: Any = None) -> int | None:
        if source is None or sought is None:
            return None
        whole, part = text_of(source), text_of(sought)
        if insensitive:
            whole, part = whole.lower(), part.lower()
        # Java finds an empty text at the end, however far beyond it the search begins.
        found = whole.find(part, min(max(0, int(start or 0)), len(whole)))
        return found if found >= 0 else None

    return index_of


def _length(text: Any) -> int:
    # Java counts UTF-16 units.
    return sum(2 if char > "\uffff" else 1 for char in text_of(text))


def _substring(source: Any, start: Any, end: Any = None) -> str:
    text = text_of(source)
    first = _position(int(start), len(text))
    last = len(text) if end is None else _position(int(end), len(text))
    return text[first:last]


def _position(index: int, length: int) -> int:
    return max(0, index + length) if index < 0 else min(index, length)


def _substring_maker(_insensitive: bool) -> Implementation:  # noqa: FBT001
    def substring(source: Any, start: Any, end: Any = None) -> str | None:
        if source is None or start is None:  # without a start the product gives the whole text, whatever the end
            return None if source is None else text_of(source)
        return _substring(source, start, end)

    return substring


def _number_maker(_insensitive: bool) -> Implementation:  # noqa: FBT001
    def number(source: Any, base: Any = None) -> int | float | None:
        return None if source is None else _parse_number(text_of(source).strip(), base)

    return number


def _parse_number(text: str, base: Any) -> int | float:
    prefixed = text[:2] == "0x"
    try:
        if prefixed and base in {None, _HEXADECIMAL}:
            return int(text[2:], _HEXADECIMAL)
        if base is not None and base != 10:  # noqa: PLR2004 - ten is the default base
            return int(text, int(base))
    except ValueError:
        raise FunctionError(f"number cannot convert {text!r}") from None
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    raise FunctionError(f"number cannot convert {text!r}")


@dataclass(frozen=True, slots=True)
class Block:
    """An address block: its network as a number of 128 bits, and the mask that leads to it."""

    network: int
    mask: int


def block(cidr: str) -> Block:
    """Return an address block; host bits may be set, and an address alone is a block of one.

    The product keeps every address as one of IPv6, an IPv4 address as the IPv6 address that it is mapped to, so a block
    of IPv6 such as `::/0` holds IPv4 addresses.

    Raises:
        ValueError: not a CIDR block, or one of mapped addresses, which the product does not take for its ambiguity.
    """
    network = ipaddress.ip_network(cidr, strict=False)
    number, mask = int(network.network_address), int(network.netmask)
    if isinstance(network, ipaddress.IPv4Network):
        return Block(_MAPPED | number, _ALL_BITS & ~_IPV4_BITS | mask)
    if "/" in cidr and ipaddress.IPv6Address(cidr.partition("/")[0]).ipv4_mapped:
        raise ValueError("a block of IPv4 addresses mapped into IPv6 is ambiguous")
    return Block(number, mask)


@lru_cache(maxsize=65_536)
def _address(text: str) -> int | None:
    """Return the number of an address in IPv6, or None if the text is not an address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    number = int(address)
    return _MAPPED | number if isinstance(address, ipaddress.IPv4Address) else number


def in_blocks(text: str, blocks: tuple[Block, ...]) -> bool:
    """Return whether an address lies in one of `blocks`; what is not an address does not."""
    address = _address(text)
    return address is not None and any(address & one.mask == one.network for one in blocks)


def _cidr_match(source: Any, *cidrs: Any) -> bool:
    return in_blocks(text_of(source), tuple(block(text_of(cidr)) for cidr in cidrs))


def arithmetic(operator: str, left: Any, right: Any) -> int | float | None:
    """Return the result of an arithmetic operator as Java computes it: whole numbers stay whole, division truncates.

    Raises:
        FunctionError: a value that is not a number, or a whole number divided by zero.
    """
    if left is None or right is None:
        return None
    one, two = _numeric(left), _numeric(right)
    match operator:
        case "+":
            return one + two
        case "-":
            return one - two
        case "*":
            return one * two
        case _:
            return _divide(operator, one, two)


def _divide(operator: str, one: float, two: float) -> float:
    if isinstance(one, int) and isinstance(two, int):
        if two == 0:
            raise FunctionError("division by zero")
        quotient = abs(one) // abs(two) * (1 if (one < 0) == (two < 0) else -1)
        return quotient if operator == "/" else one - two * quotient
    if two == 0:
        undefined = operator == "%" or one == 0 or math.isnan(one)
        return math.nan if undefined else math.copysign(math.inf, one) * math.copysign(1, two)
    return one / two if operator == "/" else math.fmod(one, two)


def _numeric(value: Any) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _FLOAT.fullmatch(value):
        return int(value) if _INTEGER.fullmatch(value) else float(value)
    raise FunctionError(f"arithmetic needs a number, not {text_of(value)!r}")


def _operator(operator: str) -> Callable[[bool], Implementation]:
    return lambda _insensitive: lambda left, right: arithmetic(operator, left, right)


def _plain(function: Implementation) -> Callable[[bool], Implementation]:
    return lambda _insensitive: _null_safe(function)


_ALL = (
    Function("add", ("number", "number"), "number", _operator("+")),
    Function("between", ("text", "text", "text", "boolean"), "text", _between, optional=1, tilde=True),
    Function("cidrMatch", ("text", "text"), "boolean", _plain(_cidr_match), variadic=True),
    Function("concat", ("any",), "text", _plain(lambda *parts: "".join(map(text_of, parts))), variadic=True),
    Function("divide", ("number", "number"), "number", _operator("/")),
    Function("endsWith", ("text", "text"), "boolean", _folding(str.endswith), tilde=True),
    Function("indexOf", ("text", "text", "integer"), "integer", _index_of, optional=1, tilde=True),
    Function("length", ("text",), "integer", _plain(_length)),
    Function("modulo", ("number", "number"), "number", _operator("%")),
    Function("multiply", ("number", "number"), "number", _operator("*")),
    Function("number", ("text", "integer"), "number", _number_maker, optional=1),
    Function("startsWith", ("text", "text"), "boolean", _folding(str.startswith), tilde=True),
    Function("string", ("any",), "text", _plain(text_of)),
    Function("stringContains", ("text", "text"), "boolean", _folding(lambda a, b: bool(b) and b in a), tilde=True),
    Function("substring", ("text", "integer", "integer"), "text", _substring_maker, optional=1),
    Function("subtract", ("number", "number"), "number", _operator("-")),
)
FUNCTIONS = {function.name.lower(): function for function in _ALL}
