"""Functions of addresses: CIDR_MATCH.

Source: Elasticsearch docs "CIDR_MATCH"; vendor cases `ip.csv-spec`.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING

from converter.targets.esql.engine.bound import STRINGS, Bound, Context, expect, expect_constant, lift
from converter.targets.esql.engine.functions.base import Function
from converter.targets.esql.engine.operators import as_ip
from converter.targets.esql.engine.types import Type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.readers.source import Span

_BLOCK = "CIDR_MATCH with a block that is null or a list"


def _cidr_match(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    """Whether an address is in one of the blocks."""
    address = arguments[0]
    if address.observed and address.type is Type.KEYWORD:
        address = as_ip(address)
    expect(context, "CIDR_MATCH", address, (Type.IP,), "an address")
    for block in arguments[1:]:
        expect(context, "CIDR_MATCH", block, STRINGS, "a string")
    for block in arguments[1:]:
        value = expect_constant(context, "CIDR_MATCH", block, "block")
        if isinstance(value, str):
            try:
                _block(value)
            except ValueError:
                raise context.error(
                    f"{value!r} is not a block of addresses", block.span, 'such as "10.0.0.0/8"'
                ) from None
    blocks = tuple(_block(block.value) for block in arguments[1:] if isinstance(block.value, str))
    if len(blocks) < len(arguments) - 1:
        raise context.refused(_BLOCK, span)
    return lift(
        context, span, (address,), Type.BOOLEAN, lambda packed: any(low <= packed <= high for low, high in blocks)
    )


@lru_cache(maxsize=256)
def _block(text: str) -> tuple[bytes, bytes]:
    """Return the first and last address of a block; an address alone is a block of one.

    Raises:
        ValueError: it is none.
    """
    network = ipaddress.ip_network(text, strict=False)
    written = ipaddress.ip_address(text.partition("/")[0])
    if "/" in text and isinstance(written, ipaddress.IPv6Address) and written.ipv4_mapped is not None:
        raise ValueError("whose length could be meant in either family")
    first, last = network[0].packed, network[-1].packed
    prefix = b"\0" * 10 + b"\xff\xff" if len(first) == 4 else b""  # noqa: PLR2004
    return prefix + first, prefix + last


FUNCTIONS = {"cidr_match": Function(_cidr_match, 2, None, single="always", refuses=(_BLOCK,))}
