"""Read addresses, and blocks of them, as fields of the type ip and queries on these do.

    string ──packed──> 16 bytes, which compare as addresses do          string ──block──> (first, last) of these

Every address is one of IPv6 to an index; an IPv4 address is the one that it is mapped to. So `::/0` holds IPv4
addresses, and 10.0.0.1 is `::ffff:10.0.0.1`. Sources: NOTES.md, "Addresses".
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Block: TypeAlias = tuple[bytes, bytes]

_MAPPED = b"\0" * 10 + b"\xff\xff"
_BITS, _V4_BITS = 128, 32
# A hextet may have any number of leading zeros, which Python does not take.
_LEADING_ZEROS = re.compile(r"(?<![0-9A-Fa-f.])0+(?=[0-9A-Fa-f]+(?::|$))")
_LENGTH = re.compile(r"[+-]?\d{1,10}")


@lru_cache(maxsize=65536)
def packed(text: str) -> bytes | None:
    """Return the 16 bytes of an address, or None if the text is not one; a zone (`%eth0`) is left out."""
    address, percent, zone = text.partition("%")
    if percent and not zone:
        return None
    if ":" in address:
        address = _LEADING_ZEROS.sub("", address)
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return parsed.packed if isinstance(parsed, IPv6Address) else _MAPPED + parsed.packed


@lru_cache(maxsize=65536)
def shown(address: bytes) -> str:
    """Return the shortest usual way to write 16 bytes as an address."""
    parsed = IPv6Address(address)
    mapped = parsed.ipv4_mapped
    return str(mapped) if mapped else parsed.compressed


@lru_cache(maxsize=1024)
def block(text: str) -> Block:
    """Return the first and the last address of a block; without a length it is one address.

    Bits beyond the length may be set.

    Raises:
        ValueError: not an address with a length in decimal digits, or a block of mapped addresses, whose length could
            be meant in either family.
    """
    base, slash, length = text.partition("/")
    address = packed(base)
    if address is None:
        raise ValueError(f"{base!r} is not an address")
    if not slash:
        return address, address
    bits = _V4_BITS if ":" not in base else _BITS
    if bits == _BITS and address.startswith(_MAPPED):
        raise ValueError("a block of IPv4 addresses mapped into IPv6 is ambiguous")
    if _LENGTH.fullmatch(length) is None or not 0 <= int(length) <= bits:
        raise ValueError(f"{length!r} is not a length of 0 to {bits}")
    free = (1 << (bits - int(length))) - 1
    number = int.from_bytes(address, "big")
    return (number & ~free).to_bytes(16, "big"), (number | free).to_bytes(16, "big")


def inside(text: str, blocks: Iterable[Block]) -> bool:
    """Return whether an address lies in one of the blocks; what is not an address does not."""
    address = packed(text)
    return address is not None and any(first <= address <= last for first, last in blocks)
