"""Modifiers that pySigma applies wrongly, or whose meaning is not settled: refused by name before a value is lowered.

    detection item, names of its modifiers ──> nothing, or RefusedError

A value that comes out nearly right would never be noticed; each check says what would be wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sigma.types import SigmaString

from converter.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sigma.rule import SigmaDetectionItem

    from converter.errors import Place

# pySigma 1.5 puts a UTF-8 byte order mark before utf16 and leaves utf16be readable only as UTF-8 (fixed in 2.0.1).
_UTF16 = frozenset({"utf16", "utf16be", "utf16le"})
_LONG_DASHES = frozenset("\u2013\u2014\u2015")


def refuse_modifiers(item: SigmaDetectionItem, modifiers: Sequence[str], place: Place | None) -> None:
    """Refuse what cannot be lowered as the specification means it.

    Args:
        item: a detection item, modifiers applied.
        modifiers: their names, in order.
        place: where the item is.

    Raises:
        RefusedError: naming the construct.
    """

    def refuse(construct: str, message: str, hint: str = "") -> None:
        raise RefusedError(message, construct, place, hint)

    for name in modifiers:
        if name in _UTF16:
            refuse(name, f"the modifier {name} is not supported yet")
        if name in {"startswith", "endswith"} and item.field is None:
            # A keyword is searched in every value and in the raw text: which of them should begin with it?
            refuse(f"keyword {name}", f"{name} has no meaning without a field", "give it a field, or leave it out")
    if {"cased", "fieldref"} <= set(modifiers):
        refuse("cased fieldref", "comparing two fields with their case is not supported yet")
    # Values as they are in the rule; a pipeline may have thrown them away, but then this was checked before it.
    texts = [
        part
        for value in item.original_value or ()
        if isinstance(value, SigmaString)
        for part in value.s
        if isinstance(part, str)
    ]
    if "windash" in modifiers and any(_LONG_DASHES & set(text) for text in texts):
        refuse("windash of a long dash", "windash replaces only - and / so far", "write the value with -")
    encoding = next((name for name in modifiers if name.startswith("base64")), None)
    if encoding is not None and any("*" in text or "?" in text for text in texts):
        # pySigma encodes the backslash that escapes them as well.
        refuse(f"{encoding} of * or ?", f"{encoding} of a plain * or ? is not supported yet", "write the encoded value")
    # pySigma counts characters where bytes are meant; windash adds dashes outside ASCII.
    outside = "windash" in modifiers or not all(text.isascii() for text in texts)
    if outside and "base64offset" in modifiers and "wide" not in modifiers:
        refuse("base64offset outside ASCII", "base64offset of text outside ASCII is not supported yet")
