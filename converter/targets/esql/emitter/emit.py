"""Plan to ES|QL.

    Expr ──> WHERE, null-safe and ignoring case
    Correlation ──> each event into the two windows of 2T that hold it ──> STATS by group and window ──> WHERE

ES|QL has three-valued logic and compares with case; a comparison below a NOT is wrapped in COALESCE, and text is
lowered on both sides. It has no window functions: see `_sliding` for the exact way round. Sources are in NOTES.md.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from converter.plan import nodes as ir
from converter.plan.casefold import has_foreign_case
from converter.targets.core.elastic_emission import ElasticEmission
from converter.targets.core.emission import (
    CHAIN,
    LONG,
    backquoted,
    chained,
    check_block,
    check_columns,
    check_context,
    check_counts_events,
    check_whole,
    condition_of,
    placed_groups,
    refused,
)
from converter.targets.core.target import free_column
from converter.targets.esql.emitter.regex_to_java import to_java, whole_text
from converter.verdicts.event_assumptions import letters_as_written, no_mapped_address, no_zone, plain_numbers
from converter.verdicts.log_assumptions import EXACT_DOUBLE
from converter.verdicts.verdict import Limit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.errors import Place
    from converter.targets.core.target import Context, Query

MAX_COUNT = 500
MAX_ROWS = 10_000
MAX_LENGTH = 1_000_000
_MAX_DEPTH = 300
_NEXT_LINE = "\n  "
_MAX_RLIKE = 1000  # index.max_regex_length, by default
# FROM takes more; without these, no name is a keyword, a comment, or runs into what stands behind it.
_INDEX_PART = r"(?!metadata(?::|\Z))(?:/[a-z0-9_.<>{}+-]|[a-z0-9_.*<>{}+-])+"
_INDEX = re.compile(rf"(?:{_INDEX_PART}:)?{_INDEX_PART}", re.ASCII | re.IGNORECASE)
_WORDS = frozenset(
    [
        "and",
        "as",
        "asc",
        "by",
        "desc",
        "false",
        "first",
        "in",
        "is",
        "last",
        "like",
        "limit",
        "metadata",
        "not",
        "null",
        "nulls",
        "on",
        "or",
        "rlike",
        "true",
        "with",
        "where",
        *("_", "@"),  # no name by themselves, only with more behind them
    ]
)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_METADATA = frozenset(
    {"_id", "_ignored", "_index", "_index_mode", "_score", "_size", "_source", "_tier", "_tsid", "_version"}
)
_COMPARISONS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_TEXT = frozenset({"keyword", "wildcard", "text"})
_NUMERIC = frozenset({"long", "double"})


def emit_query(plan: ir.Plan, context: Context, formats: Mapping[str, str], options: Mapping[str, str]) -> Query:
    """Return the ES|QL of a plan.

    Raises:
        RefusedError: keywords, a key of a flattened object, a count beyond `MAX_COUNT`, a control character in a value.
    """
    check_context("esql", context, formats, options)
    check_counts_events(plan)
    check_columns(plan, context, "ES|QL")
    emission = ElasticEmission(context)
    expression = condition_of(plan)
    if _depth(expression) > _MAX_DEPTH:
        raise refused(
            f"ES|QL takes expressions up to {_MAX_DEPTH} levels deep", "nesting", plan.place, "convert to splunk"
        )
    condition = _boolean(expression, emission, negated=False)
    lines = [f"FROM {_index(context)} METADATA _id, _version, _index", f"| WHERE {condition}"]
    if isinstance(plan, ir.Correlation):
        lines += _correlation(plan, emission)
    else:
        lines += ["| SORT @timestamp", f"| LIMIT {MAX_ROWS}"]
    text = "\n".join(lines)
    if len(text) > MAX_LENGTH:
        raise refused(f"ES|QL takes queries up to {MAX_LENGTH:,} characters", "length", plan.place, "split the rule")
    query = emission.query(plan, "esql", "esql", text)
    limit = Limit(f"a query gives at most {MAX_ROWS:,} rows", MAX_ROWS)
    return replace(query, verdict=replace(query.verdict, limit=limit), needs_fields=True)


def _index(context: Context) -> str:
    given = context.state.get("index") or "logs-*"
    names = [given] if isinstance(given, str) else [str(name) for name in given]
    for name in names:
        if not all(_INDEX.fullmatch(part) for part in name.split(",")):
            raise refused(f"the index pattern {name!r} has characters that FROM does not take", "index", None)
    return ", ".join(names)


def _quoted(name: str, place: Place | None) -> str:
    if name in _METADATA:
        raise refused(
            f"{name} is a metadata field of every document, whatever the event has under that name",
            "metadata field",
            place,
            "map the field with a pipeline",
        )
    return backquoted(name, _WORDS, place)


def _column(name: str, emission: ElasticEmission, place: Place | None) -> str:
    """Return a column name; a comparison with several values is null, so note that there is at most one."""
    emission.single(name)
    return _quoted(name, place)


def _text(name: str, emission: ElasticEmission, place: Place | None) -> str:
    """Return the field as text."""
    column = _column(name, emission, place)
    return column if emission.type_of(name) in _TEXT else f"TO_STRING({column})"


def string(text: str, place: Place | None) -> str:
    """Return a string literal.

    Raises:
        RefusedError: a control character other than tab and line ends. The grammar has no escape for one; it takes one
            as it is, but what carries the query may not.
    """
    out = []
    for char in text:
        escaped = _ESCAPES.get(char, char)
        if len(escaped) == 1 and unicodedata.category(char) in {"Cc", "Cs"}:
            raise refused(f"ES|QL has no escape for the character {char!r}", "control character", place)
        out.append(escaped)
    return f'"{"".join(out)}"'


# ------------------------------------------------------------------------------------------------------ conditions


def _boolean(expr: ir.Expr, emission: ElasticEmission, *, negated: bool, inside: bool = False) -> str:
    """Return a condition: for WHERE, where null is as good as false, or below a NOT, where it must not be null."""
    match expr:
        case ir.And(items) | ir.Or(items):
            if not items:
                return "true" if isinstance(expr, ir.And) else "false"
            word = "AND" if isinstance(expr, ir.And) else "OR"
            text = chained([_boolean(item, emission, negated=negated, inside=len(items) > 1) for item in items], word)
            return f"({text})" if inside and len(items) > 1 else text
        case ir.Not(ir.IsNull(name, place) | ir.Exists(name, place) as leaf):
            word = "IS NOT NULL" if isinstance(leaf, ir.IsNull) else "IS NULL"
            return f"{_quoted(name, place)} {word}"
        case ir.Not(item):
            return f"NOT {_atom(item, emission)}"
        case ir.IsNull(name, place):
            return f"{_quoted(name, place)} IS NULL"
        case ir.Exists(name, place):
            return f"{_quoted(name, place)} IS NOT NULL"
        case _:
            text = _leaf(expr, emission)
            if negated:
                return f"COALESCE({text}, false)"
            return f"({text})" if inside and " OR " in text and isinstance(expr, ir.Regex) else text


def _depth(expr: ir.Expr) -> int:
    """Return at most how deep the product finds the text of a condition; brackets and NOT count for more than one."""
    match expr:
        case ir.And(items) | ir.Or(items):
            levels, length = 0, len(items)
            while length > CHAIN:
                levels, length = levels + CHAIN + 2, -(-length // CHAIN)
            return max(map(_depth, items), default=0) + levels + length + 2
        case ir.Not(item):
            return _depth(item) + 4
        case _:
            return 8


def _atom(expr: ir.Expr, emission: ElasticEmission) -> str:
    text = _boolean(expr, emission, negated=True)
    return text if text.startswith("COALESCE(") and not isinstance(expr, ir.And | ir.Or | ir.Not) else f"({text})"


def _leaf(leaf: ir.Leaf, emission: ElasticEmission) -> str:
    match leaf:
        case ir.StringMatch():
            return _string_match(leaf, emission)
        case ir.NumberMatch(name, number, place):
            return f"{_number_column(name, number, emission, place)} == {_number(name, number, emission)}"
        case ir.NumberCompare(name, op, number, place):
            column = _number_column(name, number, emission, place)
            return f"{column} {_COMPARISONS[op]} {_number(name, number, emission)}"
        case ir.BoolMatch(name, value, place):
            if emission.type_of(name) == "boolean":
                return f"{_column(name, emission, place)} == {str(value).lower()}"
            return f'TO_LOWER({_text(name, emission, place)}) == "{str(value).lower()}"'
        case ir.Regex(name, pattern, flags, place):
            return _regex(name, pattern, flags, emission, place)
        case ir.Cidr(name, network, place):
            name = emission.address_field(name)
            check_block(network, place)
            emission.assume(no_mapped_address(name, network))
            emission.assume(no_zone(name, network))
            address = _column(name, emission, place)
            if emission.type_of(name) != "ip":
                address = f"TO_IP({_text(name, emission, place)})"
            return f'CIDR_MATCH({address}, "{network}")'
        case ir.FieldRef():
            return _field_reference(leaf, emission)
        case ir.Keyword(place=place) | ir.KeywordRegex(place=place):
            raise refused("ES|QL cannot search every field", "keyword", place, "name a field, or convert to splunk")
        case ir.IsNull() | ir.Exists():
            raise AssertionError(leaf)  # `_boolean` says these
        case ir.TimePart(part=part, place=place):
            raise refused(
                "ES|QL takes parts of a time in the zone of the request, not in UTC",
                part,
                place,
                "index the part as a field",
            )
        case ir.Unexpanded():
            raise leaf.error
        case _:
            assert_never(leaf)


def _string_match(leaf: ir.StringMatch, emission: ElasticEmission) -> str:
    address = emission.address(leaf)
    if address is not None:
        return f"{_column(leaf.field, emission, leaf.place)} == {string(address, leaf.place)}"
    text = _text(leaf.field, emission, leaf.place)
    literal = leaf.pattern.literal
    if not leaf.cased and any(isinstance(part, str) and has_foreign_case(part) for part in leaf.pattern.parts):
        # TO_LOWER makes two letters of U+0130, and of a sigma what its place in the word asks for.
        expression = whole_text(leaf.pattern)
        if len(expression) > _MAX_RLIKE:
            raise refused(
                f"RLIKE would need more than {_MAX_RLIKE} characters", "letters outside ASCII", leaf.place, "shorten it"
            )
        return f"{text} RLIKE {string(expression, leaf.place)}"
    lowered = not leaf.cased and any(
        isinstance(part, str) and part.lower() != part.upper() for part in leaf.pattern.parts
    )
    if lowered:
        text = f"TO_LOWER({text})"
    if literal is not None:
        return f"{text} == {string(literal.lower() if lowered else literal, leaf.place)}"
    return f"{text} LIKE {string(_like(leaf.pattern, lowered=lowered), leaf.place)}"


def _like(pattern: ir.Pattern, *, lowered: bool) -> str:
    out = []
    for part in pattern.parts:
        if isinstance(part, ir.Wildcard):
            out.append(part.value)
        else:
            text = part.lower() if lowered else part
            out.append(text.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?"))
    return "".join(out)


def _number_column(name: str, number: float, emission: ElasticEmission, place: Place | None) -> str:
    check_whole(number, LONG if isinstance(number, int) else EXACT_DOUBLE, "ES|QL", place)
    if emission.type_of(name) in _NUMERIC:
        return _column(name, emission, place)
    emission.assumptions.append(plain_numbers(name))
    text = _text(name, emission, place)  # TO_DOUBLE of a boolean is 0 or 1; of its text it is null
    # A double holds whole numbers up to 2^53 exactly.
    return f"TO_LONG({text})" if isinstance(number, int) and abs(number) >= EXACT_DOUBLE else f"TO_DOUBLE({text})"


def _number(name: str, number: float, emission: ElasticEmission) -> str:
    """Return a number as the field holds it: ES|QL compares it with that, wherever it is that it compares."""
    return str(emission.held(name, number))


def _regex(name: str, pattern: str, flags: frozenset[str], emission: ElasticEmission, place: Place | None) -> str:
    r"""An unanchored search by REPLACE, the only function with the regular expressions of Java.

    RLIKE is anchored and has the expressions of Lucene, without `^ $ \d \b (?i)`. If a text is found, replacing it by
    nothing shortens the value; if only an empty text is found, replacing it by one letter lengthens the value.
    """
    text = _text(name, emission, place)
    java = to_java(pattern, flags)
    literal = string(java.text, place)
    condition = f'REPLACE({text}, {literal}, "") != {text}'
    if java.can_be_empty:
        condition += f' OR REPLACE({text}, {literal}, "x") != {text}'
    return condition


def _field_reference(leaf: ir.FieldRef, emission: ElasticEmission) -> str:
    texts = [_text(name, emission, leaf.place) for name in (leaf.field, leaf.other)]
    if not leaf.cased:
        emission.assume(letters_as_written(leaf))
    mine, other = texts if leaf.cased else [f"TO_LOWER({text})" for text in texts]
    match leaf.relation:
        case "equals":
            return f"{mine} == {other}"
        case "startswith":
            return f"STARTS_WITH({mine}, {other})"
        case "endswith":
            return f"ENDS_WITH({mine}, {other})"
        case "contains":
            return f"LOCATE({mine}, {other}) > 0"
        case _:
            assert_never(leaf.relation)


# ---------------------------------------------------------------------------------------------------- correlations


def _correlation(plan: ir.Correlation, emission: ElasticEmission) -> list[str]:
    placed = placed_groups(plan)
    for name, _ in placed:
        if emission.type_of(name) == "ip":  # which is all that its name says of it
            emission.group(name)
    groups = [_column(name, emission, place) for name, place in placed]
    lines = []
    if groups:
        lines.append("| WHERE " + " AND ".join(f"{group} IS NOT NULL" for group in groups))
    time = free_column("sigma_time", plan.group_by)
    lines.append(f"| EVAL {time} = TO_LONG(@timestamp)")
    return lines + (_sliding(plan, groups, time) if plan.sliding else _fixed(plan, groups, time))


def _results(plan: ir.Correlation) -> tuple[str, str, str]:
    """Return the names of the columns with the count, the first and the last time."""
    count, first, last = (free_column(name, plan.group_by) for name in ("event_count", "first_seen", "last_seen"))
    return count, first, last


def _sliding(plan: ir.Correlation, groups: list[str], time: str) -> list[str]:
    """Exact sliding windows without window functions.

    Take windows of twice the timespan T that start at every multiple of T: each event is in two of them, and every
    span of length T lies inside one. 2N - 1 events in a window prove N in one half of it. With fewer, all times of the
    window are known, and N events within T are two times, N - 1 apart in their order, that differ by at most T.
    """
    count, span = plan.at_least, plan.timespan * 1000
    if count > MAX_COUNT:
        raise refused(
            f"the query would be too long: it compares {count} pairs of times, at most {MAX_COUNT} are written out",
            f"count above {MAX_COUNT}",
            plan.place,
            "convert to splunk",
        )
    start, window, times = (free_column(f"sigma_{name}", plan.group_by) for name in ("start", "window", "times"))
    counted, first, last = _results(plan)
    by = ", ".join([*groups, window])
    keep = ", ".join([*groups, first, last, counted])
    common = f"{counted} = COUNT(*), {first} = MIN(@timestamp), {last} = MAX(@timestamp)"
    if count == 1:
        stats = f"| STATS {common} BY {', '.join(groups)}" if groups else f"| STATS {common}\n| WHERE {counted} > 0"
        return [stats, f"| KEEP {keep}", f"| LIMIT {MAX_ROWS}"]
    pairs = [
        f"MV_SLICE({times}, {i + count - 1}, {i + count - 1}) - MV_SLICE({times}, {i}, {i}) <= {span}"
        for i in range(count - 1)
    ]
    return [
        f"| EVAL {start} = {time} - {time} % {span}",
        f"| EVAL {window} = MV_APPEND({start}, {start} - {span})",
        f"| MV_EXPAND {window}",
        f'| STATS {common}, {times} = TOP({time}, {2 * count - 2}, "asc") BY {by}',
        f"| WHERE {counted} >= {count}",
        f"| EVAL {times} = MV_SORT({times})",
        f"| WHERE {counted} >= {2 * count - 1}",
        f"  OR {chained(pairs, 'OR', between=_NEXT_LINE)}",
        f"| KEEP {keep}",
        f"| LIMIT {MAX_ROWS}",
    ]


def _fixed(plan: ir.Correlation, groups: list[str], time: str) -> list[str]:
    span = plan.timespan * 1000
    if plan.count >= LONG:
        raise refused(f"ES|QL has no number as large as {plan.count}", "count beyond a long", plan.place)
    operator = {"lt": "<", "lte": "<=", "eq": "==", "neq": "!="}[plan.op]
    window = free_column("sigma_window", plan.group_by)
    counted, first, last = _results(plan)
    by = ", ".join([*groups, window])
    return [
        f"| EVAL {window} = {time} - {time} % {span}",
        f"| STATS {counted} = COUNT(*), {first} = MIN(@timestamp), {last} = MAX(@timestamp) BY {by}",
        f"| WHERE {counted} {operator} {plan.count}",
        f"| KEEP {', '.join([*groups, first, last, counted])}",
        f"| LIMIT {MAX_ROWS}",
    ]
