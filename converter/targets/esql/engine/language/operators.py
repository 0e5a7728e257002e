"""Operators: comparisons, IN, LIKE, AND and OR, with null as the third value of logic; arithmetic.py has the others.

    tree node + bound arguments ──> Bound

Types are checked as the product checks them when it plans a query. Source: Elasticsearch docs "ES|QL operators";
vendor cases `null.csv-spec`, `ip.csv-spec`, `where-like.csv-spec`; class `EsqlBinaryComparison`.
"""

from __future__ import annotations

import operator
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from converter.products.elastic import addresses, floats, lucene_regex, versions, wildcards
from converter.products.elastic.casefold import fold_ascii
from converter.products.elastic.dates import strict_date
from converter.products.elastic.patterns import PatternError, located
from converter.targets.esql.engine.language.bound import (
    Bound,
    Context,
    Getter,
    Row,
    constant,
    expect,
    finish,
    lift,
    null,
)
from converter.targets.esql.engine.language.types import Type, parse_ip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.products.elastic.patterns import Test
    from converter.readers.source import Span
    from converter.targets.esql.engine.language import syntax

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WIDTHS = (Type.INTEGER, Type.LONG, Type.DOUBLE)
_CAST_FROM_TEXT = {Type.DATETIME, Type.IP, Type.BOOLEAN, Type.VERSION}
PLAN_DEPENDENT = "a comparison of a value with a number that is rounded to it"


def comparison(context: Context, symbol: str, left: Bound, right: Bound, span: Span) -> Bound:
    """Return `left symbol right`.

    Raises:
        QueryError: the types cannot be compared.
    """
    left, right = _aligned(context, left, right, symbol)
    function = _COMPARE[symbol]
    if Type.BOOLEAN in {left.type, right.type} and symbol not in {"==", "!="}:
        raise context.error(f"booleans have no order: {symbol!r} does not take them", span)
    if Type.DOUBLE in {left.type, right.type} and left.type is not right.type:
        compare = function
        function = lambda a, b: compare(float(a), float(b))  # noqa: E731  as the functions of `operator`
    return _comparable(context, symbol, lift(context, span, (left, right), Type.BOOLEAN, function), left, right)


def _comparable(context: Context, symbol: str, result: Bound, left: Bound, right: Bound) -> Bound:
    """Return a comparison that refuses the values for which the product's answer depends on how it plans the query.

    Where Lucene compares a field of a narrow type, the constant is rounded as the stored values are; where ES|QL does,
    it is not. They differ for the stored value to which the constant is rounded.
    """
    field, other = (left, right) if left.narrow else (right, left)
    constants = [other.value] if other.constant and not isinstance(other.value, list | None) else []
    return _planned_alike(context, result, field, constants, equal=symbol in {"==", "!="})


def _planned_alike(context: Context, result: Bound, field: Bound, constants: Sequence[Any], *, equal: bool) -> Bound:
    """Return a comparison of a field with constants that raises where it would depend on the plan."""
    if not field.narrow or field.constant:
        return result
    exact = {float(value) for value in constants}
    rounded = {floats.queried(value, field.narrow, equal=equal) for value in exact} - exact
    if not rounded:
        return result
    value_of, compare = field.get, result.get

    def get(row: Row) -> Any:
        if value_of(row) in rounded and value_of(row) not in exact:
            hint = f"compare it with a number that a {field.narrow.split('(')[0]} holds: {min(rounded)!r}"
            raise context.refused(PLAN_DEPENDENT, result.span, hint)
        return compare(row)

    return Bound(result.type, get, result.span)


def _aligned(context: Context, left: Bound, right: Bound, symbol: str) -> tuple[Bound, Bound]:
    """Return both sides in one type: text constants become dates, addresses or booleans where the other side is one."""
    if left.type is right.type or Type.NULL in {left.type, right.type} or (left.type.numeric and right.type.numeric):
        if left.type.temporal:
            raise context.error(f"{symbol!r} does not take a span of time", left.span)
        return left, right
    if right.literal and right.type is Type.KEYWORD and left.type in _CAST_FROM_TEXT:
        return left, cast_text(context, right, left.type)
    if left.literal and left.type is Type.KEYWORD and right.type in _CAST_FROM_TEXT:
        return cast_text(context, left, right.type), right
    if left.observed and left.type is Type.KEYWORD and right.type is Type.IP:
        return as_ip(left), right
    if right.observed and right.type is Type.KEYWORD and left.type is Type.IP:
        return left, as_ip(right)
    message = (
        f"[{context.source(left.span)}] is {left.type.value} and [{context.source(right.span)}] is {right.type.value}: "
        f"{symbol} cannot compare them"
    )
    hint = ""
    if right.constant and left.type is Type.KEYWORD and right.type.numeric:
        hint = f'write the number as text: "{context.source(right.span)}"'
    elif right.constant and right.type is Type.KEYWORD and left.type.numeric:
        hint = "write the number without quotes"
    raise context.error(message, right.span, hint)


