"""Apply modifiers to one value: to its string, its bytes or its type.

    pySigma's value, modifiers that fit it ──one by one──> pySigma's value, or several alternatives

Encodings work on bytes: a part of a value is a string until `wide` or `utf16*` makes it bytes, and `base64` makes bytes
a string again. Bytes that remain at the end are compared as a string if they are ASCII, and refused otherwise.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import product
from typing import TYPE_CHECKING, Any

from sigma.modifiers import SigmaWideModifier, modifier_mapping
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
    TimestampPart,
)

from converter.errors import RefusedError, RuleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from converter.errors import Place

    PlaceOf = Callable[[int], Place | None]

TIMES = {part.name.lower(): part for part in TimestampPart}
_RANGES = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "week": (1, 53), "month": (1, 12), "year": (1, 9999)}
COMPARE = {name: CompareOperators[name.upper()] for name in ("lt", "lte", "gt", "gte")}
FLAGS = {
    "i": SigmaRegularExpressionFlag.IGNORECASE,
    "ignorecase": SigmaRegularExpressionFlag.IGNORECASE,
    "m": SigmaRegularExpressionFlag.MULTILINE,
    "multiline": SigmaRegularExpressionFlag.MULTILINE,
    "s": SigmaRegularExpressionFlag.DOTALL,
    "dotall": SigmaRegularExpressionFlag.DOTALL,
}
AFFIXES = frozenset({"contains", "startswith", "endswith"})
_UTF16 = {"wide": "utf-16-le", "utf16le": "utf-16-le", "utf16be": "utf-16-be", "utf16": "utf-16-le"}
_BASE64 = frozenset({"base64", "base64offset"})
ENCODINGS = _BASE64 | set(_UTF16)
TAKES_TEXT = "it takes text: put quotes around the value"
_TAKES_NUMBER = "it takes a number, without quotes"
_DASHES = ("-", "/", "\u2013", "\u2014", "\u2015")
_DASH = re.compile(r"\B[-/\u2013\u2014\u2015]\b")
_MAX_DASHES = 5


class Chain(list[Any]):
    """The modifiers of a detection item: applied to its values already, or waiting for placeholders to be expanded.

    A list of pySigma's modifier classes, which stays with an item when pySigma copies or replaces it.

    Attributes:
        names: the modifiers as written, in order.
        waiting: whether the modifiers are still to be applied, because a value holds a placeholder.
        place_of: returns the place of a modifier by its index.
    """

    names: tuple[str, ...]
    waiting: bool
    place_of: PlaceOf

    @classmethod
    def of(cls, names: Sequence[str], place_of: PlaceOf) -> Chain:
        """Return the chain of these names."""
        chain = cls(modifier_mapping.get(name, SigmaWideModifier) for name in names)
        chain.names, chain.waiting, chain.place_of = tuple(names), False, place_of
        return chain


class RawRegularExpression(SigmaRegularExpression):
    """A regular expression that pySigma does not check: it would check for Python's or RE2's syntax, not PCRE's."""

    def compile(self) -> None:
        """Do nothing: lowering checks the expression, and knows its place."""

    def replace_placeholders(self, callback: Callable[[Placeholder], Iterator[Any]]) -> list[SigmaRegularExpression]:
        """Return an expression for each combination of the callback's values, which are inserted as written."""
        choices: list[list[Any]] = []
        for part in self.regexp.s:
            if isinstance(part, Placeholder):
                choices.append([list(SigmaString(value.original, escape=False).s) if isinstance(value, SigmaString)
                                else [value] for value in callback(part)])  # fmt: skip
            else:
                choices.append([[part]])
        expressions: list[SigmaRegularExpression] = []
        for combination in product(*choices):
            expression = RawRegularExpression("", set(self.flags))
            expression.regexp = string_of(part for parts in combination for part in parts)
            expressions.append(expression)
        return expressions


@dataclass(frozen=True, slots=True)
class Link:
    """A modifier that changes the value, with its index in the chain."""

    name: str
    index: int


