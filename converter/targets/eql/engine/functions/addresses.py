"""Functions of addresses: cidrMatch.

Source: docs "EQL function reference"; NOTES.md.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from converter.targets.eql.engine.functions.base import Function, FunctionError, plain
from converter.targets.eql.engine.strings import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.targets.eql.engine.strings import Test

_ALL_BITS = 2**128 - 1
_IPV4_BITS = 2**32 - 1
_MAPPED = 0xFFFF << 32


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
        FunctionError: not a CIDR block, or one of mapped addresses, which the product does not take for its ambiguity.
    """
    try:
        return _block(cidr)
    except ValueError as error:
        raise FunctionError(f"{cidr!r} is not an address block: {error}") from None


def _block(cidr: str) -> Block:
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
    return address is not None and any(address & known.mask == known.network for known in blocks)


def _cidr_match(source: Any, *cidrs: Any) -> bool:
    return in_blocks(text_of(source), tuple(block(text_of(cidr)) for cidr in cidrs))


def _on_field(constants: Sequence[str], _insensitive: bool) -> Test:  # noqa: FBT001 - as all tests of fields
    blocks = tuple(map(block, constants))
    return lambda text: in_blocks(text, blocks)


def _check(_position: int, value: Any) -> tuple[str, str] | None:
    if isinstance(value, str):
        try:
            block(value)
        except FunctionError as error:
            return str(error), 'write "10.0.0.0/8"'
    return None


FUNCTIONS = (
    Function(
        name="cidrMatch",
        parameters=("text", "text"),
        returns="boolean",
        make=plain(_cidr_match),
        variadic=True,
        constants=1,
        check=_check,
        on_field=_on_field,
    ),
)
