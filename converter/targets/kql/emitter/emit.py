"""Plan to Kibana KQL.

    Expr ──> field: value and not (...)

KQL matches keyword fields with case, so a string is exact only under the assumption that values have the rule's case.
It cannot count, compare fields or search by regular expression. Sources are in NOTES.md.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, assert_never

from converter.plan import nodes as ir
from converter.targets.core.elastic_emission import ElasticEmission
from converter.targets.core.emission import LONG, check_block, check_context, check_whole, refused
from converter.verdicts.event_assumptions import no_mapped_address, no_zone, same_case

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from converter.errors import Place
    from converter.targets.core.target import Context, Query
    from converter.verdicts.event_assumptions import MappedType
    from converter.verdicts.verdict import Assumption

_COMPARISONS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_SPECIAL = frozenset('\\():<>"*{}')
_BLANKS = frozenset(" \t\n\r\u3000")  # where query_string, which Kibana sends for these fields, begins another term
# Where an unquoted literal would end: at `not` before a blank, in the middle of a word too; at `and` and `or` between
# blanks. A blank may follow the literal.
_OPERATOR = re.compile(r"not(?= |\Z)|(?<= )(?:and|or)(?= |\Z)", re.IGNORECASE | re.ASCII)
_ESCAPES = {"\t": "\\t", "\r": "\\r", "\n": "\\n"}
# `not` at the start of a name is an operator to the parser of detection-rules.
_PLAIN_NAME = re.compile(r"(?!not)[A-Za-z0-9_@.-]+", re.ASCII | re.IGNORECASE)
_LITERALS = frozenset({"null", "true", "false", "and", "or", "not"})
_LAST_CODE = 0xFFFF
_NUMERIC = frozenset({"long", "double"})
_TEXT = frozenset({None, "keyword", "wildcard", "flattened"})
_NUMBER = re.compile(r"[+-]?(\d{1,300}\.?\d{0,300}|\.\d{1,300})([eE][+-]?\d{1,6})?", re.ASCII)


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


# What a field of another type takes in the place of a string; a date is left to the check of the query.
_TAKES: Mapping[str | None, Callable[[str], bool]] = {
    "long": _is_number,
    "double": _is_number,
    "boolean": lambda text: text in {"true", "false"},
}


def emit_query(plan: ir.Plan, context: Context, formats: Mapping[str, str], options: Mapping[str, str]) -> Query:
    """Return the KQL of a detection.

    Raises:
        RefusedError: a correlation, a regular expression, a keyword, a comparison of fields, the wildcard `?`, `cased`
            where it matters.
    """
    check_context("kql", context, formats, options)
    match plan:
        case ir.Detection(expr=expr):
            emission = ElasticEmission(context)
            return emission.query(plan, "kql", "kql", _boolean(expr, emission, inside=False))
        case ir.Correlation(place=place):
            raise refused("KQL cannot count events", "correlation", place, "convert to elastic-toml, esql or splunk")
        case _:
            assert_never(plan)


def condition(expr: ir.Expr, context: Context) -> tuple[str, list[Assumption]]:
    """Return an expression as KQL, and what must be true of the log for it to be exact. Raises as `emit_query`."""
    emission = ElasticEmission(context)
    return _boolean(expr, emission, inside=False), emission.assumptions


def _needs(name: str, emission: ElasticEmission, kinds: frozenset[str], what: MappedType, place: Place | None) -> None:
    """Refuse a field of another type."""
    if not emission.typed(name, kinds, what):
        kind = emission.type_of(name)
        raise refused(f"KQL compares {name}, which is {kind}, as text", f"{kind} field", place, _elsewhere(kind))


def _elsewhere(kind: str | None) -> str:
    return "convert to splunk" if kind == "flattened" else "convert to esql"  # which has no such column


def _boolean(expr: ir.Expr, emission: ElasticEmission, *, inside: bool) -> str:
    match expr:
        case ir.And(items) | ir.Or(items):
            if not items:
                return "*" if isinstance(expr, ir.And) else "not *"
            word = " and " if isinstance(expr, ir.And) else " or "
            text = word.join(_boolean(item, emission, inside=len(items) > 1) for item in items)
            return f"({text})" if inside and len(items) > 1 else text
        case ir.Not(ir.Not(item)):
            return _boolean(item, emission, inside=inside)
        case ir.Not(ir.IsNull(name, place)):
            return f"{field_name(name, place)}: *"
        case ir.Not(item):
            text = _boolean(item, emission, inside=True)
            return f"not ({text})" if text.startswith("not ") else f"not {text}"
        case _:
            return _leaf(expr, emission)


def _leaf(leaf: ir.Leaf, emission: ElasticEmission) -> str:
    match leaf:
        case ir.StringMatch(name, pattern, place=place):
            return f"{field_name(name, place)}: {_string_match(leaf, pattern, emission)}"
        case ir.NumberMatch(name, number, place):
            _needs(name, emission, _NUMERIC, "a number", place)
            emission.held(name, number)  # for its assumption: the index rounds the number of a query as well
            return f"{field_name(name, place)}: {_number(number, place)}"
        case ir.NumberCompare(name, op, number, place):
            _needs(name, emission, _NUMERIC, "a number", place)
            emission.held(name, number)  # for its assumption: the index rounds the number of a query as well
            return f"{field_name(name, place)} {_COMPARISONS[op]} {_number(number, place)}"
        case ir.BoolMatch(name, value, place):
            _needs(name, emission, frozenset({"boolean"}), "a boolean", place)
            return f"{field_name(name, place)}: {str(value).lower()}"
        case ir.Cidr(name, network, place):
            name = emission.address_field(name)
            _needs(name, emission, frozenset({"ip"}), "an ip", place)
            if emission.type_of(name) is None:
                raise refused(
                    f"nothing is known of {name}, and KQL compares text unless a field is ip",
                    "cidr on a field of unknown type",
                    place,
                    "map the field, or convert to esql",
                )
            check_block(network, place)
            emission.assume(no_mapped_address(name, network))
            emission.assume(no_zone(name, network))
            return f'{field_name(name, place)}: "{network}"'
        case ir.IsNull(name, place):
            return f"not {field_name(name, place)}: *"
        case ir.Exists(name, place):
            return f"{field_name(name, place)}: *"
        case ir.Regex(place=place) | ir.KeywordRegex(place=place):
            raise refused("KQL has no regular expressions", "re", place, "convert to esql or splunk")
        case ir.FieldRef(place=place):
            raise refused("KQL cannot compare two fields", "fieldref", place, "convert to esql or splunk")
        case ir.Keyword(place=place):
            raise refused("how KQL searches every field depends on the index", "keyword", place, "convert to splunk")
        case ir.TimePart(part=part, place=place):
            raise refused("KQL has no function for a part of a time", part, place, "index the part as a field")
        case ir.Unexpanded():
            raise leaf.error
        case _:
            assert_never(leaf)


def _string_match(leaf: ir.StringMatch, pattern: ir.Pattern, emission: ElasticEmission) -> str:
    emission.typed(leaf.field, (), "keyword")
    kind = emission.type_of(leaf.field)
    if kind == "text":
        raise refused(f"KQL analyses {leaf.field}, a field of type text", "text field", leaf.place, "map a keyword")
    letters = any(isinstance(part, str) and part.lower() != part.upper() for part in pattern.parts)
    if letters and not leaf.cased and kind in _TEXT:
        emission.assumptions.append(same_case(leaf.field, leaf))
    if ir.Wildcard.ONE in pattern.parts:
        raise refused("KQL has no wildcard for one character", "wildcard ?", leaf.place, "convert to esql or splunk")
    literal = pattern.literal
    if literal is not None:
        literal = emission.address(leaf) or literal
        if kind in _TAKES and not _TAKES[kind](literal):
            raise refused(f"{leaf.field} is {kind}, and {literal!r} is not", f"string on {kind}", leaf.place)
        return _quoted(literal, leaf.place)
    if kind not in _TEXT:
        raise refused(f"wildcards need text, {leaf.field} is {kind}", "wildcard", leaf.place, "convert to esql")
    blank = any(isinstance(part, str) and not _BLANKS.isdisjoint(part) for part in pattern.parts)
    if kind in {"wildcard", "flattened"} and blank:
        raise refused(
            f"{leaf.field} is a {kind} field, where Kibana splits a pattern at its blanks",
            "blank",
            leaf.place,
            _elsewhere(kind),
        )
    if kind == "flattened" and ir.Wildcard.ANY in pattern.parts[:-1]:
        raise refused(
            f"in {leaf.field}, a key of a flattened object, a * at the start or inside finds other keys, or nothing",
            "wildcard in a flattened field",
            leaf.place,
            _elsewhere(kind),
        )
    return wildcards(pattern, leaf.place)


def _number(number: float, place: Place | None) -> str:
    check_whole(number, LONG, "KQL", place)
    return str(number)


def _quoted(text: str, place: Place | None) -> str:
    out = []
    for char in text:
        if char in {"\\", '"'}:
            out.append("\\" + char)
        else:
            out.append(_ESCAPES.get(char) or _printable(char, place))
    return f'"{"".join(out)}"'


def wildcards(pattern: ir.Pattern, place: Place | None) -> str:
    """Return a pattern outside quotes, where `*` is a wildcard and a blank belongs to the value.

    Raises:
        RefusedError: a blank at an end; half a character.
    """
    text = "".join("*" if isinstance(part, ir.Wildcard) else part for part in pattern.parts)
    if text != text.strip() or text != text.strip("\ufeff"):  # what JavaScript takes for blanks
        raise refused("KQL cuts blanks off the ends of a wildcard pattern", "blank at an end", place, "convert to esql")
    text = "".join("*" if isinstance(part, ir.Wildcard) else _escaped(part, place) for part in pattern.parts)
    # The first letter by its code: there is no other escape, as `\not` is a line feed and "ot".
    return _OPERATOR.sub(lambda match: f"\\u{ord(match[0][0]):04x}{match[0][1:]}", text)


def _escaped(text: str, place: Place | None) -> str:
    return "".join("\\" + char if char in _SPECIAL else _printable(char, place) for char in text)


def _printable(char: str, place: Place | None) -> str:
    """Return a character that is special to nothing; by its code, if it cannot be seen."""
    if char.isprintable():
        return char
    if unicodedata.category(char) == "Cs":
        raise refused(f"KQL has no escape for the character {char!r}", "half a character", place)
    return f"\\u{ord(char):04x}" if ord(char) <= _LAST_CODE else char


def field_name(name: str, place: Place | None) -> str:
    """Return a field name, in quotes unless it is plain: what is in quotes is not an operator, wildcard or constant."""
    if _PLAIN_NAME.fullmatch(name) and name.lower() not in _LITERALS:
        return name
    return _quoted(name, place)