def cast_text(context: Context, bound: Bound, type_: Type) -> Bound:
    """Return a text constant as a date, an address, a version or a boolean."""

    def one(text: str) -> Any:
        if type_ is Type.BOOLEAN:
            value: Any = text.lower() == "true"  # any other text is false
        elif type_ is Type.VERSION:
            value = versions.encoded(text)
        else:
            value = parse_ip(text) if type_ is Type.IP else strict_date(text)
        if value is None:
            raise context.error(f"the text {text!r} is not of type {type_.value}", bound.span)
        return value

    value = bound.value
    if value is None:
        return null(type_, bound.span)
    return constant(type_, [one(text) for text in value] if isinstance(value, list) else one(value), bound.span)


def as_ip(bound: Bound) -> Bound:
    """Return a text field whose mapping is not known as addresses: values that are none are null."""
    get = bound.get

    def get_ip(row: Row) -> Any:
        value = get(row)
        if value is None:
            return None
        if value.__class__ is list:
            values = sorted({packed for packed in map(addresses.packed, value) if packed is not None})
            return values if len(values) > 1 else values[0] if values else None
        return addresses.packed(value)

    return Bound(Type.IP, get_ip, bound.span)


def membership(context: Context, value: Bound, options: Sequence[Bound], span: Span) -> Bound:
    """Return `value IN (options)`: true on a match, else null if anything was null, else false.

    An option with several values matches nothing, and is not null, unless it is widened to a common type or every
    option has several.
    """
    if value.type is not Type.NULL and all(option.constant for option in options):
        aligned = [_aligned(context, value, option, "IN") for option in options]
        value = aligned[0][0]
        known = frozenset(
            right.value for _, right in aligned if right.value is not None and not isinstance(right.value, list)
        )
        otherwise = None if any(right.value is None for _, right in aligned) else False
        result = lift(context, span, (value,), Type.BOOLEAN, lambda a: True if a in known else otherwise)
        return _planned_alike(context, result, value, [*known] if value.type.numeric else [], equal=True)
    if value.constant and any(option.constant for option in options):
        # Constants are compared with each other when the query is planned; what is left is compared with the rows.
        fixed = [comparison(context, "==", value, option, span) for option in options if option.constant]
        rest = [option for option in options if not option.constant]
        left = comparison(context, "==", value, rest[0], span) if len(rest) == 1 else None
        return logical(context, "or", [*fixed, left or membership(context, value, rest, span)], span, single=True)
    widest = max(
        (operand.type for operand in (value, *options) if operand.type.numeric), key=_WIDTHS.index, default=None
    )
    tests = [
        (option.get, comparison(context, "==", value, option, span).get, option.type.numeric and option.type != widest)
        for option in options
    ]
    value_of = value.get

    def get(row: Row) -> Any:
        a = value_of(row)
        if a.__class__ is list:
            context.warn_multivalue(span)
        if a is None or a.__class__ is list:
            return None
        result: bool | None = False
        lists = 0
        for option, equal, widened in tests:
            if option(row).__class__ is list:
                context.warn_multivalue(span)
                lists += 1
                if widened or lists == len(tests):
                    result = None
                continue
            matches = equal(row)
            if matches:
                return True
            if matches is None:
                result = None
        return result

    return finish(Type.BOOLEAN, get, span, (value, *options))


