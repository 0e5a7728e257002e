"""Functions of addresses: cidrMatch.

Source: docs "EQL function reference"; NOTES.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.products.elastic.addresses import block, inside
from converter.products.elastic.values import java_text
from converter.targets.eql.engine.functions.base import Function, FunctionError, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.products.elastic.addresses import Block
    from converter.products.elastic.patterns import Test


def _block(cidr: str) -> Block:
    """Return an address block; an address alone is a block of one. Raises FunctionError."""
    try:
        return block(cidr)
    except ValueError as error:
        raise FunctionError(f"{cidr!r} is not an address block: {error}") from None


def _cidr_match(source: Any, *cidrs: Any) -> bool:
    return inside(java_text(source), [_block(java_text(cidr)) for cidr in cidrs])


def _on_field(constants: Sequence[str], _insensitive: bool) -> Test:  # noqa: FBT001 - as all tests of fields
    blocks = tuple(map(_block, constants))
    return lambda text: inside(text, blocks)


def _check(_position: int, value: Any) -> tuple[str, str] | None:
    if isinstance(value, str):
        try:
            _block(value)
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
