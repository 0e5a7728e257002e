"""Generate values of one field that meet a rule's leaves, and values that nearly do.

    leaves to meet + leaves to miss ──compose──> candidates ──checked by the reference──> value
    value ──nearly──> the same except for its case, a character, its type, ...

The reference checks each candidate, so that nothing here needs to know the exact meaning of a leaf.
"""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address
from typing import TYPE_CHECKING, Any, Final

from converter.harness.generate.regex import sample_regex
from converter.plan import nodes as ir
from converter.reference.match import matches

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv6Network
    from random import Random


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()

_TRIES = 16
_PLAIN = ("", "", "x", "abc", "a b", "7", "-", "_")
# Strings that are hard for regular expressions, wildcards, quoting, line ends and case folding.
_ODD = (
    "\\", "\\\\", "\\\\\\", "C:\\", "/", ".", "*", "?", "\\*", "[a]", "(b", "{1}", "+", "|", "^", "$", "\n", "\r\n",
    "\t", '"', '\\"', "'", "`x`", "%", "$x$", "=", "#", ",", "\\n", "\\d", "\x0b", "\x85", "\u2028", " NOT ", " OR ",
    "ä", "É", "ß", "ς", "日本", "\U0001f600", "é", "<", "&", "}", "0", "1.0", " ", "\xa0",
)  # fmt: skip
_ONE = "xX1. \\*?[(+|^$\n\t\"'`%=äÉß日\U0001f600"
_SIMILAR = {"k": "\u212a", "s": "\u017f", "i": "\u0131", "I": "\u0130", "a": "\u0430", "e": "é", "o": "0", "ä": "Ä"}


def value_for(
    meet: Sequence[ir.FieldNode], miss: Sequence[ir.FieldNode], field: str, chance: Random
) -> tuple[Any, bool]:
    """Return a value (or MISSING), and whether it meets all leaves of `meet` and none of `miss`."""
    last: Any = MISSING
    for attempt in range(_TRIES):
        last = _compose(meet, attempt, chance) if meet else _avoid(miss, attempt, chance)
        event = {} if last is MISSING else {field: last}
        if all(matches(leaf, event) for leaf in meet) and not any(matches(leaf, event) for leaf in miss):
            return last, True
    return last, False


def _avoid(miss: Sequence[ir.FieldNode], attempt: int, chance: Random) -> Any:
    """Return a value that is likely to meet no leaf: no value at all, or nearly one that would meet a leaf."""
    if attempt == 0 and chance.random() < 0.5:  # noqa: PLR2004
        return MISSING
    if attempt < _TRIES // 2:
        return nearly(_compose([chance.choice(miss)], attempt, chance), chance)
    return chance.choice((MISSING, filler(chance), "other", 0, "")) if attempt < _TRIES - 2 else "unlike anything"


def _compose(meet: Sequence[ir.FieldNode], attempt: int, chance: Random) -> Any:
    """Return a value that is likely to meet all leaves."""
    first = meet[0]
    if len(meet) == 1:
        return _single(first, chance)
    if all(isinstance(leaf, ir.StringMatch | ir.Regex) for leaf in meet):
        return _joined(meet, attempt, chance)
    # Numbers, networks, presence: one leaf gives the value, which may meet the others as well.
    return _single(
        chance.choice([leaf for leaf in meet if isinstance(leaf, ir.NumberCompare | ir.Cidr)] or meet), chance
    )


def _single(leaf: ir.FieldNode, chance: Random) -> Any:
    match leaf:
        case ir.StringMatch(pattern=pattern, cased=cased):
            string = _expanded(pattern, chance, cased=cased)
            return int(string) if string.isascii() and string.isdigit() and chance.random() < 0.3 else string  # noqa: PLR2004
        case ir.NumberMatch(number=number):
            return chance.choice(_spellings(number))
        case ir.NumberCompare(number=number):
            return chance.choice(_spellings(number + chance.choice((0, 0, 1, -1, 0.5, -0.5, 1000, -1000))))
        case ir.BoolMatch(value=value):
            return chance.choice((value, str(value), str(value).lower(), str(value).upper()))
        case ir.Regex(pattern=pattern, flags=flags):
            around = (filler(chance), filler(chance)) if chance.random() < 0.4 else ("", "")  # noqa: PLR2004
            return around[0] + sample_regex(pattern, flags, chance) + around[1]
        case ir.Cidr(network=network):
            return _address(network, chance)
        case ir.IsNull():
            return chance.choice((MISSING, MISSING, None))
        case ir.TimePart(part=part, number=number):
            return _time(part, int(number) + (0 if leaf.op == "eq" else chance.choice((-1, 0, 1))), chance)
        case _:  # presence and comparisons with another field: any string
            return filler(chance) or "x"


def _joined(meet: Sequence[ir.FieldNode], attempt: int, chance: Random) -> Any:
    """Return a string that joins the leaves: prefixes first, suffixes last; a literal leaf is the whole string."""
    heads: list[str] = []
    middles: list[str] = []
    tails: list[str] = []
    for leaf in meet:
        match leaf:
            case ir.StringMatch(pattern=pattern, cased=cased):
                if pattern.literal is not None:
                    return _expanded(pattern, chance, cased=cased)
                string = _expanded(_core(pattern), chance, cased=cased)
                at_start, at_end = pattern.parts[0] is not ir.Wildcard.ANY, pattern.parts[-1] is not ir.Wildcard.ANY
                (heads if at_start else tails if at_end else middles).append(string)
            case ir.Regex(pattern=expression, flags=flags):
                string = sample_regex(expression, flags, chance)
                (heads if expression.startswith("^") else tails if expression.endswith("$") else middles).append(string)
            case _:
                pass
    chance.shuffle(middles)
    heads.sort(key=len)
    tails.sort(key=len)
    if attempt % 2 == 0:  # the longest prefix or suffix often contains the others
        heads, tails = heads[-1:], tails[-1:]
        middles = [string for string in middles if string.lower() not in "\0".join([*heads, *tails]).lower()]
    glue = filler(chance)
    return glue.join([*heads, *middles, *tails])


