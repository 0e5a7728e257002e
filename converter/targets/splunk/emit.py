"""Plan to Splunk SPL.

    Expr ──split──> terms for `search` | conditions for `where`
    Correlation ──> ... | sort 0 _time | streamstats window=N | where span <= T | one row an episode

`search` ignores case, uses the index and looks at every value of a field, so it takes whatever it can say exactly:
text of printable characters with `*`. All else goes to `where`, as conditions that are never null, so that `NOT` is
two-valued.
See NOTES.md for the sources.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, assert_never

from converter.assumptions import letters_as_written, no_zone, raw_text_like_values
from converter.emitting import (
    EXACT_DOUBLE,
    Emission,
    check_context,
    check_whole,
    refused,
)
from converter.plan.letters import has_foreign_case, variants
from converter.plan.nodes import (
    And,
    BoolMatch,
    Cidr,
    Correlation,
    Exists,
    FieldRef,
    IsNull,
    Keyword,
    KeywordRegex,
    Not,
    NumberCompare,
    NumberMatch,
    Or,
    Pattern,
    Regex,
    StringMatch,
    TimePart,
    Unexpanded,
    Wildcard,
)
from converter.plan.regex import Char, Class, walk
from converter.plan.regex_parse import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.errors import Place
    from converter.plan.nodes import Expr, Leaf, Plan
    from converter.plan.regex import Node
    from converter.target import Context, Query

_SEARCH_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*(\{\}[A-Za-z0-9_.{}]*)?", re.ASCII)
_EVAL_FIELD = re.compile(r"[^\x00-\x1f\x7f'\"`\\$|\[\]]+")
_PLAIN_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# In `search` these narrow the time, name an index or expand to something else: never a plain comparison.
_SEARCH_WORDS = frozenset(
    [
        "earliest",
        "latest",
        "_index_earliest",
        "_index_latest",
        "starttime",
        "endtime",
        "startdaysago",
        "enddaysago",
        "searchtimespandays",
        "searchtimespanhours",
        "searchtimespanminutes",
        "daysago",
        "hoursago",
        "minutesago",
        "monthsago",
        "eventtype",
        "eventtypetag",
        "tag",
        "savedsearch",
        "savedsplunk",
        "splunk_server",
        "splunk_server_group",
        "host",
        "hosttag",
        "index",
        "source",
        "sourcetype",
        "search",
        "timeformat",
        "relation",
        "inputlookup",
        "and",
        "or",
        "not",
        "in",
        "by",
        "as",
        "where",
    ]
)
_BY_WORDS = frozenset({"and", "as", "by", "in", "like", "not", "or", "over", "where", "xor"})
_ALLOWED_IN_SEARCH = frozenset({"sourcetype", "source", "host", "index"})
# A value of these forms is not compared as text by `search`: networks and numbers.
_NETWORK = re.compile(r"[0-9a-fA-F.:]+/[0-9]+")
_NUMBER = re.compile(r"[+-]?(0x[0-9a-fA-F]+|[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?)")
_MANY = 1000  # letters of a range that are worth a look
_REGEX_SPECIAL = frozenset(".+()[]{}|^$*?#")
_COMPARISONS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def emit_query(plan: Plan, context: Context, formats: Mapping[str, str], options: Mapping[str, str]) -> Query:
    """Return the SPL of a plan, one search without a schedule.

    Raises:
        RefusedError: a field name that SPL cannot quote, a count beyond what `streamstats` keeps.
    """
    from converter.targets.splunk.emit_correlation import correlation_lines  # noqa: PLC0415  each imports the other

    check_context("splunk", context, formats, options)
    emission = Emission(context)
    lines = correlation_lines(plan, emission) if isinstance(plan, Correlation) else _base(plan.expr, emission)
    return emission.query(plan, "splunk", "spl", "\n".join(lines))


# ------------------------------------------------------------------------------------------------------ detections


def _base(expr: Expr, emission: Emission) -> list[str]:
    """Return the search that finds the events, and a `where` for what `search` cannot say."""
    items = _conjuncts(expr)
    search = [item for item in items if _searchable(item)]
    where = [item for item in items if not _searchable(item)]
    lines = [" ".join(_search(item, inside=True) for item in search) if search else "*"]
    if len(search) == 1 and isinstance(search[0], Or):
        lines = [_search(search[0], inside=False)]
    if where:
        lines.append("| where " + " AND ".join(_where(item, emission, inside=len(where) > 1) for item in where))
    return lines


def _conjuncts(expr: Expr) -> list[Expr]:
    if isinstance(expr, And):
        return [inner for item in expr.items for inner in _conjuncts(item)]
    return [expr]


def _searchable(expr: Expr) -> bool:
    """Whether `search` can say exactly this."""
    match expr:
        case And(items) | Or(items):
            return bool(items) and all(_searchable(item) for item in items)
        case Not(item):
            return _searchable(item)
        case StringMatch(name, pattern, cased):
            return not cased and _searchable_field(name) and _searchable_pattern(pattern)
        case _:
            return False


def _searchable_field(name: str) -> bool:
    lower = name.lower()
    return (
        _SEARCH_FIELD.fullmatch(name) is not None
        and (lower not in _SEARCH_WORDS or name in _ALLOWED_IN_SEARCH)
        and not lower.startswith(("date_", "tag::"))
    )


def _searchable_pattern(pattern: Pattern) -> bool:
    """Text of printable ASCII without what `search` reads otherwise: a literal `*`, a network, a number, a macro.

    Only ASCII: how `search` folds the case of other letters is not documented.
    """
    if pattern.literal == "" or pattern.parts == (Wildcard.ANY,) or Wildcard.ONE in pattern.parts:
        return False
    for part in pattern.parts:
        if isinstance(part, str) and (not part.isascii() or not part.isprintable() or set(part) & {"*", "`"}):
            return False
    literal = pattern.literal
    return literal is None or not (_NETWORK.fullmatch(literal) or _NUMBER.fullmatch(literal.strip()))


def _search(expr: Expr, *, inside: bool) -> str:
    """Return a search expression; `inside` another one, where a disjunction needs brackets."""
    match expr:
        case And(items):
            return " ".join(_search(item, inside=True) for item in items)
        case Or(items):
            text = " OR ".join(
                f"({_search(item, inside=True)})" if isinstance(item, And) else _search(item, inside=True)
                for item in items
            )
            return f"({text})" if inside else text
        case Not(item):
            text = _search(item, inside=True)
            return f"NOT ({text})" if isinstance(item, And) else f"NOT {text}"
        case StringMatch(name, pattern):
            return f"{name}={_search_value(pattern)}"
        case _:
            raise AssertionError(expr)  # `_searchable` lets nothing else through


def _search_value(pattern: Pattern) -> str:
    escaped = "".join(
        part.replace("\\", "\\\\").replace('"', '\\"') if isinstance(part, str) else "*" for part in pattern.parts
    )
    return f'"{escaped}"'


def _where(expr: Expr, emission: Emission, *, inside: bool) -> str:
    """Return a condition for `where` that is true or false of every event, never null."""
    match expr:
        case And(items):
            if not items:
                return "true()"
            text = " AND ".join(_where(item, emission, inside=True) for item in items)
            return f"({text})" if inside and len(items) > 1 else text
        case Or(items):
            if not items:
                return "false()"
            text = " OR ".join(_where(item, emission, inside=True) for item in items)
            return f"({text})" if inside and len(items) > 1 else text
        case Not(Exists(name, place)):
            return f"isnull({_eval_field(name, place)})"
        case Not(IsNull(name, place)):
            return f"isnotnull({_eval_field(name, place)})"
        case Not(item):
            text = _where(item, emission, inside=False)
            return f"NOT ({text})"
        case _:
            return _where_leaf(expr, emission)


def _where_leaf(leaf: Leaf, emission: Emission) -> str:
    """`isnotnull(mvfilter(...))`: at least one value of the field passes; false if the field is missing."""
    match leaf:
        case StringMatch(name, pattern, cased, place):
            if pattern.parts == (Wildcard.ANY,):
                return f"isnotnull({_eval_field(name, place)})"
            return _any(f'match({_eval_field(name, place)},"{_pattern_regex(pattern, cased=cased)}")')
        case NumberMatch(name, number, place):
            check_whole(number, EXACT_DOUBLE, "SPL", place)
            return _any(f"tonumber({_eval_field(name, place)})={_number(number)}")
        case BoolMatch(name, value, place):
            return _any(f'lower({_eval_field(name, place)})="{str(value).lower()}"')
        case NumberCompare(name, op, number, place):
            check_whole(number, EXACT_DOUBLE, "SPL", place)
            return _any(f"tonumber({_eval_field(name, place)}){_COMPARISONS[op]}{_number(number)}")
        case Regex(name, pattern, flags, place):
            return _any(f'match({_eval_field(name, place)},"{_rule_regex(pattern, flags, place)}")')
        case Cidr(name, network, place):
            emission.assume(no_zone(name, network))
            return _any(f'cidrmatch("{network}",{_eval_field(name, place)})')
        case IsNull(name, place):
            return f"isnull({_eval_field(name, place)})"
        case Exists(name, place):
            return f"isnotnull({_eval_field(name, place)})"
        case FieldRef():
            return _field_reference(leaf, emission)
        case Keyword(pattern, cased):
            emission.assumptions.append(raw_text_like_values(leaf, f"`{pattern}`"))
            return f'match(_raw,"{_pattern_regex(pattern, cased=cased, whole=False)}")'
        case KeywordRegex(pattern, flags, place):
            emission.assumptions.append(raw_text_like_values(leaf, f"/{pattern}/"))
            return f'match(_raw,"{_rule_regex(pattern, flags, place)}")'
        case TimePart(part=part, place=place):
            raise refused(
                "SPL takes parts of a time in the zone of the user, not in UTC",
                part,
                place,
                "index the part as a field",
            )
        case Unexpanded():
            raise leaf.error
        case _:
            assert_never(leaf)


def _any(condition: str) -> str:
    return f"isnotnull(mvfilter({condition}))"


def _field_reference(leaf: FieldRef, emission: Emission) -> str:
    for name in (leaf.field, leaf.other):
        emission.single(name)
    names = [_eval_field(name, leaf.place) for name in (leaf.field, leaf.other)]
    if not leaf.cased:
        emission.assume(letters_as_written(leaf))
    mine, other = names if leaf.cased else [f"lower({name})" for name in names]
    match leaf.relation:
        case "equals":
            condition = f"{mine}={other}"
        case "startswith":
            condition = f"substr({mine},1,len({other}))={other}"
        case "endswith":
            condition = f"len({mine})>=len({other}) AND substr({mine},len({mine})-len({other})+1)={other}"
        case "contains":
            # An empty text is in every text, but nothing can be split at it.
            condition = f"isnotnull({mine}) AND (len({other})=0 OR mvcount(split({mine},{other}))>1)"
        case _:
            assert_never(leaf.relation)
    # `if` takes its last branch when the condition is null: the whole is never null.
    return f"if({condition},1,0)=1"


def _number(number: float) -> str:
    return str(number) if number >= 0 else f"({number})"


def _eval_field(name: str, place: Place | None) -> str:
    if _PLAIN_FIELD.fullmatch(name) and name.lower() not in {"and", "or", "not", "xor", "like", "in", "true", "false"}:
        return name
    return f"'{_checked(name, place)}'"


def _checked(name: str, place: Place | None) -> str:
    """Return a field name that quotes can hold; how SPL escapes a quote inside a quoted name is not documented."""
    if not _EVAL_FIELD.fullmatch(name) or name != name.strip():
        raise refused(
            f"SPL has no documented way to quote the field name {name!r}",
            "field name",
            place,
            "map the field with a pipeline, or convert to esql",
        )
    return name


def _by(name: str, place: Place | None) -> str:
    """Return a field name for a `by`; there `*` means every field whose name fits."""
    if "*" in name:
        raise refused(
            f"the field name {name!r} holds a *, which stands for many fields in a `by`",
            "group-by field with *",
            place,
            "map the field with a pipeline, or convert to esql",
        )
    if _SEARCH_FIELD.fullmatch(name) and "{" not in name and name.lower() not in _BY_WORDS:
        return name
    return f'"{_checked(name, place)}"'


def _pattern_regex(pattern: Pattern, *, cased: bool, whole: bool = True) -> str:
    parts = []
    for part in pattern.parts:
        match part:
            case Wildcard.ANY:
                parts.append(".*")
            case Wildcard.ONE:
                parts.append(".")
            case _:
                parts.append("".join(_literal(char) if cased else _either_case(char) for char in part))
    text = "".join(parts)
    if whole:
        text = ("" if text.startswith(".*") else "^") + text.removeprefix(".*")
        text = text.removesuffix(".*") if text.endswith(".*") else text + r"\z"
    return ("(?s)" if cased else "(?is)") + text


def _literal(char: str) -> str:
    r"""Return a character for a regular expression inside a quoted string of eval, free of backslash pairs and quotes.

    Whether eval undoes a pair of backslashes before the expression sees it is not documented; `\x5c` is the same
    either way.
    """
    if char in _REGEX_SPECIAL:
        return f"\\{char}"
    if char in {"\\", '"', "`"} or not char.isprintable():
        return f"\\x{{{ord(char):x}}}" if ord(char) > 0xFF else f"\\x{ord(char):02x}"  # noqa: PLR2004
    return char


def _either_case(char: str) -> str:
    """Return a character that ignores case: whether `(?i)` does so beyond ASCII is not documented."""
    if char.isascii() or not has_foreign_case(char):
        return _literal(char)
    every = variants(char)
    # A letter such as U+212A is one of ASCII to `(?i)`, and none to a rule.
    return f"(?-i:{_literal(char)})" if len(every) == 1 else f"(?:{'|'.join(map(_literal, every))})"


def _ignores_foreign_case(node: Node) -> bool:
    """Whether a part of a regular expression ignores the case of letters outside ASCII."""
    match node:
        case Char(char, fold=True):
            return has_foreign_case(char)
        case Class(ranges, fold=True):
            return any(
                high - low > _MANY or has_foreign_case("".join(map(chr, range(low, high + 1)))) for low, high in ranges
            )
        case _:
            return False


def _rule_regex(pattern: str, flags: frozenset[str], place: Place | None) -> str:
    """Return a rule's regular expression for a quoted string of eval, with the same meaning (see `_literal`)."""
    if any(_ignores_foreign_case(node) for node in walk(parse(pattern, flags))):
        raise refused(
            "whether (?i) ignores the case of letters outside ASCII is not documented for SPL",
            "re|i outside ASCII",
            place,
            "write both cases",
        )
    out = [f"(?{''.join(sorted(flags))})"] if flags else []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\" and position + 1 < len(pattern):
            following = pattern[position + 1]
            if following in "QE":
                raise refused(r"\Q and \E in a regular expression", "regex quoting", place, "escape each character")
            if following == "g":
                raise refused(r"a reference back written \g", "regex reference", place, r"write \1, \2, ...")
            out.append(_literal(following) if following in '\\"`' else char + following)
            position += 2
            continue
        out.append(_literal(char) if char in '"`' or not char.isprintable() else char)
        position += 1
    return "".join(out)