def pattern(context: Context, node: syntax.Pattern, value: Bound) -> Bound:
    """Return `value LIKE patterns` or RLIKE: true if any pattern matches the whole string.

    The product turns a pattern that every string matches into IS NOT NULL: never null, and true of a multivalue.
    """
    expect(context, node.kind.upper(), value, (Type.KEYWORD,), "a string")
    matchers = []
    for literal in node.patterns:
        try:
            text = str(literal.value)
            matchers.append(_compiled_like(text) if node.kind == "like" else lucene_regex.compile_regex(text))
        except PatternError as error:
            hint = r'in "..." a backslash is itself written \\; """...""" takes it as it is'
            message = error.message if node.kind == "like" else f"not a regular expression of Lucene: {error.message}"
            raise context.error(message, literal.span, hint if "\\" in context.source(literal.span) else "") from None
    is_total = _like_matches_all if node.kind == "like" else lucene_regex.matches_all
    if any(is_total(str(literal.value)) for literal in node.patterns):
        return is_null(value, node.span, negated=True)
    many = tuple(matchers)

    def matches_any(text: str) -> bool:
        try:
            return any(matches(text) for matches in many)
        except PatternError as error:
            raise located(error, context.error(error.message, node.patterns[0].span)) from None

    single = many[0] if len(many) == 1 and node.kind == "like" else matches_any
    return lift(context, node.span, (value,), Type.BOOLEAN, single)


@lru_cache(maxsize=512)
def _compiled_like(pattern: str) -> Test:
    return wildcards.matcher(wildcards.like_pieces(pattern))


def _like_matches_all(pattern: str) -> bool:
    return wildcards.matches_all(wildcards.like_pieces(pattern))


_LIKE_PIECE = re.compile(r"\\(.)|([^*?\\])", re.DOTALL)
_PLAIN_EXPRESSION = re.compile(r"[^.?+*|{}\[\]()\"\\#@&<>~^$-]*")


def exact_text(node: syntax.Pattern) -> str | None:
    """Return the one text that a pattern matches if it is written without operators, else None."""
    if len(node.patterns) != 1:
        return None
    pattern = str(node.patterns[0].value)
    if node.kind == "rlike":
        return pattern if _PLAIN_EXPRESSION.fullmatch(pattern) else None
    pieces = list(_LIKE_PIECE.finditer(pattern))
    if sum(len(piece[0]) for piece in pieces) != len(pattern):
        return None
    return "".join(piece[1] or piece[2] for piece in pieces)


def equal_in_any_case(context: Context, value: Bound, possible: bool, text: str, symbol: str, span: Span) -> Bound:  # noqa: FBT001
    """Return `TO_LOWER(value) == text` or its like: the product compares letters of ASCII in any case, all else as is.

    A text that is not in that case itself is equal to nothing, null included; `!=` is then IS NOT NULL.
    """
    if not possible:
        return constant(Type.BOOLEAN, value=False, span=span) if symbol == "==" else is_null(value, span, negated=True)
    folded = fold_ascii(text)
    equal = symbol == "=="
    return lift(context, span, (value,), Type.BOOLEAN, lambda a: (fold_ascii(a) == folded) is equal)


def logical(context: Context, symbol: str, terms: Sequence[Bound], span: Span, *, single: bool = False) -> Bound:
    """Return AND or OR of terms, from left to right; with a multivalue on either side it is null and a warning.

    `single`: no term can have several values, so the first that decides is enough.
    """
    for term in terms:
        expect(context, symbol.upper(), term, (Type.BOOLEAN,), "booleans")
    decisive = symbol == "or"
    if any(term.constant and term.value is decisive for term in terms):
        return constant(Type.BOOLEAN, decisive, span)
    # A constant that decides nothing is left out, as in the product: `b AND true` is b, also where b has many values.
    terms = [term for term in terms if not (term.constant and term.value is (not decisive))] or terms[:1]
    if len(terms) == 1:
        return terms[0]
    getters = tuple(term.get for term in terms)

    def get(row: Row) -> Any:
        result: bool | None = not decisive
        for getter in getters:
            value = getter(row)
            if value is decisive:
                return decisive
            if value is None:
                result = None
        return result

    def get_all(row: Row) -> Any:
        result = getters[0](row)
        for getter in getters[1:]:
            value = getter(row)
            if result.__class__ is list or value.__class__ is list:
                context.warn_multivalue(span)
                result = None
            elif result is decisive or value is decisive:
                result = decisive
            elif value is None:
                result = None
        return result

    return finish(Type.BOOLEAN, get if single else get_all, span, terms)


def negation(context: Context, value: Bound, span: Span) -> Bound:
    """Return NOT value: null stays null."""
    expect(context, "NOT", value, (Type.BOOLEAN,), "a boolean")
    return lift(context, span, (value,), Type.BOOLEAN, operator.not_)


def is_null(value: Bound, span: Span, *, negated: bool) -> Bound:
    """Return IS NULL or IS NOT NULL; a multivalue is not null."""
    get = value.get
    test: Getter = (lambda row: get(row) is not None) if negated else (lambda row: get(row) is None)
    return finish(Type.BOOLEAN, test, span, (value,))