def _core(pattern: ir.Pattern) -> ir.Pattern:
    parts = list(pattern.parts)
    while parts and parts[0] is ir.Wildcard.ANY:
        del parts[0]
    while parts and parts[-1] is ir.Wildcard.ANY:
        del parts[-1]
    return type(pattern)(tuple(parts))


def _expanded(pattern: ir.Pattern, chance: Random, *, cased: bool) -> str:
    """Return a string that matches the pattern; unless `cased`, often in another case."""
    change = chance.choice((str, str, str.upper, str.lower, str.swapcase)) if not cased else str
    pieces = []
    for part in pattern.parts:
        if isinstance(part, str):
            changed = change(part)
            pieces.append(changed if len(changed) == len(part) else part)
        else:
            pieces.append(filler(chance) if part is ir.Wildcard.ANY else chance.choice(_ONE))
    return "".join(pieces)


def expanded(pattern: ir.Pattern, chance: Random, *, cased: bool) -> str:
    """Return a string that contains the pattern, with something around it."""
    return filler(chance) + _expanded(pattern, chance, cased=cased) + filler(chance)


def filler(chance: Random) -> str:
    """Return text for a wildcard: mostly empty or plain, sometimes hard for query languages."""
    return chance.choice(_PLAIN) if chance.random() < 0.6 else chance.choice(_ODD)  # noqa: PLR2004


def _spellings(number: float) -> tuple[Any, ...]:
    whole = int(number) if float(number).is_integer() else number
    return (whole, whole, str(whole), float(number), str(float(number)), f"0{whole}" if whole >= 0 else str(whole))


def _address(network: IPv4Network | IPv6Network, chance: Random) -> str:
    """Return an address inside the network, at its edge, or right beside it."""
    first, last = int(network.network_address), int(network.broadcast_address)
    most = (1 << network.max_prefixlen) - 1
    edges = (first, last, chance.randint(first, last), chance.randint(first, last))
    beside = (max(0, first - 1), min(most, last + 1))
    number = chance.choice(edges if chance.random() < 0.8 else beside)  # noqa: PLR2004
    address = (ip_address(number) if isinstance(network, IPv4Network) else _version_6(number)).compressed
    return chance.choice((address, address, address.upper(), f"{address}/{network.prefixlen}"))


def _version_6(number: int) -> Any:
    from ipaddress import IPv6Address  # noqa: PLC0415  `ip_address` takes a small number for IPv4

    return IPv6Address(number)


def _time(part: str, number: int, chance: Random) -> str:
    year, month, day, hour, minute = (chance.randint(*of) for of in ((2000, 2030), (1, 12), (1, 28), (0, 23), (0, 59)))
    match part:
        case "minute":
            minute = number % 60
        case "hour":
            hour = number % 24
        case "day":
            day = min(max(number, 1), 28)
        case "month":
            month = min(max(number, 1), 12)
        case "year":
            year = min(max(number, 1), 9999)
        case _:  # week: near enough, as the reference checks it
            month, day = min(max(number * 7 // 30 + 1, 1), 12), min(max(number * 7 % 30, 1), 28)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:00{chance.choice(('Z', 'Z', '+05:30', ''))}"


def nearly(value: Any, chance: Random) -> Any:
    """Return a value that differs a little: in case, a character, its type, or the number of values."""
    if isinstance(value, bool) or value is None or value is MISSING:
        return chance.choice((MISSING, None, "", not value, str(value), "null", 0, 1, []))
    if isinstance(value, int | float):
        near = (
            value + 1,
            value - 1,
            -value,
            value + 0.5,
            str(value),
            f"{value}.0",
            f" {value}",
            f"{value}x",
            [value, 1],
        )
        return chance.choice((*near, None, MISSING, ""))
    if not isinstance(value, str):
        return chance.choice((value, [value], MISSING))
    kind = chance.random()
    if kind < 0.15:  # noqa: PLR2004
        return _typed(value, chance)
    return _edited(value, chance)


def _typed(value: str, chance: Random) -> Any:
    number: list[Any] = []
    if value.isascii() and value.removeprefix("-").isdigit():
        number = [int(value), float(value), f"{value}.0", f"0{value}", f"{value}e0", f"+{value}"]
    none: tuple[Any, ...] = (MISSING, None, "", [])
    several: tuple[list[Any], ...] = ([value], ["other", value], [value, "other"], [value, None], ["other"])
    return chance.choice((*none, *several, {"x": value}, True, False, 0, 1.5, *number, *number))


def _edited(value: str, chance: Random) -> str:
    at = chance.randrange(len(value) + 1)
    odd = chance.choice(_ODD)
    cut = value[:at] + value[at + 1 :]
    similar = "".join(_SIMILAR.get(char, char) if place == at else char for place, char in enumerate(value))
    return chance.choice(
        (
            value.swapcase() if len(value.swapcase()) == len(value) else value,
            value.upper() if len(value.upper()) == len(value) else value,
            cut,
            value[1:],
            value[:-1],
            value[:at] + odd + value[at:],
            value[:at] + chance.choice("xX1\\/*? ") + value[at + 1 :],
            value + chance.choice(("x", " ", "\n", "\\", "*", ".")),
            chance.choice(("x", " ", "\n", "\\", "*", "^")) + value,
            value.replace("\\", "\\\\"),
            value.replace("\\", "/"),
            value.replace(" ", "  "),
            value + odd + value,
            similar,
        )
    )
