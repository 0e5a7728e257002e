"""Values of one field that meet what a rule asks of it, and values that nearly do.

    leaves wanted + leaves unwanted ──compose──> candidates ──reference: does it?──> value
    value ──nearly──> the same but for its case, a character, its type, ...

The reference tells which candidates are right, so that nothing here has to know what a leaf means exactly.
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
# What regular expressions, wildcards, quoting, line ends and case folding trip over.
_ODD = (
    "\\", "\\\\", "\\\\\\", "C:\\", "/", ".", "*", "?", "\\*", "[a]", "(b", "{1}", "+", "|", "^", "$", "\n", "\r\n",
    "\t", '"', '\\"', "'", "`x`", "%", "$x$", "=", "#", ",", "\\n", "\\d", "\x0b", "\x85", "\u2028", " NOT ", " OR ",
    "ä", "É", "ß", "ς", "日本", "\U0001f600", "é", "<", "&", "}", "0", "1.0", " ", "\xa0",
)  # fmt: skip
_ONE = "xX1. \\*?[(+|^$\n\t\"'`%=äÉß日\U0001f600"
_SIMILAR = {"k": "\u212a", "s": "\u017f", "i": "\u0131", "I": "\u0130", "a": "\u0430", "e": "é", "o": "0", "ä": "Ä"}


def value_for(
    wanted: Sequence[ir.FieldNode], unwanted: Sequence[ir.FieldNode], field: str, chance: Random
) -> tuple[Any, bool]:
    """Return a value (or MISSING) and whether all of the wanted and none of the unwanted is true of it."""
    last: Any = MISSING
    for attempt in range(_TRIES):
        last = _compose(wanted, attempt, chance) if wanted else _avoid(unwanted, attempt, chance)
        event = {} if last is MISSING else {field: last}
        if all(matches(leaf, event) for leaf in wanted) and not any(matches(leaf, event) for leaf in unwanted):
            return last, True
    return last, False


def _avoid(unwanted: Sequence[ir.FieldNode], attempt: int, chance: Random) -> Any:
    """Return a value that nothing is asked of but what it must not be: none at all, or nearly what it must not be."""
    if attempt == 0 and chance.random() < 0.5:  # noqa: PLR2004
        return MISSING
    if attempt < _TRIES // 2:
        return nearly(_compose([chance.choice(unwanted)], attempt, chance), chance)
    return chance.choice((MISSING, filler(chance), "other", 0, "")) if attempt < _TRIES - 2 else "unlike anything"


def _compose(wanted: Sequence[ir.FieldNode], attempt: int, chance: Random) -> Any:
    """Return a value that is likely to meet all leaves."""
    first = wanted[0]
    if len(wanted) == 1:
        return _single(first, chance)
    if all(isinstance(leaf, ir.StringMatch | ir.Regex) for leaf in wanted):
        return _joined(wanted, attempt, chance)
    # Numbers, networks, presence: one of them gives the value, and the others may be content with it.
    return _single(
        chance.choice([leaf for leaf in wanted if isinstance(leaf, ir.NumberCompare | ir.Cidr)] or wanted), chance
    )


def _single(leaf: ir.FieldNode, chance: Random) -> Any:
    match leaf:
        case ir.StringMatch(pattern=pattern, cased=cased):
            text = _expanded(pattern, chance, cased=cased)
            return int(text) if text.isascii() and text.isdigit() and chance.random() < 0.3 else text  # noqa: PLR2004
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
        case _:  # presence and comparisons with another field: any text
            return filler(chance) or "x"


def _joined(wanted: Sequence[ir.FieldNode], attempt: int, chance: Random) -> Any:
    """Return a text with everything in it: what must begin it first, what must end it last, what must be all alone."""
    heads: list[str] = []
    middles: list[str] = []
    tails: list[str] = []
    for leaf in wanted:
        match leaf:
            case ir.StringMatch(pattern=pattern, cased=cased):
                if pattern.literal is not None:
                    return _expanded(pattern, chance, cased=cased)
                text = _expanded(_core(pattern), chance, cased=cased)
                at_start, at_end = pattern.parts[0] is not ir.Wildcard.ANY, pattern.parts[-1] is not ir.Wildcard.ANY
                (heads if at_start else tails if at_end else middles).append(text)
            case ir.Regex(pattern=expression, flags=flags):
                text = sample_regex(expression, flags, chance)
                (heads if expression.startswith("^") else tails if expression.endswith("$") else middles).append(text)
            case _:
                pass
    chance.shuffle(middles)
    heads.sort(key=len)
    tails.sort(key=len)
    if attempt % 2 == 0:  # the longest of what begins or ends it often holds the others
        heads, tails = heads[-1:], tails[-1:]
        middles = [text for text in middles if text.lower() not in "\0".join([*heads, *tails]).lower()]
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
    """Return a text of the pattern; unless `cased`, often in another case."""
    change = chance.choice((str, str, str.upper, str.lower, str.swapcase)) if not cased else str
    texts = []
    for part in pattern.parts:
        if isinstance(part, str):
            changed = change(part)
            texts.append(changed if len(changed) == len(part) else part)
        else:
            texts.append(filler(chance) if part is ir.Wildcard.ANY else chance.choice(_ONE))
    return "".join(texts)


def expanded(pattern: ir.Pattern, chance: Random, *, cased: bool) -> str:
    """Return a text that holds the pattern, with something around it."""
    return filler(chance) + _expanded(pattern, chance, cased=cased) + filler(chance)


def filler(chance: Random) -> str:
    """Return what a wildcard may stand for: mostly nothing or plain text, and what languages trip over."""
    return chance.choice(_PLAIN) if chance.random() < 0.6 else chance.choice(_ODD)  # noqa: PLR2004


def _spellings(number: float) -> tuple[Any, ...]:
    whole = int(number) if float(number).is_integer() else number
    return (whole, whole, str(whole), float(number), str(float(number)), f"0{whole}" if whole >= 0 else str(whole))


def _address(network: IPv4Network | IPv6Network, chance: Random) -> str:
    """Return an address inside, at an edge of or right beside the network."""
    first, last = int(network.network_address), int(network.broadcast_address)
    most = (1 << network.max_prefixlen) - 1
    edges = (first, last, chance.randint(first, last), chance.randint(first, last))
    beside = (max(0, first - 1), min(most, last + 1))
    number = chance.choice(edges if chance.random() < 0.8 else beside)  # noqa: PLR2004
    address = (ip_address(number) if isinstance(network, IPv4Network) else _version_6(number)).compressed
    return chance.choice((address, address, address.upper(), f"{address}/{network.prefixlen}"))


def _version_6(number: int) -> Any:
    from ipaddress import IPv6Address  # noqa: PLC0415  a small number would be one of version 4

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
        case _:  # week: near enough, the reference tells
            month, day = min(max(number * 7 // 30 + 1, 1), 12), min(max(number * 7 % 30, 1), 28)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:00{chance.choice(('Z', 'Z', '+05:30', ''))}"


def nearly(value: Any, chance: Random) -> Any:
    """Return a value that differs a little: in case, by a character, in its type, in how many there are."""
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
