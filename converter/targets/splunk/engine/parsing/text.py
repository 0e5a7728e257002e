r"""The arguments of commands that rewrite texts: `strcat`, `replace`, `rex mode=sed`, `fieldformat`, `foreach`.

s/(\d+)-/\1_/g  ──sed──>  Sed(pattern, replacement=(1, "_"), occurrence=0)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from converter.targets.splunk.engine.language.eval_parser import parse_expression
from converter.targets.splunk.engine.language.lex import unescape
from converter.targets.splunk.engine.language.syntax import (
    Assignment,
    Field,
    FieldFormat,
    ForEach,
    Replace,
    Sed,
    Span,
    StrCat,
    String,
    Transliterate,
)

if TYPE_CHECKING:
    from converter.targets.splunk.engine.language.lex import Scanner

_FLAGS = re.compile(r"\s*(g|[1-9][0-9]{0,5})?\s*")
_TEMPLATE = re.compile(r"""(?:[^"\[\]\\]|\\.)+""", re.DOTALL)
_TOKENS = {
    "fieldstr": "<<FIELD>>",
    "matchstr": "<<MATCHSTR>>",
    "matchseg1": "<<MATCHSEG1>>",
    "matchseg2": "<<MATCHSEG2>>",
    "matchseg3": "<<MATCHSEG3>>",
}


def strcat(scanner: Scanner, span: Span) -> StrCat:
    """Read `strcat allrequired=... parts target`: texts in quotes, fields without."""
    parts: list[String | Field] = []
    all_required = False
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "" if scanner.peek() == '"':
                start = scanner.pos
                parts.append(String(unescape(scanner.quoted()), scanner.span_from(start)))
            case "":
                parts.append(Field(scanner.name("a field"), scanner.span_from(start)))
            case "allrequired":
                all_required = scanner.boolean("allrequired")
            case option:
                raise scanner.unknown_option("strcat", option, start)
        scanner.accept(",")
    if len(parts) < 2 or not isinstance(parts[-1], Field):  # noqa: PLR2004
        raise scanner.error("strcat without a part and the name of the result", span, 'strcat host ":" port address')
    return StrCat(tuple(parts[:-1]), parts[-1].name, all_required)


def replace(scanner: Scanner, span: Span) -> Replace:
    """Read `replace old with new, ... in fields`."""
    pairs: list[tuple[str, str]] = []
    names: list[str] = []
    while not scanner.at_command_end():
        if pairs and scanner.accept_word("in"):
            while not scanner.at_command_end():
                names.append(scanner.name("a field"))
                scanner.accept(",")
            break
        start = scanner.pos
        old = scanner.value("a value to replace")
        if not scanner.accept_word("with"):
            raise scanner.error(f"expected with after the value to replace, found {scanner.found()}")
        new = scanner.value("the new value")
        if new.count("*") not in (0, old.count("*")):
            raise scanner.error("wildcards of the new value that are not those of the old", scanner.span_from(start))
        pairs.append((old, new))
        scanner.accept(",")
    if not pairs:
        raise scanner.error("replace without a value", span, "replace old with new in field")
    return Replace(tuple(pairs), tuple(names), span)


def sed(scanner: Scanner, field: str, expression: str, span: Span) -> Sed | Transliterate:
    """Read a sed expression: `s/pattern/replacement/flags` or `y/abc/xyz/`.

    Raises:
        QueryError: it is none of the two, or has flags that Splunk does not know.
    """
    kind = expression[0:1]
    if kind not in ("s", "y") or expression[1:2] != "/":
        raise scanner.error("a sed expression that is neither s/// nor y///", span)
    parts = _slashed(expression[2:])
    if len(parts) != 3:  # noqa: PLR2004
        raise scanner.error("a sed expression without three slashes", span, r"write \/ for a slash in it")
    first, second, flags = parts
    if kind == "y":
        source, target = (part.replace("\\/", "/") for part in (first, second))
        if len(source) != len(target) or flags.strip() or "\\" in source + target:
            raise scanner.error("y/// with two texts of different lengths, flags or escapes", span)
        return Transliterate(field, source, target)
    match = _FLAGS.fullmatch(flags)
    if match is None:
        raise scanner.error(f"the flags {flags[:40]!r} of s/// are not supported", span, "g, or the number of a match")
    flag = match.group(1)
    occurrence = 1 if flag is None else 0 if flag == "g" else int(flag)
    return Sed(field, first.replace("\\/", "/"), _replacement(scanner, second, span), occurrence, span)


def _slashed(text: str) -> list[str]:
    """Split at the slashes that no backslash stands before."""
    parts = [""]
    position = 0
    while position < len(text):
        if text[position] == "\\":
            parts[-1] += text[position : position + 2]
            position += 2
        elif text[position] == "/":
            parts.append("")
            position += 1
        else:
            parts[-1] += text[position]
            position += 1
    return parts


def _replacement(scanner: Scanner, text: str, span: Span) -> tuple[str | int, ...]:
    r"""Split a replacement into texts and numbers of groups (`\1`)."""
    parts: list[str | int] = []
    piece = ""
    position = 0
    while position < len(text):
        character = text[position]
        following = text[position + 1 : position + 2]
        if character == "&":
            raise scanner.error(
                "& in the replacement of s///", span, r"whether it is the match is not documented; use \1"
            )
        if character != "\\":
            piece += character
            position += 1
            continue
        if following.isdecimal() and following.isascii():
            parts += [piece, int(following)]
            piece = ""
        elif following in ("/", "\\", "&"):
            piece += following
        elif following in ("n", "t"):
            piece += "\n" if following == "n" else "\t"
        else:
            raise scanner.error(f"an escape of {following!r} in the replacement of s///", span)
        position += 2
    return tuple(part for part in (*parts, piece) if part != "")


def fieldformat(scanner: Scanner, span: Span) -> FieldFormat:
    """Read `fieldformat name=expression`."""
    if scanner.at_command_end():
        raise scanner.error("fieldformat without a field", span)
    start = scanner.pos
    name = unescape(scanner.quoted("'"), "'") if scanner.peek() == "'" else scanner.name("a field")
    target = scanner.span_from(start)
    scanner.expect("=", "after the field to format")
    return FieldFormat(Assignment(name, parse_expression(scanner), target))


def foreach(scanner: Scanner, span: Span) -> ForEach:
    """Read `foreach patterns [template]`.

    Raises:
        QueryError: the template is missing or not closed, or another mode than that of fields is asked for.
    """
    tokens = dict(_TOKENS)
    patterns: list[str] = []
    while not scanner.at_command_end() and scanner.peek() != "[":
        start = scanner.pos
        match scanner.option():
            case "":
                patterns.append(scanner.name("a field"))
                scanner.accept(",")
            case "mode":
                if (mode := scanner.value("a mode").lower()) != "multifield":
                    raise scanner.error(f"mode={mode} of foreach is not supported", scanner.span_from(start))
            case option if option in tokens:
                tokens[option] = scanner.value("a text")
                if not tokens[option]:
                    raise scanner.error(f"an empty {option}", scanner.span_from(start))
            case option:
                raise scanner.unknown_option("foreach", option, start)
    if not patterns or scanner.peek() != "[":
        raise scanner.error("foreach without a field and a template in square brackets", span)
    template = _template(scanner)
    whole, matched, first, second, third = tokens.values()
    return ForEach(tuple(patterns), template, (whole, matched, first, second, third), span)


def _template(scanner: Scanner) -> str:
    """Read the text between square brackets; brackets in it and in its texts are its own."""
    open_at = scanner.pos
    scanner.pos += 1
    start = scanner.pos
    depth = 1
    while True:
        here = scanner.text[scanner.pos : scanner.pos + 1]
        if here == "":
            raise scanner.error("the square bracket is not closed", open_at, "close it with ]")
        if here == '"':
            scanner.quoted()
        elif here in "[]":
            depth += 1 if here == "[" else -1
            scanner.pos += 1
            if not depth:
                return scanner.text[start : scanner.pos - 1].strip()
        elif match := _TEMPLATE.match(scanner.text, scanner.pos):
            scanner.pos = match.end()
        else:
            scanner.pos += 1
