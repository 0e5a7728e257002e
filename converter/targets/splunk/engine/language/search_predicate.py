"""Search expressions, compiled to a predicate over rows.

    SearchExpression ──compile_search──> row -> bool

A search is two-valued: what cannot be compared does not match, and `NOT` turns that into a match. Comparisons ignore
case, understand `*`, and match a multivalue field if any of its values does. Equality is that of texts: 1 is not 1.0;
order is that of numbers where both sides are numbers.
"""

from __future__ import annotations

import ipaddress
import operator
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

import re2

from converter.targets.splunk.engine.language.regexes import searcher
from converter.targets.splunk.engine.language.syntax import (
    Comparison,
    Keyword,
    Membership,
    Pattern,
    SearchAnd,
    SearchExpression,
    SearchNot,
    SearchOr,
    Subsearch,
    TimeBound,
)
from converter.targets.splunk.engine.language.values import number_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.errors import QueryError
    from converter.readers.source import Source, Span
    from converter.targets.splunk.engine.language.values import Row

Predicate: TypeAlias = "Callable[[Row], bool]"
ValueTest: TypeAlias = "Callable[[Any], bool]"
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_CIDR = re.compile(r"[0-9A-Fa-f:.]+/[0-9]{1,3}")

# The breakers that split a text into terms (segmenters.conf.spec).
_MAJOR = r"""\[\]<>(){}|!;,'"*\s&?+"""
_MINOR = r"""/:=@.\-$#%\\_"""
_ENCODED = "%(?:21|26|2526|3B|7C|20|2B|3D|2520|5D|5B|3A|0A|2C|28|29)"
_BREAKERS = frozenset("[]<>(){}|!;,'\"*&?+/:=@.-$#%\\_")
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compile_search(expression: SearchExpression, source: Source[QueryError]) -> Predicate:
    """Return the predicate of a search expression.

    Args:
        expression: the tree.
        source: the search it was read from, for errors that show when it runs.

    Raises:
        QueryError: when run: a question about a row that this engine cannot answer.
    """
    match expression:
        case SearchAnd(items=items):
            return _all([compile_search(item, source) for item in items])
        case SearchOr(items=items):
            return _any([compile_search(item, source) for item in items])
        case SearchNot(item=item):
            inner = compile_search(item, source)
            return lambda row: not inner(row)
        case Comparison(field=field, operator=sign, value=value, span=span):
            if sign == "!=":
                return _differs(field, _value_test("=", value), source, span)
            return _field_test(field, _value_test(sign, value))
        case Membership(field=field, values=values):
            return _field_test(field, _member_test(values))
        case Keyword():
            return _keyword(expression, source)
        case Subsearch(span=span) | TimeBound(span=span):
            what = "a subsearch" if isinstance(expression, Subsearch) else f"{expression.edge}= of a time range"
            raise source.error(f"{what} is not supported here", span)
        case _:
            assert_never(expression)


def _all(tests: Sequence[Predicate]) -> Predicate:
    if len(tests) == 1:
        return tests[0]

    def run(row: Row) -> bool:
        for test in tests:  # noqa: SIM110 -- the inner loop of every search; a generator would double its cost
            if not test(row):
                return False
        return True

    return run


def _any(tests: Sequence[Predicate]) -> Predicate:
    def run(row: Row) -> bool:
        for test in tests:  # noqa: SIM110 -- as above
            if test(row):
                return True
        return False

    return run


def _field_test(field: str, test: ValueTest) -> Predicate:
    def run(row: Row) -> bool:
        value = row.get(field)
        if value is None:
            return False
        if type(value) is list:
            return any(test(item) for item in value)
        return test(value)

    return run


def _differs(field: str, equals: ValueTest, source: Source[QueryError], span: Span) -> Predicate:
    def run(row: Row) -> bool:
        value = row.get(field)
        if value is None:
            return False
        if type(value) is not list:
            return not equals(value)
        matching = sum(map(equals, value))
        if 0 < matching < len(value):
            raise source.error(
                f"!= on the multivalue field {field!r}: some of its values are equal and some are not",
                span,
                "what Splunk answers is not documented; NOT field=value is",
            )
        return not matching

    return run


