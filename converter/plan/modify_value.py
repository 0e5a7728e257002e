"""The modifiers of one value: text, bytes and types.

    value of pySigma, modifiers that fit it ──one by one──> value of pySigma, or several of which each will do

Encodings work on bytes: a part of a value is text until `wide` or `utf16*` makes it bytes, and `base64` makes these
text again. What is bytes at the end is compared as text, as far as it is ASCII.
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
    """The modifiers of a detection item, whose effect on its values has been computed here, or waits for placeholders.

    pySigma copies detection items and replaces them, but this list stays with each. It holds pySigma's classes.

    Attributes:
        names: the modifiers as written, in order.
        waiting: a value holds a placeholder, so the modifiers are still to be applied.
        place_of: the place of a modifier by its index.
    """

    names: tuple[str, ...]
    waiting: bool
    place_of: PlaceOf

    @classmethod
    def of(cls, names: Sequence[str], place_of: PlaceOf) -> Chain:
        """Return the chain of these names."""
        made = cls(modifier_mapping.get(name, SigmaWideModifier) for name in names)
        made.names, made.waiting, made.place_of = tuple(names), False, place_of
        return made


class RawRegularExpression(SigmaRegularExpression):
    """A regular expression that pySigma does not check: it knows the flavour of Python, or RE2, and rules have PCRE."""

    def compile(self) -> None:
        """Do nothing; lowering checks the expression, and says where it is."""

    def replace_placeholders(self, callback: Callable[[Placeholder], Iterator[Any]]) -> list[SigmaRegularExpression]:
        """Return an expression for each combination of what the callback gives; values stand in it as written."""
        choices: list[list[Any]] = []
        for part in self.regexp.s:
            if isinstance(part, Placeholder):
                found = list(callback(part))
                choices.append([list(SigmaString(one.original, escape=False).s) if isinstance(one, SigmaString)
                                else [one] for one in found])  # fmt: skip
            else:
                choices.append([[part]])
        made = []
        for combination in product(*choices):
            one = RawRegularExpression("", set(self.flags))
            one.regexp = string_of(part for parts in combination for part in parts)
            made.append(one)
        return list(made)


@dataclass(frozen=True, slots=True)
class Link:
    """One modifier that changes the value, and where it stands in the chain."""

    name: str
    index: int


def string_of(parts: Iterable[Any], *, cased: bool = False) -> SigmaString:
    """Return a string of pySigma from parts."""
    made = SigmaCasedString() if cased else SigmaString()
    made.s = list(parts)
    return made


class Value:
    """The modifiers of one value."""

    def __init__(self, chain: Chain, links: Sequence[Link], head: str, place: Place | None) -> None:
        self.chain = chain
        self.links = links
        self.head = head
        self.place = place

    def apply(self, value: Any) -> Any:
        """Return the value after the modifiers. Raises as `apply_chain`."""
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
            raise RuleError(f"no time has the {first} {value.number}", self.place, f"{low} to {high}")
        part = SigmaTimestampPart(TIMES[first], value.number)
        return SigmaCompareExpression(part, COMPARE[rest[0]]) if rest else part

    def _regex(self, value: SigmaString) -> SigmaRegularExpression:
        made = RawRegularExpression("", {FLAGS[link.name] for link in self.links if link.name in FLAGS})
        made.regexp = value if value.contains_placeholder() or "expand" in self.chain.names else SigmaString(
            value.original, escape=False
        )  # fmt: skip
        return made

    def _network(self, value: SigmaString) -> SigmaCIDRExpression:
        text = str(value)
        try:
            ip_network(text)
        except ValueError as bad:
            try:
                hint = f"write {ip_network(text, strict=False)}"
            except ValueError:
                hint = "for example 10.0.0.0/8 or fe80::/10"
            raise RuleError(f"Invalid CIDR expression: {bad}", self.place, hint) from None
        return SigmaCIDRExpression(text)

    def _reference(self, value: SigmaString) -> SigmaFieldReference:
        if value.contains_special():
            raise RuleError("a field reference must not contain wildcards", self.place, "it is the name of a field")
        names = {link.name for link in self.links}
        both = "contains" in names
        return SigmaFieldReference(value.to_plain(), both or "startswith" in names, both or "endswith" in names)

    def _string(self, value: SigmaString) -> Any:
        alternatives: list[list[Any]] = [list(value.s)]
        for link in self.links:
            alternatives = [new for parts in alternatives for new in self._step(link, parts)]
        cased = "cased" in self.chain.names
        made = {repr(parts): string_of(parts, cased=cased) for parts in map(self._as_text, alternatives)}
        strings = list(made.values())
        return strings[0] if len(strings) == 1 else SigmaExpansion(list(strings))

    def _step(self, link: Link, parts: list[Any]) -> list[list[Any]]:
        """Return the alternatives after one modifier."""
        name = link.name
        if name in AFFIXES:
            many = SpecialChars.WILDCARD_MULTI
            before = [many] if name != "startswith" and parts[:1] != [many] else []
            after = [many] if name != "endswith" and parts[-1:] != [many] else []
            return [[*before, *parts, *after]]
        if any(isinstance(part, bytes) for part in parts) and name not in _BASE64:
            raise RuleError(f"{name} takes text, and the value is bytes already", self.chain.place_of(link.index),
                            "write it before the encoding")  # fmt: skip
        if name == "windash":
            return self._dashes(parts)
        if name in _UTF16:
            return [_utf16(parts, name)]
        if any(not isinstance(part, str | bytes) for part in parts):
            raise RuleError(f"{name} of a value with wildcards is not allowed", self.place,
                            f"write {name} before contains, startswith and endswith; "
                            "write \\* or \\? for a plain star or question mark")  # fmt: skip
        data = b"".join(part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass") for part in parts)
        if name == "base64":
            return [[b64encode(data).decode()]]
        if len(data) < 2:  # noqa: PLR2004
            raise RefusedError("one byte leaves no trace in base64 at some offsets", "base64offset of one byte",
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
            for found in _DASH.finditer(part):
                choices += [(part[used : found.start()],), _DASHES]
                used = found.end()
                count += 1
            choices.append((part[used:],))
        if count > _MAX_DASHES:
            raise RefusedError(
                f"windash of {count} dashes is {len(_DASHES)}^{count} strings", f"windash of more than {_MAX_DASHES}",
                self.place, "write several values with fewer dashes, joined by `all`",
            )  # fmt: skip
        return [_merged(combination) for combination in product(*choices)]

    def _as_text(self, parts: list[Any]) -> list[Any]:
        """Return the parts with bytes as the text that holds the same; only ASCII is the same in every encoding."""
        if not any(isinstance(part, bytes) for part in parts):
            return parts
        link = next(link for link in self.links if link.name in _UTF16)
        if any(isinstance(part, bytes) and not part.isascii() for part in parts):
            what = "without base64" if link.name == "utf16" else "outside ASCII without base64"
            raise RefusedError(f"{link.name} {what} makes bytes that are no text", f"{link.name} {what}",
                               self.chain.place_of(link.index), "encode them: |base64 or |base64offset")  # fmt: skip
        return _merged(part.decode("ascii") if isinstance(part, bytes) else part for part in parts)


def _utf16(parts: Iterable[Any], name: str) -> list[Any]:
    """Return the parts in UTF-16; `?` is the two bytes of a character."""
    made: list[Any] = [b"\xff\xfe"] if name == "utf16" else []
    for part in parts:
        if isinstance(part, str):
            made.append(part.encode(_UTF16[name], "surrogatepass"))
        else:
            made += [part] * (2 if part is SpecialChars.WILDCARD_SINGLE else 1)
    return made


def _fragment(data: bytes, shift: int) -> str:
    """Return the part of the base64 text that is the same whatever stands `shift` bytes before the data, and after it.

    A character holds 6 bits: those that hold a bit of a neighbour are left out.
    """
    text = b64encode(b"\0" * shift + data).decode().rstrip("=")
    first = (8 * shift + 5) // 6
    last = 8 * (shift + len(data)) // 6
    return text[first:last]


def _merged(parts: Iterable[Any]) -> list[Any]:
    """Return the parts with neighbouring texts joined and empty ones left out."""
    made: list[Any] = []
    for part in parts:
        if isinstance(part, str) and made and isinstance(made[-1], str):
            made[-1] += part
        elif part != "":
            made.append(part)
    return made
