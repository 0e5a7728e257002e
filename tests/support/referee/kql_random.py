r"""Strategies for KQL at random: queries by its grammar, and documents of the same fields and from the same values.

    TYPES ──documents()──> documents        TYPES ──queries()──> texts of queries

Values come from small pools, so that queries find something; each is written bare, quoted, escaped, as `\u....`, or
with a part of it replaced by a star. Objects are written nested, with dotted keys, or both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

# By path, the type of each field; names give some of them (converter/targets/kql/engine/fields.py).
TYPES = {
    "k": "keyword",
    "k2": "keyword",
    "user.name": "keyword",
    "user.full.name": "keyword",
    "n": "long",
    "d": "double",
    "f": "boolean",
    "message": "text",
    "process.command_line": "wildcard",
    "source.port": "long",
    "source.ip": "ip",
    "@timestamp": "date",
    "event.created": "date",
    "u.first": "keyword",
    "u.n": "long",
    "u.v.a": "keyword",
    "u.v.b": "keyword",
    "threat.enrichments.indicator.ip": "ip",
}
NESTED = frozenset({"u", "u.v", "threat.enrichments"})
_INSIDE = tuple(f"{path}." for path in NESTED)

_TEXTS = (
    "a", "A", "b", "ab", "abc", "aab", "a b", "a  b", "", " ", "*", "**", "a*b", "a?b", "?", "é", "É", "e\u0301",
    "日本", "😀", "\\", "a\\b", "C:\\Windows\\x.exe", '"', 'say "a"', "(a)", "{a}", "<a>",
    "a:b", "a=b", "a/b", "a.b", "a-b", "a+b",
    "[a]", "a~", "a^2", "!a", "a&&b", "a||b", "/a/", "null", "true", "True", "false", "and", "or", "not", "a and b",
    "a or b", "not a", "cannot", "cannot go", "Note", "nota", "5", "05", "5.0", "-5", "1e3", "\n", "a\nb", "\t", "a\tb",
    " a", "a ", "\u00a0", "a\u00a0b", "\u3000", "İ", "ß", "ǆ", "\ufeff", "\x7f", "_id", "10.0.0.1", "2026", "10", "7",
)  # fmt: skip
_LONGS = (0, 1, -1, 5, 7, 10, 443, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), -5)
_DOUBLES = (0.0, -0.0, 0.1, 0.5, -0.5, 5.0, 1e3, 1.5, 9007199254740992.0, 1e308, -1e308, 5e-324, 1e-7)
_IPS = (
    "10.0.0.1", "10.255.255.255", "10.0.0.0", "11.0.0.0", "0.0.0.0",  # noqa: S104  data
    "255.255.255.255", "::1", "::", "fe80::1",
    "FE80:0::0001", "2001:db8::ff", "::ffff:10.0.0.1", "::ffff:a00:1", "::10.0.0.1", "AWS Internal", "10.0.0.256",
    "10.1",
)  # fmt: skip
_NETWORKS = (
    "10.0.0.0/8", "10.1.2.3/8", "10.0.0.1/32", "0.0.0.0/0", "::/0", "fe80::/10", "2001:db8::/32", "::1/128",
    "10.0.0.0/31", "::ffff:10.0.0.0/104", "10.0.0.0/33", "10.0.0.0/255.0.0.0",
)  # fmt: skip
_DATES = (
    "2026", "2026-01", "2026-01-31", "2026-01-31T12", "2026-01-31T12:00", "2026-01-31T12:00:00", "2026-01-31T12:00:00Z",
    "2026-01-31T12:00:00.1Z", "2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00,5Z", "2026-01-31T13:00:00+01:00",
    "2026-01-31T13:00:00+0100", "2026-01-31T11:00-01", "2025-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z", "0",
    "1769860800000", "-1", "2026-02-30", "2026-01-31T24:00:00Z", "2024-02-29", "2023-02-29", "yesterday", "2026-1-31",
    "2026-01-31T12:00:60Z", "2026-01-31T12:00:00 Z", "2026-01-31t12:00:00z", "12026-01-01", "2026-01-31T",
)  # fmt: skip
_EPOCHS = (0, -1, 1769860800000, 1769860800123, 2026, 99, 253402300800000)
_STAND_INS = ("*", "**")
_SPECIAL = frozenset('\\():<>"*{}')
_CHANGES = ("(", ")", ":", '"', "{", "}", "<", ">", "*", "\\", " ", "not ", " and ", " or ", "", "", "n", "=")
_SPACES = (" ", "  ", "\n", "\t")


def documents() -> st.SearchStrategy[dict[str, Any]]:
    """Return documents, without ids."""
    inner = st.fixed_dictionaries({}, optional={"a": _held("u.v.a"), "b": _held("u.v.b")})
    objects = st.fixed_dictionaries(
        {},
        optional={
            "first": _held("u.first"),
            "n": _held("u.n"),
            "v": st.one_of(inner, st.lists(inner, max_size=2)),
            "v.a": _held("u.v.a"),
        },
    )
    address = st.fixed_dictionaries({}, optional={"ip": _held("threat.enrichments.indicator.ip")})
    enrichment = st.fixed_dictionaries(
        {}, optional={"indicator": address, "indicator.ip": _held("threat.enrichments.indicator.ip")}
    )
    plain = {path: _held(path) for path in TYPES if not path.startswith(_INSIDE)}
    flat = st.fixed_dictionaries({}, optional=plain)
    tree = st.fixed_dictionaries(
        {},
        optional={
            "user": st.fixed_dictionaries(
                {},
                optional={
                    "name": _held("user.name"),
                    "full": st.fixed_dictionaries({}, optional={"name": _held("user.full.name")}),
                    "full.name": _held("user.full.name"),
                },
            ),
            "source": st.fixed_dictionaries({}, optional={"ip": _held("source.ip"), "port": _held("source.port")}),
            "u": st.one_of(st.none(), objects, st.lists(objects, max_size=3)),
            "u.first": _held("u.first"),
            "u.v": inner,
            "threat": st.fixed_dictionaries(
                {}, optional={"enrichments": st.one_of(enrichment, st.lists(enrichment, max_size=2))}
            ),
        },
    )
    return st.builds(lambda left, right: {**left, **right}, flat, tree)


def _held(path: str) -> st.SearchStrategy[Any]:
    """Return what a document may hold in a field: a value, several, none."""
    one = _scalar(TYPES[path])
    return st.one_of(one, one, st.lists(st.one_of(one, st.none()), max_size=3), st.none())


def _scalar(type_: str) -> st.SearchStrategy[Any]:
    match type_:
        case "long":
            return st.one_of(st.sampled_from(_LONGS), st.integers(-20, 20))
        case "double":
            return st.one_of(st.sampled_from(_DOUBLES), st.floats(allow_nan=False, allow_infinity=False))
        case "boolean":
            return st.booleans()
        case "ip":
            return st.sampled_from(_IPS)
        case "date":
            return st.one_of(st.sampled_from(_DATES), st.sampled_from(_EPOCHS))
        case _:
            return texts()


def texts() -> st.SearchStrategy[str]:
    """Return texts that a document may hold, or a query compares with."""
    return st.one_of(
        st.sampled_from(_TEXTS), st.text("aAbé *?\\\n", max_size=4), st.text(max_size=3).filter(_is_unicode)
    )


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


@st.composite
def queries(draw: st.DrawFn) -> str:
    """Return the text of a query; few of them do not parse."""
    space = draw(st.sampled_from(("", "", "", " ")))
    return space + _query(draw, draw(st.integers(0, 3)), "") + space


@st.composite
def broken(draw: st.DrawFn) -> str:
    """Return the text of a query with a change or two, after which many do not parse."""
    text = draw(queries())
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(_CHANGES)) + text[at + draw(st.integers(0, 1)) :]
    return text


def _query(draw: st.DrawFn, depth: int, prefix: str) -> str:
    return _joined(draw, depth, lambda left: _operand(draw, left, prefix))


def _joined(draw: st.DrawFn, depth: int, operand: Callable[[int], str]) -> str:
    """Return operands with `and`, `or` and `not` between them; mostly one operator in a pair of brackets."""
    if depth == 0:
        return operand(0)
    count = draw(st.integers(1, 3))
    operators = draw(st.sampled_from((("and",), ("or",), ("and",), ("or",), ("and", "or"))))
    out = ""
    for number in range(count):
        if number:
            word = draw(st.sampled_from(operators))
            out += _space(draw) + draw(st.sampled_from((word, word, word.upper(), word.title()))) + _space(draw)
        if draw(st.integers(0, 3)) == 0:
            out += draw(st.sampled_from(("not ", "NOT ", "Not  ")))
        out += operand(depth - 1)
    return out


def _operand(draw: st.DrawFn, depth: int, prefix: str) -> str:
    kind = draw(st.integers(0, 19))
    if depth and kind < 7:
        gap = draw(st.sampled_from(("", "", " ")))
        return f"({gap}{_query(draw, depth, prefix)}{gap})"
    if kind == 7 and depth and prefix in {"", "u."}:
        inner = "v" if prefix else draw(st.sampled_from(("u", "u", "threat.enrichments")))
        return f"{inner}: {{ {_query(draw, depth, prefix + inner + '.')} }}"
    if kind == 8 and not prefix:
        return _value(draw, draw(st.sampled_from(("keyword", "long", "ip"))))
    path, type_ = _name(draw, prefix)
    if kind == 9:
        return f"{path}:{draw(st.sampled_from(('', ' ')))}*"
    if kind in {10, 11, 12}:
        operator = draw(st.sampled_from(("<", "<=", ">", ">=")))
        return f"{path}{draw(st.sampled_from(('', ' ')))}{operator} {_literal(draw, _compared(draw, type_))}"
    colon = draw(st.sampled_from((": ", ":", " : ")))
    if kind in {13, 14}:
        return f"{path}{colon}({_joined(draw, 1 + depth, lambda left: _listed(draw, left, type_))})"
    return path + colon + _value(draw, type_)


def _listed(draw: st.DrawFn, depth: int, type_: str) -> str:
    if depth and draw(st.booleans()):
        return f"({_joined(draw, depth, lambda left: _listed(draw, left, type_))})"
    return _value(draw, type_)


def _name(draw: st.DrawFn, prefix: str) -> tuple[str, str]:
    """Return a field as it is written, and its type; some names have a star, some are in quotes, some name nothing."""
    known = [path for path in TYPES if path.startswith(prefix) and (prefix or not path.startswith(_INSIDE))]
    path = draw(st.sampled_from(known))
    type_ = TYPES[path]
    if type_ == "text":
        path, type_ = "k", "keyword"
    path = path.removeprefix(prefix)
    kind = draw(st.integers(0, 29))
    if kind == 0:
        return draw(st.sampled_from(("absent", "user", "user.*", "*.name", "k*", "*ser*", "*k*", "n*", "*"))), type_
    if kind == 1:
        return f'"{path}"', type_
    if kind == 2:
        return path.replace(".", "\\u002e"), type_
    return path, type_


def _value(draw: st.DrawFn, type_: str) -> str:
    """Return a value as it is written, at times a pattern."""
    text = _compared(draw, type_)
    stars = draw(st.integers(0, 9))
    if stars > (2 if type_ in {"keyword", "wildcard"} else 0):
        return _literal(draw, text)
    parts = []
    for _ in range(draw(st.integers(1, 2))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 2)))
        parts.append(_bare(draw, text[:start]))
        text = text[end:]
    return "".join(part + draw(st.sampled_from(_STAND_INS)) for part in parts) + _bare(draw, text)


def _compared(draw: st.DrawFn, type_: str) -> str:
    """Return the text of a value to compare a field of a type with."""
    if draw(st.integers(0, 19)) == 0:
        return draw(texts())
    match type_:
        case "long" | "double":
            odd = st.sampled_from(
                ("5.0", "5.5", "5e0", "+5", "-0", "1e3", "9007199254740993", "1e400", "0x5", "5d", ".5")
            )
            return str(draw(st.one_of(_scalar("long"), _scalar("double"), odd)))
        case "boolean":
            return draw(st.sampled_from(("true", "false", "True", "FALSE", "1")))
        case "ip":
            return draw(st.one_of(st.sampled_from(_IPS), st.sampled_from(_NETWORKS)))
        case "date":
            odd = st.sampled_from(
                ("now-1d", "2026-01-31||/d", "2026-01-31T12:00:00Z||+1h", "1.5", "2026-01-31T12:00:00.12")
            )
            return str(draw(st.one_of(st.sampled_from(_DATES), st.sampled_from(_EPOCHS), odd)))
        case _:
            return draw(texts())


def _literal(draw: st.DrawFn, text: str) -> str:
    if not text or draw(st.booleans()) or not draw(st.integers(0, 9)):
        return _quoted(draw, text)
    return _bare(draw, text) or '""'


def _quoted(draw: st.DrawFn, text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"'}
    if draw(st.booleans()):
        escapes |= {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(escapes.get(char, char) for char in text) + '"'


def _bare(draw: st.DrawFn, text: str) -> str:
    """Return a text outside quotes, special signs escaped, now and then another character by its code."""
    out = "".join("\\" + char if char in _SPECIAL else char for char in text)
    if text and ord(text[0]) < 0xD800 and draw(st.integers(0, 9)) == 0:
        return f"\\u{ord(text[0]):04x}" + _bare(draw, text[1:])
    return out


def _space(draw: st.DrawFn) -> str:
    return " \u00a0" if draw(st.integers(0, 99)) == 0 else draw(st.sampled_from((" ", " ", " ", *_SPACES)))
