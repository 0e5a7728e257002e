"""Modifiers of the specification, applied to the values of a detection item by our own rules.

    names of modifiers, values of pySigma ──check the chain──> apply to each value ──> values of pySigma

pySigma applies modifiers when it parses a rule, and gets some wrong (1.5 encodes utf16 and base64offset outside ASCII
wrongly, and knows neither utf16le nor the long dashes of windash). So it parses values without modifiers, and what
they mean is computed here, as values that pipelines and backends of pySigma understand.

Encodings work on bytes: a part of a value is text until `wide` or `utf16*` makes it bytes, and `base64` makes these
text again. `all`, `neq`, `cased` and `expand` may stand anywhere in a chain: they do not change the text.

A value with a placeholder cannot be encoded before a pipeline has put something in its place. Its chain then waits,
and lowering applies it (`Chain.waiting`).
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import product
from typing import TYPE_CHECKING, Any

from sigma.modifiers import SigmaWideModifier, modifier_mapping, reverse_modifier_mapping
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

_TIMES = {part.name.lower(): part for part in TimestampPart}
_RANGES = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "week": (1, 53), "month": (1, 12), "year": (1, 9999)}
_COMPARE = {name: CompareOperators[name.upper()] for name in ("lt", "lte", "gt", "gte")}
_FLAGS = {
    "i": SigmaRegularExpressionFlag.IGNORECASE,
    "ignorecase": SigmaRegularExpressionFlag.IGNORECASE,
    "m": SigmaRegularExpressionFlag.MULTILINE,
    "multiline": SigmaRegularExpressionFlag.MULTILINE,
    "s": SigmaRegularExpressionFlag.DOTALL,
    "dotall": SigmaRegularExpressionFlag.DOTALL,
}
_AFFIXES = frozenset({"contains", "startswith", "endswith"})
_UTF16 = {"wide": "utf-16-le", "utf16le": "utf-16-le", "utf16be": "utf-16-be", "utf16": "utf-16-le"}
_BASE64 = frozenset({"base64", "base64offset"})
_ENCODINGS = _BASE64 | set(_UTF16)
_ANYWHERE = frozenset({"all", "neq", "cased", "expand"})
# A modifier that gives the value another type comes first; what may follow each.
_FOLLOW: dict[str, frozenset[str]] = {
    "re": frozenset({*_FLAGS, "contains"}),
    "fieldref": _AFFIXES,
    "cidr": frozenset(),
    "exists": frozenset(),
    **dict.fromkeys(_COMPARE, frozenset()),
    **dict.fromkeys(_TIMES, frozenset(_COMPARE)),
    "": _AFFIXES | _ENCODINGS | {"windash"},
}
_TAKES_TEXT = "it takes text: put quotes around the value"
_TAKES_NUMBER = "it takes a number, without quotes"

KNOWN_MODIFIERS: tuple[str, ...] = (*modifier_mapping, "utf16le")

_DASHES = ("-", "/", "\u2013", "\u2014", "\u2015")
_DASH = re.compile(r"\B[-/\u2013\u2014\u2015]\b")
_MAX_DASHES = 5
# A placeholder has a name without percent signs; a backslash before its first percent sign makes that one plain.
_PLACEHOLDER = re.compile(r"\\%|%([^%\\]+)%")


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
class _Link:
    """One modifier that changes the value, and where it stands in the chain."""

    name: str
    index: int


def string_of(parts: Iterable[Any], *, cased: bool = False) -> SigmaString:
    """Return a string of pySigma from parts."""
    made = SigmaCasedString() if cased else SigmaString()
    made.s = list(parts)
    return made


def has_placeholder(value: Any) -> bool:
    """Return whether a value of pySigma holds a placeholder."""
    return isinstance(value, SigmaString | SigmaRegularExpression) and value.contains_placeholder()


def apply_chain(
    chain: Chain, values: Sequence[Any], *, keyword: bool, value_place: PlaceOf, expanded: bool = False
) -> list[Any]:
    """Return the values of a detection item after its modifiers.

    Args:
        chain: which modifiers; its `waiting` is set when a placeholder has to be replaced first.
        values: as pySigma reads them without modifiers.
        keyword: there is no field.
        value_place: the place of a value by its index.
        expanded: placeholders have been dealt with.

    Raises:
        RuleError: the chain is not legal, or does not fit a value.
        RefusedError: what it means is not settled.
    """
    links = [_Link(name, index) for index, name in enumerate(chain.names) if name not in _ANYWHERE]
    head = links[0].name if links and links[0].name in _FOLLOW else ""
    _check_chain(chain, links, head, keyword=keyword)
    if head == "exists" and len(values) > 1:
        raise RuleError("exists takes one value, true or false", value_place(1), "it is true or false of an event")
    if "expand" in chain.names and not expanded:
        values = [_with_placeholders(value, head, value_place(index)) for index, value in enumerate(values)]
    needs_text = head in {"cidr", "fieldref"} or any(link.name in _ENCODINGS | {"windash"} for link in links)
    chain.waiting = needs_text and any(map(has_placeholder, values))
    if chain.waiting:
        return list(values)
    return [_Value(chain, links, head, value_place(index)).apply(value) for index, value in enumerate(values)]


def _check_chain(chain: Chain, links: Sequence[_Link], head: str, *, keyword: bool) -> None:
    """Refuse a chain that the specification does not allow, or that could be read in two ways."""

    def illegal(index: int, message: str, hint: str) -> None:
        raise RuleError(message, chain.place_of(index), hint)

    for link in links[1:] if head else links:
        name, index = link.name, link.index
        if name in _FOLLOW[head]:
            continue
        if name in _FLAGS:
            illegal(index, f"{name} is a flag of regular expressions", "it comes after re")
        if name in _FOLLOW and not (head in _COMPARE and name in _TIMES):
            hint = f"write {name} first" if not head else f"{head} and {name} cannot both say what the value is"
            illegal(index, f"{name} is only applicable to unmodified values", hint)
        if name in _TIMES:
            illegal(index, f"{name} cannot follow {head}", f"write {name}|{head}")
        if head == "re" and name in _AFFIXES:
            hint = f"write {'^ at its start' if name == 'startswith' else '$ at its end'}"
            raise RefusedError(f"{name} of a regular expression could be read in two ways", f"re {name}",
                               chain.place_of(index), hint)  # fmt: skip
        illegal(index, f"{name} cannot follow {head}", _follows(head))
    if head in _TIMES and len(links) > 2:  # noqa: PLR2004
        illegal(links[2].index, f"{links[2].name} cannot follow {links[1].name}", "write an item for each comparison")
    for index, name in enumerate(chain.names):
        if name == "cased" and head not in {"", "fieldref"}:
            hint = "a regular expression compares case unless it has i" if head == "re" else "leave it out"
            illegal(index, f"cased cannot be combined with {head}", hint)
        if name == "expand" and (head == "exists" or head in _COMPARE or head in _TIMES):
            illegal(index, f"expand cannot be combined with {head}", "placeholders stand in text")
        if keyword and (name == "cidr" or name == "exists" or name == "fieldref" or name in _COMPARE or name in _TIMES):
            illegal(index, f"a search without a field cannot be a {_KINDS.get(name, name)}", "give it a field")
        if keyword and name in {"startswith", "endswith"}:
            # A keyword is searched in every value and in the raw text: which of them should begin with it?
            raise RefusedError(f"{name} has no meaning without a field", f"keyword {name}", chain.place_of(index),
                               "give it a field, or leave it out")  # fmt: skip


_KINDS = {"cidr": "CIDR network", "exists": "check of presence", "fieldref": "reference to a field"} | dict.fromkeys(
    _COMPARE, "Comparison"
)


def _follows(head: str) -> str:
    allowed = sorted(_FOLLOW[head])
    return f"after {head} there may be {', '.join(allowed)}" if allowed else f"{head} stands alone"


def _with_placeholders(value: Any, head: str, place: Place | None) -> Any:
    """Return the value with placeholders where `%name%` was written; `\\%` is a plain percent sign."""
    if not isinstance(value, SigmaString):
        raise RuleError(f"the modifier expand does not take the value {value}", place, _TAKES_TEXT)
    parts: list[Any] = []
    for part in SigmaString(value.original, escape=False).s if head == "re" else value.s:
        if not isinstance(part, str):
            parts.append(part)
            continue
        text = ""
        used = 0
        for found in _PLACEHOLDER.finditer(part):
            text += part[used : found.start()]
            used = found.end()
            if found[1] is None:
                text += "%"
                continue
            parts.extend([text] if text else [])
            parts.append(Placeholder(found[1]))
            text = ""
        text += part[used:]
        parts.extend([text] if text else [])
    return string_of(parts)


class _Value:
    """The modifiers of one value."""

    def __init__(self, chain: Chain, links: Sequence[_Link], head: str, place: Place | None) -> None:
        self.chain = chain
        self.links = links
        self.head = head
        self.place = place

    def apply(self, value: Any) -> Any:
        if not self.links:
            if "cased" in self.chain.names:
                return string_of(self.text(value, "cased").s, cased=True)
            return value
        name = self.links[0].name
        match self.head:
            case "":
                return self.string(self.text(value, name))
            case "re":
                return self.regex(self.text(value, name))
            case "cidr":
                return self.network(self.text(value, name))
            case "fieldref":
                return self.reference(self.text(value, name))
            case "exists":
                if not isinstance(value, SigmaBool):
                    raise self.mismatch(name, value, "it takes true or false, without quotes")
                return SigmaExists(value.boolean)
            case _:
                return self.number(value)

    def text(self, value: Any, name: str) -> SigmaString:
        if not isinstance(value, SigmaString):
            raise self.mismatch(name, value, _TAKES_TEXT)
        return value

    def mismatch(self, name: str, value: Any, hint: str) -> RuleError:
        shown = value if isinstance(value, SigmaString | SigmaNumber) else str(value).lower()
        shown = "null" if type(value).__name__ == "SigmaNull" else shown
        return RuleError(f"the modifier {name} does not take the value {shown}", self.place, hint)

    def number(self, value: Any) -> Any:
        first, *rest = (link.name for link in self.links)
        if not isinstance(value, SigmaNumber):
            raise self.mismatch(first, value, _TAKES_NUMBER)
        if first in _COMPARE:
            return SigmaCompareExpression(value, _COMPARE[first])
        low, high = _RANGES[first]
        if not isinstance(value.number, int):
            raise self.mismatch(first, value, "it takes a whole number")
        if not rest and not low <= value.number <= high:
            raise RuleError(f"no time has the {first} {value.number}", self.place, f"{low} to {high}")
        part = SigmaTimestampPart(_TIMES[first], value.number)
        return SigmaCompareExpression(part, _COMPARE[rest[0]]) if rest else part

    def regex(self, value: SigmaString) -> SigmaRegularExpression:
        made = RawRegularExpression("", {_FLAGS[link.name] for link in self.links if link.name in _FLAGS})
        made.regexp = value if value.contains_placeholder() or "expand" in self.chain.names else SigmaString(
            value.original, escape=False
        )  # fmt: skip
        return made

    def network(self, value: SigmaString) -> SigmaCIDRExpression:
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

    def reference(self, value: SigmaString) -> SigmaFieldReference:
        if value.contains_special():
            raise RuleError("a field reference must not contain wildcards", self.place, "it is the name of a field")
        names = {link.name for link in self.links}
        both = "contains" in names
        return SigmaFieldReference(value.to_plain(), both or "startswith" in names, both or "endswith" in names)

    def string(self, value: SigmaString) -> Any:
        alternatives: list[list[Any]] = [list(value.s)]
        for link in self.links:
            alternatives = [new for parts in alternatives for new in self.step(link, parts)]
        cased = "cased" in self.chain.names
        made = {repr(parts): string_of(parts, cased=cased) for parts in map(self.as_text, alternatives)}
        strings = list(made.values())
        return strings[0] if len(strings) == 1 else SigmaExpansion(list(strings))

    def step(self, link: _Link, parts: list[Any]) -> list[list[Any]]:
        """Return the alternatives after one modifier."""
        name = link.name
        if name in _AFFIXES:
            many = SpecialChars.WILDCARD_MULTI
            before = [many] if name != "startswith" and parts[:1] != [many] else []
            after = [many] if name != "endswith" and parts[-1:] != [many] else []
            return [[*before, *parts, *after]]
        if any(isinstance(part, bytes) for part in parts) and name not in _BASE64:
            raise RuleError(f"{name} takes text, and the value is bytes already", self.chain.place_of(link.index),
                            "write it before the encoding")  # fmt: skip
        if name == "windash":
            return self.dashes(parts)
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

    def dashes(self, parts: list[Any]) -> list[list[Any]]:
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

    def as_text(self, parts: list[Any]) -> list[Any]:
        """Return the parts with bytes as the text that holds the same bytes; only ASCII is the same in every encoding."""
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


def refuse_modifiers(item: Any, place: Place | None) -> None:
    """Refuse modifiers that pySigma itself applied, in a detection item that a pipeline made, and applied wrongly.

    Args:
        item: a detection item of pySigma whose modifiers are no `Chain`.
        place: where the item is.

    Raises:
        RefusedError: naming the construct.
    """
    names = [reverse_modifier_mapping.get(modifier.__name__, modifier.__name__) for modifier in item.modifiers]
    for name in names:
        if name in _ENCODINGS or name == "windash":
            raise RefusedError(f"a pipeline adds an item with {name}, which pySigma applies its own way", name, place)
        if name in {"startswith", "endswith"} and item.field is None:
            raise RefusedError(f"{name} has no meaning without a field", f"keyword {name}", place, "give it a field")
