"""Expressions of ES|QL made at random over columns of every type, mostly of types that fit; and rows for them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

COLUMNS = {
    "k": "keyword",
    "l": "keyword",
    "n": "long",
    "i": "integer",
    "x": "double",
    "b": "boolean",
    "a": "ip",
    "t": "date",
}
_TEXTS = [
    "",
    "a",
    "A",
    "abc",
    "aBc",
    "ab",
    " a b ",
    "a.b",
    "a*b",
    "5",
    "-5.5",
    "1e3",
    "true",
    "10.0.0.1",
    "é",
    "É",
    "ß",
    "\u212a",
    "İ",
    "Σς",
    "😀a",
    "a\nb",
    "2024-01-31",
    "a,b,,c",
]
_LONGS = [0, 1, -1, 2, 5, 10, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63)]
_INTEGERS = [0, 1, -1, 2, 3, 7, 2**31 - 1, -(2**31)]
_DOUBLES = [0.0, -0.0, 1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.1, 1e-5, 1234567.891, 1e15, 1e300, -1e300, 5e-324]
_ADDRESSES = ["0.0.0.1", "10.0.0.1", "10.255.255.255", "192.168.1.9", "::", "::1", "2001:db8::1", "::ffff:10.0.0.1"]
_MOMENTS = [0, 1, -1, 1706659200000, 1709164800123, 951782399999, -86400000, 4102444800000, 1735689600000]
VALUES: dict[str, list[Any]] = {
    "keyword": _TEXTS, "long": _LONGS, "integer": _INTEGERS, "double": _DOUBLES, "boolean": [True, False],
    "ip": _ADDRESSES, "date": _MOMENTS,
}  # fmt: skip


def _cells(type_: str) -> st.SearchStrategy[Any]:
    one = st.sampled_from(VALUES[type_])
    # A field of keywords or addresses holds each value once, and all values in order.
    key = _address_key if type_ == "ip" else _utf8_key if type_ == "keyword" else float
    if type_ == "boolean":
        # AND and OR of several values follow from how the product makes them simpler: see referee.toml of the engine.
        return st.one_of(one, one, st.none())
    many = st.lists(one, min_size=2, max_size=3, unique_by=key)
    return st.one_of(one, one, one, st.none(), many.map(lambda values: sorted(values, key=key)))


def _utf8_key(text: str) -> bytes:
    return text.encode()


def _address_key(text: str) -> bytes:
    from ipaddress import ip_address  # noqa: PLC0415

    packed = ip_address(text).packed
    return packed if len(packed) == 16 else b"\0" * 10 + b"\xff\xff" + packed


rows = st.lists(st.tuples(*map(_cells, COLUMNS.values())).map(list), min_size=1, max_size=3)

_string = st.sampled_from(_TEXTS).map(
    lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
)
_whole = st.sampled_from(["0", "1", "-1", "2", "3", "10", "-5", "2147483648", "9223372036854775807"])
_small = st.sampled_from(["0", "1", "2", "3", "-1", "-2", "5"])
_decimal = st.sampled_from(["0.0", "1.0", "0.5", "-1.5", "2.5", "1e3", "1e-3", "1e300"])
_address = st.sampled_from(_ADDRESSES).map(lambda text: f'"{text}"::ip')
_moment = st.sampled_from(["1970-01-01T00:00:00Z", "2024-02-29T12:00:00.123Z", "1999-12-31T23:59:59.999Z", "2024"]).map(
    lambda text: f'"{text}"::date'
)
_SPANS = [
    "1 day",
    "7 days",
    "1 week",
    "2 weeks",
    "1 month",
    "3 months",
    "1 year",
    "5 minutes",
    "1 hour",
    "30 seconds",
    "90 minutes",
    "1 quarter",
    "100 milliseconds",
    "2 days",
]
_UNITS = [
    "year",
    "quarter",
    "month",
    "week",
    "day",
    "hour",
    "minute",
    "second",
    "millisecond",
    "yyyy",
    "dayofyear",
    "weekday",
]
_PARTS = [
    "YEAR",
    "MONTH_OF_YEAR",
    "DAY_OF_MONTH",
    "DAY_OF_WEEK",
    "DAY_OF_YEAR",
    "HOUR_OF_DAY",
    "MINUTE_OF_HOUR",
    "MINUTE_OF_DAY",
    "SECOND_OF_MINUTE",
    "SECOND_OF_DAY",
    "MILLI_OF_SECOND",
    "EPOCH_DAY",
]
_PATTERNS = ["*", "a*", "*b", "a?c", "", "?", "A*", "\\\\*", "a.b", "*é*", "*a*b*"]
_EXPRESSIONS = [".*", "a.*", "[a-c]+", "a.b", "", "A.*", "(a|b)*c?", ".", "\\\\d"]
_REGEXES = ["a", "[a-z]", "^a", "b$", "(a)(b)", "\\\\s+", ".", "(?i)A", "\\\\.", "a|b"]
_NEW = ["", "x", "$0$0", "\\\\$"]  # what ends the query is not made: our engine computes less of what is not needed


@st.composite
def expression(draw: st.DrawFn, type_: str, depth: int = 2) -> str:
    """Draw an expression of a type: keyword, long, integer, double, boolean, ip, date."""
    names = [name for name, of in COLUMNS.items() if of == type_]
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(_leaf(type_, names))
    if draw(st.integers(0, 39)) == 0:
        type_ = draw(st.sampled_from(sorted(VALUES)))  # a type that may not fit
    return draw(_call(type_, depth - 1))


def _no_constant(text: str) -> bool:
    """Whether a condition depends on the row; CASE of one that does not is planned as its result (NOTES.md)."""
    return text in COLUMNS or any(
        f"{before}{name}{after}" in text for name in COLUMNS for before in "( " for after in ") ,:"
    )


def _leaf(type_: str, names: list[str]) -> st.SearchStrategy[str]:
    constants = {
        "keyword": _string, "long": _whole, "integer": _small, "double": _decimal, "ip": _address, "date": _moment,
        "boolean": st.sampled_from(["true", "false"]),
    }[type_]  # fmt: skip
    return st.one_of(st.sampled_from(names), st.sampled_from(names), constants, st.just("null"))


def _call(type_: str, depth: int) -> st.SearchStrategy[str]:
    e = {name: expression(name, depth) for name in VALUES}
    any_number = st.one_of(e["long"], e["integer"], e["double"])
    same = st.sampled_from(sorted(VALUES)).flatmap(lambda name: st.tuples(e[name], e[name]))
    common = [
        _f("CASE({}, {}, {})", e["boolean"].filter(_no_constant), e[type_], e[type_]),
        _f("COALESCE({}, {})", e[type_], e[type_]),
        _f("{}({})", st.sampled_from(["MV_MIN", "MV_MAX", "MV_FIRST", "MV_LAST"]), e[type_]),
        _f("MV_SLICE({}, {}, {})", e[type_], st.sampled_from("01"), st.sampled_from("12")),
    ]
    if type_ not in {"boolean", "ip"}:
        common.append(_f("{}({}, {})", st.sampled_from(["GREATEST", "LEAST"]), e[type_], e[type_]))
    return st.one_of(*_OWN[type_](e, any_number, same), *common)


def _f(template: str, *parts: Any) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(lambda drawn: template.format(*drawn))


def _of_keyword(e: Any, any_number: Any, _same: Any) -> list[Any]:
    k = e["keyword"]
    return [
        _f("{}({})", st.sampled_from(["TO_LOWER", "TO_UPPER", "TRIM", "LTRIM", "RTRIM"]), k),
        _f("CONCAT({}, {})", k, k),
        _f("SUBSTRING({}, {})", k, _small),
        _f("SUBSTRING({}, {}, {})", k, _small, st.sampled_from("0123")),
        _f("{}({}, {})", st.sampled_from(["LEFT", "RIGHT"]), k, _small),
        _f('REPLACE({}, "{}", "{}")', k, st.sampled_from(_REGEXES), st.sampled_from(_NEW)),
        _f('SPLIT({}, "{}")', k, st.sampled_from([",", "a", ".", " "])),
        _f('MV_CONCAT({}, "-")', k),
        _f("TO_STRING({})", st.one_of(any_number, e["boolean"], e["ip"], e["date"])),
        _f("{}::string", st.sampled_from(list(COLUMNS))),
        _f('DATE_FORMAT("{}", {})', st.sampled_from(["yyyy-MM-dd", "HH:mm:ss.SSS", "yyyy'x'"]), e["date"]),
    ]


def _of_whole(type_: str) -> Any:
    def build(e: Any, any_number: Any, _same: Any) -> list[Any]:
        own = e[type_]
        found = [
            _f("({} {} {})", own, st.sampled_from("+-*/%"), own),
            _f("ABS({})", own),
            _f("-({})", own),
            _f("ROUND({}, {})", own, _small),
            _f("{}({})", st.sampled_from(["FLOOR", "CEIL", "MV_SUM"]), own),
        ]
        if type_ == "integer":
            return [
                *found,
                _f("LENGTH({})", e["keyword"]),
                _f("LOCATE({}, {})", e["keyword"], e["keyword"]),
                _f("LOCATE({}, {}, {})", e["keyword"], e["keyword"], _small),
                _f("MV_COUNT({})", st.one_of(e["keyword"], e["long"])),
                _f("TO_INTEGER({})", st.one_of(any_number, e["keyword"], e["boolean"])),
                _f('DATE_DIFF("{}", {}, {})', st.sampled_from(_UNITS), e["date"], e["date"]),
            ]
        return [
            *found,
            _f("TO_LONG({})", st.one_of(any_number, e["keyword"], e["boolean"], e["date"])),
            _f('DATE_EXTRACT("{}", {})', st.sampled_from(_PARTS), e["date"]),
            _f("({} {} {})", own, st.sampled_from("+-*/%"), e["integer"]),
        ]

    return build


def _of_double(e: Any, any_number: Any, _same: Any) -> list[Any]:
    x = e["double"]
    return [
        _f("({} {} {})", x, st.sampled_from("+-*/%"), st.one_of(x, e["long"])),
        _f("{}({})", st.sampled_from(["ABS", "FLOOR", "CEIL", "ROUND", "MV_SUM"]), x),
        _f("ROUND({}, {})", x, _small),
        _f("SQRT({})", any_number),
        _f("POW({}, {})", any_number, st.sampled_from(["2", "0.5", "-1", "0"])),
        _f("TO_DOUBLE({})", st.one_of(any_number, e["keyword"], e["boolean"], e["date"])),
        _f("MV_AVG({})", any_number),
        _f("-({})", x),
    ]


def _of_boolean(e: Any, any_number: Any, same: Any) -> list[Any]:
    k, b = e["keyword"], e["boolean"]
    comparison = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    negated = st.sampled_from(["", "NOT "])
    return [
        same.flatmap(lambda pair: comparison.map(lambda sign: f"({pair[0]} {sign} {pair[1]})")),
        _f("({} {} {})", any_number, comparison, any_number),
        _f("({} {} {})", b, st.sampled_from(["AND", "OR"]), b),
        _f("NOT ({})", b),
        _f("({} IS {}NULL)", st.one_of(k, e["long"], b), negated),
        # A constant in front of IN is compared with the constants in the list first, and a null in the list makes null
        # what is computed from the result: NOTES.md. Nobody writes that.
        _f("({} {}IN ({}, {}))", k.filter(_no_constant), negated, k.filter(_not_null), k.filter(_not_null)),
        _f(
            "({} {}IN ({}, {}))",
            e["long"].filter(_no_constant),
            negated,
            e["long"].filter(_not_null),
            e["integer"].filter(_not_null),
        ),
        _f('({} {}LIKE "{}")', k, negated, st.sampled_from(_PATTERNS)),
        _f('({} {}LIKE ("{}", "{}"))', k, negated, st.sampled_from(_PATTERNS), st.sampled_from(_PATTERNS)),
        _f('({} {}RLIKE "{}")', k, negated, st.sampled_from(_EXPRESSIONS)),
        _f("{}({}, {})", st.sampled_from(["STARTS_WITH", "ENDS_WITH", "CONTAINS"]), k, k),
        _f('CIDR_MATCH({}, "{}")', e["ip"], st.sampled_from(["10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0", "10.0.0.1"])),
        _f("TO_BOOLEAN({})", st.one_of(any_number, k)),
        _f("({} == {})", st.sampled_from(["TO_LOWER(k)", "TO_UPPER(k)"]), _string),
        _f("MV_CONTAINS({}, {})", k, k),
    ]


def _of_ip(e: Any, _any_number: Any, _same: Any) -> list[Any]:
    return [_f("TO_IP({})", e["keyword"])]


def _not_null(text: str) -> bool:
    """Whether no null is written in a text. In the product null with a span of time is a span of time, for instance."""
    return "null" not in text


def _of_date(e: Any, _any_number: Any, _same: Any) -> list[Any]:
    return [
        _f("DATE_TRUNC({}, {})", st.sampled_from(_SPANS), e["date"]),
        _f("({} {} {})", e["date"].filter(_not_null), st.sampled_from("+-"), st.sampled_from(_SPANS)),
        _f("TO_DATETIME({})", st.one_of(e["keyword"], e["long"], e["integer"])),
    ]


_OWN = {
    "keyword": _of_keyword, "long": _of_whole("long"), "integer": _of_whole("integer"), "double": _of_double,
    "boolean": _of_boolean, "ip": _of_ip, "date": _of_date,
}  # fmt: skip
any_expression = st.sampled_from(sorted(VALUES)).flatmap(expression)
