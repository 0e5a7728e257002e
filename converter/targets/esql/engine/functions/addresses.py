"""Functions of addresses: CIDR_MATCH.

Source: Elasticsearch docs "CIDR_MATCH"; vendor cases `ip.csv-spec`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.products.elastic import addresses
from converter.targets.esql.engine.functions.base import Function
from converter.targets.esql.engine.language.bound import STRINGS, Bound, Context, expect, expect_constant, lift
from converter.targets.esql.engine.language.operators import as_ip
from converter.targets.esql.engine.language.types import Type

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
                addresses.block(value)
            except ValueError:
                raise context.error(
                    f"{value!r} is not a block of addresses", block.span, 'such as "10.0.0.0/8"'
                ) from None
    blocks = tuple(addresses.block(block.value) for block in arguments[1:] if isinstance(block.value, str))
    if len(blocks) < len(arguments) - 1:
        raise context.refused(_BLOCK, span)
    return lift(
        context, span, (address,), Type.BOOLEAN, lambda packed: any(low <= packed <= high for low, high in blocks)
    )


FUNCTIONS = {"cidr_match": Function(_cidr_match, 2, None, single="always", refuses=(_BLOCK,))}
