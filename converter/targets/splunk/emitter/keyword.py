r"""Keywords, which are looked for in `_raw`: as a value has them, and as JSON writes them.

    C:\new "x" ──> C:\x5c{1,2}new \x5c?\x22x\x5c?\x22

Splunk has no way to look into every field, so what is searched is the text of the event. In JSON a quote and a
backslash stand behind a backslash, control characters have an escape, and other characters may have one; whether the
events are JSON is not known when converting, so both ways of writing are looked for. That the raw text holds the words
exactly when a value does (they may be in the name of a field, or across two values) is an assumption of the verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.plan import nodes as ir
from converter.plan.casefold import variants
from converter.targets.splunk.emitter.regex import ANY, SPECIAL, in_parts, quoted, rule_regex
from converter.verdicts.event_assumptions import raw_text_like_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.targets.core.emission import Emission

_SHORT = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
# One character of a value: an escape of JSON, or itself.
_ONE = r"(?:\x5cu[0-9A-Fa-f]{4}|\x5c.|.)"
_BASIC = 0xFFFF


def keyword_condition(leaves: Sequence[ir.Keyword | ir.KeywordRegex], emission: Emission) -> str:
    """Return the condition that the raw text holds one of the keywords, which are of one kind (`kind_of`)."""
    texts = dict.fromkeys(_noted(leaf, emission) for leaf in leaves)
    flags = kind_of(leaves[0])
    tests = [f"match(_raw,{quoted(rule_regex('|'.join(part), flags))})" for part in in_parts(texts)]
    return tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"


def kind_of(leaf: ir.Keyword | ir.KeywordRegex) -> frozenset[str]:
    """Return the flags under which a keyword is looked for."""
    if isinstance(leaf, ir.KeywordRegex):
        return leaf.flags
    return frozenset("s" if leaf.cased else "is")


def _noted(leaf: ir.Keyword | ir.KeywordRegex, emission: Emission) -> str:
    """Return the expression of a keyword, whose assumption is noted."""
    if isinstance(leaf, ir.Keyword):
        written = ir.KeywordRegex(_pattern(leaf), kind_of(leaf))
        shown = f"`{leaf.pattern}`"
    else:
        written, shown = leaf, f"/{leaf.pattern}/"
    emission.assume(raw_text_like_values(leaf, shown, written))
    return written.pattern


def _pattern(leaf: ir.Keyword) -> str:
    """Return the regular expression, in the language of rules, of a keyword in a text that may be JSON."""
    parts = []
    for part in leaf.pattern.parts:
        match part:
            case ir.Wildcard.ANY:
                parts.append(ANY)
            case ir.Wildcard.ONE:
                parts.append(_ONE)
            case _:
                parts.append("".join(_char(char, cased=leaf.cased) for char in part))
    return "".join(parts).removeprefix(ANY).removesuffix(ANY)


def _char(char: str, *, cased: bool) -> str:
    match char:
        case "\\":
            return r"\x5c{1,2}"
        case '"':
            return r"\x5c?\x22"
        case _ if char in _SHORT:
            return rf"(?:{_escape(char)}|\x5c{_SHORT[char]}|{_unicode(char)})"
        case _ if not char.isascii():
            every = (char,) if cased else variants(char)
            return f"(?:{'|'.join([*map(_escape, every), *map(_unicode, every)])})"
        case _ if not char.isprintable():
            return f"(?:{_escape(char)}|{_unicode(char)})"
        case _:
            return f"\\{char}" if char in SPECIAL else char


def _escape(char: str) -> str:
    return char if char.isprintable() else f"\\x{{{ord(char):x}}}"


def _unicode(char: str) -> str:
    """Return the escape of JSON, whose digits may be of either case."""
    code = ord(char)
    halves = [code] if code <= _BASIC else [0xD800 + ((code - 0x10000) >> 10), 0xDC00 + (code & 0x3FF)]
    return "".join(rf"\x5cu(?i:{half:04x})" for half in halves)
