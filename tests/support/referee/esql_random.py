"""Texts of ES|QL made at random, after the grammar and beside it.

queries: by the grammar, or nearly (a name may be a keyword, a list may mix types)
mutated: such a query with a character or a token deleted, doubled or swapped with the next
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

KEYWORDS = (
    "and as asc by desc false first from in is last like metadata not null nulls on or rlike row stats true where with"
)
_plain = st.sampled_from(["a", "b", "c1", "_d", "@timestamp", "Foo", "a_b", "days", "count", "to_lower"])
_word = st.one_of(_plain, _plain, _plain, st.sampled_from(KEYWORDS.split()))
_quoted = st.text(st.sampled_from('a.*`" é\\|1\n'), min_size=1, max_size=4).map(
    lambda text: f"`{text.replace('`', '``')}`"
)
_part = st.one_of(_word, _word, _word, _quoted)
_names = st.lists(_part, min_size=1, max_size=3).map(".".join)
_star = st.one_of(_part, st.sampled_from(["*", "a*", "*b", "a*b*", "_*"]))
_patterns = st.lists(st.lists(_star, min_size=1, max_size=2).map("".join), min_size=1, max_size=2).map(".".join)
_letters = st.text(st.sampled_from("ab*?. \"\\\t\n'é😀/|`"), max_size=6)
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_string = st.one_of(
    _letters.map(lambda text: '"' + "".join(_ESCAPED.get(letter, letter) for letter in text) + '"'),
    _letters.map(lambda text: f'"""{text}"""'),
    st.sampled_from(['"\\T"', '"\\q"', '""', '"""a"""""', "'a'"]),
)
_whole = st.one_of(st.integers(0, 9), st.integers(0, 10**20)).map(str)
_decimal = st.sampled_from(["1.5", "1.", ".5", "1e5", "1.5E-3", ".5e+2", "1.e2"])
_sign = st.sampled_from(["", "", "-", "+", "- "])
_number = st.builds("".join, st.tuples(_sign, st.one_of(_whole, _decimal)))
_span = st.builds("".join, st.tuples(_sign, _whole, st.sampled_from([" ", ""]), _word))
_scalar = st.one_of(_number, _string, st.sampled_from(["true", "FALSE", "null"]))
_list = st.lists(_scalar, min_size=1, max_size=3).map(lambda items: f"[{', '.join(items)}]")
_type = st.sampled_from(["int", "string", "ip", "`date`", "nothing"])


def _joined(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map("".join)


def _listed(items: st.SearchStrategy[str], most: int = 3) -> st.SearchStrategy[str]:
    return st.lists(items, min_size=1, max_size=most).map(", ".join)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.sampled_from(
        [" AND ", " or ", " == ", " != ", "<", " >= ", " + ", "-", " - ", "*", " / ", "%", " and not "]
    )
    negated = st.sampled_from(["", "", " NOT"])
    return st.one_of(
        _joined(inner, binary, inner),
        _joined(inner, binary, inner),
        _joined(st.sampled_from(["NOT ", "not ", "-", "+", "- "]), inner),
        _joined("(", inner, ")"),
        _joined(_word, "(", st.one_of(st.just(""), st.just("*"), _listed(inner)), ")"),
        _joined(inner, "::", _type),
        _joined(inner, negated, " IN (", _listed(inner), ")"),
        _joined(inner, negated, st.sampled_from([" LIKE ", " rlike "]), _string),
        _joined(inner, negated, st.sampled_from([" LIKE (", " RLIKE ("]), _listed(_string), ")"),
        _joined(inner, st.sampled_from([" IS NULL", " is not null"])),
        _joined(inner, ":", _scalar),
    )


_leaf = st.one_of(_names, _names, _scalar, _span, _list)
expressions = st.recursive(_leaf, _larger, max_leaves=8)
_field = st.one_of(expressions, _joined(_names, " = ", expressions))
_aggregate = st.one_of(_field, _joined(_field, " WHERE ", expressions))
_order = _joined(
    expressions, st.sampled_from(["", " ASC", " desc"]), st.sampled_from(["", "", " NULLS FIRST", " nulls last"])
)
_by = st.one_of(st.just(""), _joined(" BY ", _listed(_field)))
_rename = _joined(_patterns, st.sampled_from([" AS ", " as ", " = ", "="]), _patterns)
_index = st.sampled_from(
    ["a", "logs-*", "-b", '"c d"', '"""e"""', "x:y", "<l-{now/d}>", "é", "metadata", "a:", "a::data"]
)
_command = st.one_of(
    _joined("WHERE ", expressions),
    _joined("WHERE ", expressions),
    _joined("EVAL ", _listed(_field)),
    _joined("STATS ", _listed(_aggregate), _by),
    _joined("STATS", _by),
    _joined("INLINE STATS ", _listed(_aggregate), _by),
    _joined("KEEP ", _listed(_patterns)),
    _joined("drop ", _listed(_patterns)),
    _joined("RENAME ", _listed(_rename)),
    _joined("SORT ", _listed(_order)),
    _joined("LIMIT ", st.one_of(_whole, _scalar)),
    _joined("MV_EXPAND ", _names),
    st.sampled_from(['GROK a "%{WORD:b}"', "LOOKUP JOIN a ON b", "SAMPLE 0.1", "NOTHING a"]),
)
_metadata = st.sampled_from(["", "", " METADATA _id", " metadata _id, _index"])
_source = st.one_of(_joined("FROM ", _listed(_index), _metadata), _joined("ROW ", _listed(_field)))
_pipe = st.sampled_from([" | ", "|", "\n| ", " // c\n| ", " /* c */ | "])
queries = _joined(_source, st.lists(_joined(_pipe, _command), max_size=3).map("".join))

_TOKEN = re.compile(r"\w+|\s+|\"[^\"]*\"|[^\w\s]", re.DOTALL)


def _changed(query: str, place: int, pieces: Callable[[str], list[str]], how: str) -> str:
    parts = pieces(query)
    at = place % len(parts)
    match how:
        case "delete":
            del parts[at]
        case "double":
            parts.insert(at, parts[at])
        case _:
            parts[at : at + 2] = parts[at : at + 2][::-1]
    return "".join(parts)


mutated = st.builds(
    _changed,
    queries,
    st.integers(0, 400),
    st.sampled_from([list, _TOKEN.findall]),
    st.sampled_from(["delete", "double", "swap"]),
)