def _value_test(sign: str, pattern: Pattern) -> ValueTest:
    if sign != "=":
        return _order_test(sign, pattern.parts[0])
    if len(pattern.parts) > 1:
        matches = wildcard(pattern.parts, cased=pattern.cased)
        return lambda value: matches(text_of(value))
    literal = pattern.parts[0]
    network = _network(literal)
    if pattern.cased:
        return lambda value: text_of(value) == literal
    folded = literal.lower()
    if network is not None:
        return lambda value: text_of(value).lower() == folded or _inside(text_of(value), network)

    def run(value: Any) -> bool:
        return (value if type(value) is str else text_of(value)).lower() == folded

    return run


def _order_test(sign: str, literal: str) -> ValueTest:
    """Compare as numbers if both sides are, else as text without regard to case."""
    compare = _ORDER[sign]
    wanted_number = number_of(literal)
    folded = literal.lower()

    def run(value: Any) -> bool:
        if wanted_number is not None and (number := number_of(value)) is not None:
            return compare(number, wanted_number)
        return compare(text_of(value).lower(), folded)

    return run


def _member_test(values: Sequence[Pattern]) -> ValueTest:
    """Test against a list: plain texts by one look-up, the others one by one."""
    plain = {
        value.parts[0].lower()
        for value in values
        if len(value.parts) == 1 and not value.cased and not _network(value.parts[0])
    }
    others = [
        _value_test("=", value)
        for value in values
        if len(value.parts) > 1 or value.cased or value.parts[0].lower() not in plain
    ]

    def run(value: Any) -> bool:
        return text_of(value).lower() in plain or any(test(value) for test in others)

    return run


def wildcard(parts: tuple[str, ...], *, cased: bool) -> Callable[[str], bool]:
    """Return a test of a whole text against pieces with anything between them; linear in the text."""
    if not cased:
        parts = tuple(part.lower() for part in parts)
    first, *inner, last = parts
    shortest = sum(map(len, parts))

    def run(text: str) -> bool:
        text = text if cased else text.lower()
        if len(text) < shortest or not text.startswith(first) or not text.endswith(last):
            return False
        position = len(first)
        end = len(text) - len(last)
        for part in inner:
            start = text.find(part, position, end)
            if start < 0:
                return False
            position = start + len(part)
        return position <= end

    return run


def _network(text: str) -> Network | None:
    if not _CIDR.fullmatch(text):
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def parse_network(text: str) -> Network | None:
    """Return the network of a text in CIDR notation or of a single address; None if it is neither."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


@lru_cache(maxsize=16384)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _inside(text: str, network: Network) -> bool:
    address = _address(text)
    return address is not None and address.version == network.version and address in network


def inside(text: str, network: Network) -> bool:
    """Tell whether a text is an address of the network; a text that is not an address is not."""
    return _inside(text, network)


def _keyword(keyword: Keyword, source: Source[QueryError]) -> Predicate:
    pattern = keyword.pattern
    if not any(pattern.parts):
        # `*` alone finds every event, with or without raw text.
        return lambda _: True

    search = searcher(
        _keyword_expression(pattern, term=keyword.term), lambda message: source.error(message, keyword.span)
    )

    def run(row: Row) -> bool:
        raw = row.get("_raw")
        if raw is None:
            raise source.error(
                "a keyword is looked for in _raw, which an event does not have",
                keyword.span,
                "give each event its text in _raw, or name a field",
            )
        return search(text_of(raw)) is not None

    return run


def _keyword_expression(pattern: Pattern, *, term: bool) -> str:
    """Return the RE2 expression that finds a keyword as Splunk's index would: whole terms, ended by breakers."""
    edge = f"[{_MAJOR}]|{_ENCODED}|--" if term else f"[{_MAJOR}{_MINOR}]|{_ENCODED}"
    first, last = pattern.parts[0], pattern.parts[-1]
    left = rf"(?:\A|{edge})" if first and (term or not _breaks(first[0])) else ""
    right = rf"(?:{edge}|\z)" if last and (term or not _breaks(last[-1])) else ""
    body = f"[^{_MAJOR}]*".join(re2.escape(part) for part in pattern.parts)
    return f"{'' if pattern.cased else '(?i)'}{left}{body}{right}"


def _breaks(character: str) -> bool:
    return character in _BREAKERS or character.isspace()