def string_of(parts: Iterable[Any], *, cased: bool = False) -> SigmaString:
    """Return pySigma's string with these parts."""
    string = SigmaCasedString() if cased else SigmaString()
    string.s = list(parts)
    return string


class Value:
    """The application of modifiers to one value."""

    def __init__(self, chain: Chain, links: Sequence[Link], head: str, place: Place | None) -> None:
        self.chain = chain
        self.links = links
        self.head = head
        self.place = place

    def apply(self, value: Any) -> Any:
        """Return the value with the modifiers applied. Raises as `apply_chain`."""
        if not self.links:
            if "cased" in self.chain.names:
                return string_of(self._text(value, "cased").s, cased=True)
            return value
        name = self.links[0].name
        match self.head:
            case "":
                return self._string(self._text(value, name))
            case "re":
                return self._regex(self._text(value, name))
            case "cidr":
                return self._network(self._text(value, name))
            case "fieldref":
                return self._reference(self._text(value, name))
            case "exists":
                if not isinstance(value, SigmaBool):
                    raise self._mismatch(name, value, "it takes true or false, without quotes")
                return SigmaExists(value.boolean)
            case _:
                return self._number(value)

    def _text(self, value: Any, name: str) -> SigmaString:
        if not isinstance(value, SigmaString):
            raise self._mismatch(name, value, TAKES_TEXT)
        return value

    def _mismatch(self, name: str, value: Any, hint: str) -> RuleError:
        shown = value if isinstance(value, SigmaString | SigmaNumber) else str(value).lower()
        shown = "null" if type(value).__name__ == "SigmaNull" else shown
        return RuleError(f"the modifier {name} does not take the value {shown}", self.place, hint)

    def _number(self, value: Any) -> Any:
        first, *rest = (link.name for link in self.links)
        if not isinstance(value, SigmaNumber):
            raise self._mismatch(first, value, _TAKES_NUMBER)
        if first in COMPARE:
            return SigmaCompareExpression(value, COMPARE[first])
        low, high = _RANGES[first]
        if not isinstance(value.number, int):
            raise self._mismatch(first, value, "it takes a whole number")
        if not rest and not low <= value.number <= high:
            raise RuleError(f"{value.number} is not a valid {first}", self.place, f"{low} to {high}")
        part = SigmaTimestampPart(TIMES[first], value.number)
        return SigmaCompareExpression(part, COMPARE[rest[0]]) if rest else part

    def _regex(self, value: SigmaString) -> SigmaRegularExpression:
        expression = RawRegularExpression("", {FLAGS[link.name] for link in self.links if link.name in FLAGS})
        expression.regexp = value if value.contains_placeholder() or "expand" in self.chain.names else SigmaString(
            value.original, escape=False
        )  # fmt: skip
        return expression

    def _network(self, value: SigmaString) -> SigmaCIDRExpression:
        network = str(value)
        try:
            ip_network(network)
        except ValueError as error:
            try:
                hint = f"write {ip_network(network, strict=False)}"
            except ValueError:
                hint = "for example 10.0.0.0/8 or fe80::/10"
            raise RuleError(f"Invalid CIDR expression: {error}", self.place, hint) from None
        return SigmaCIDRExpression(network)

    def _reference(self, value: SigmaString) -> SigmaFieldReference:
        if value.contains_special():
            raise RuleError(
                "a field reference must not contain wildcards", self.place, "its value is the name of a field"
            )
        names = {link.name for link in self.links}
        both = "contains" in names
        return SigmaFieldReference(value.to_plain(), both or "startswith" in names, both or "endswith" in names)

    def _string(self, value: SigmaString) -> Any:
        alternatives: list[list[Any]] = [list(value.s)]
        for link in self.links:
            alternatives = [new for parts in alternatives for new in self._step(link, parts)]
        cased = "cased" in self.chain.names
        strings = {repr(parts): string_of(parts, cased=cased) for parts in map(self._as_text, alternatives)}
        distinct = list(strings.values())
        return distinct[0] if len(distinct) == 1 else SigmaExpansion(list(distinct))

    def _step(self, link: Link, parts: list[Any]) -> list[list[Any]]:
        """Return the alternatives after one modifier."""
        name = link.name
        if name in AFFIXES:
            many = SpecialChars.WILDCARD_MULTI
            before = [many] if name != "startswith" and parts[:1] != [many] else []
            after = [many] if name != "endswith" and parts[-1:] != [many] else []
            return [[*before, *parts, *after]]
        if any(isinstance(part, bytes) for part in parts) and name not in _BASE64:
            raise RuleError(f"{name} takes text, and the value is already bytes", self.chain.place_of(link.index),
                            "write it before the encoding")  # fmt: skip
        if name == "windash":
            return self._dashes(parts)
        if name in _UTF16:
            return [_utf16(parts, name)]
        if any(not isinstance(part, str | bytes) for part in parts):
            raise RuleError(f"{name} of a value with wildcards is not allowed", self.place,
                            f"write {name} before contains, startswith and endswith; "
                            "write \\* or \\? for a literal star or question mark")  # fmt: skip
        data = b"".join(part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass") for part in parts)
        if name == "base64":
            return [[b64encode(data).decode()]]
        if len(data) < 2:  # noqa: PLR2004
            raise RefusedError("base64offset needs at least two bytes", "base64offset of one byte",
                               self.place, "write a longer value")  # fmt: skip
        return [[_fragment(data, shift)] for shift in range(3)]

    def _dashes(self, parts: list[Any]) -> list[list[Any]]:
        choices: list[tuple[Any, ...]] = []
        count = 0
        for part in parts:
            if not isinstance(part, str):
                choices.append((part,))
                continue
            used = 0
            for dash in _DASH.finditer(part):
                choices += [(part[used : dash.start()],), _DASHES]
                used = dash.end()
                count += 1
            choices.append((part[used:],))
        if count > _MAX_DASHES:
            raise RefusedError(
                f"windash of {count} dashes is {len(_DASHES)}^{count} strings", f"windash of more than {_MAX_DASHES}",
                self.place, "write several values with fewer dashes, joined by `all`",
            )  # fmt: skip
        return [_merged(combination) for combination in product(*choices)]

    def _as_text(self, parts: list[Any]) -> list[Any]:
        """Return the parts with bytes decoded; only ASCII is the same in every encoding."""
        if not any(isinstance(part, bytes) for part in parts):
            return parts
        link = next(link for link in self.links if link.name in _UTF16)
        if any(isinstance(part, bytes) and not part.isascii() for part in parts):
            what = "without base64" if link.name == "utf16" else "outside ASCII without base64"
            raise RefusedError(f"{link.name} {what} makes bytes that are not text", f"{link.name} {what}",
                               self.chain.place_of(link.index), "encode them: |base64 or |base64offset")  # fmt: skip
        return _merged(part.decode("ascii") if isinstance(part, bytes) else part for part in parts)


def _utf16(parts: Iterable[Any], name: str) -> list[Any]:
    """Return the parts encoded in UTF-16; a `?` becomes two, one for each byte of a character."""
    encoded: list[Any] = [b"\xff\xfe"] if name == "utf16" else []
    for part in parts:
        if isinstance(part, str):
            encoded.append(part.encode(_UTF16[name], "surrogatepass"))
        else:
            encoded += [part] * (2 if part is SpecialChars.WILDCARD_SINGLE else 1)
    return encoded


def _fragment(data: bytes, shift: int) -> str:
    """Return the base64 characters of the data alone, if `shift` bytes precede it and any bytes follow.

    A character holds 6 bits; characters that also hold bits of other bytes are left out.
    """
    encoded = b64encode(b"\0" * shift + data).decode().rstrip("=")
    first = (8 * shift + 5) // 6
    last = 8 * (shift + len(data)) // 6
    return encoded[first:last]


def _merged(parts: Iterable[Any]) -> list[Any]:
    """Return the parts with adjacent strings joined and empty ones left out."""
    merged: list[Any] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    return merged
