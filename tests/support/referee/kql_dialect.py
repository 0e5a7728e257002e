"""Say where the server's parser of KQL takes a query for another one than Kibana's does.

    query + its tree by our parser, which is after Kibana's ──read_otherwise──> why, or an empty text

NOTES.md of the target has the differences in a table. What is found here is not asked of the server's `kql`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, assert_never

from converter.targets.kql.engine import syntax

if TYPE_CHECKING:
    from collections.abc import Iterator

# What JavaScript trims.
BLANKS = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004"
    "\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
)


def read_otherwise(query: str, tree: syntax.Query) -> str:
    """Return why the server's parser takes a query that Kibana's can read for another one, or an empty text."""
    for value, name in _literals(tree):
        source = query[value.start : value.end]
        if isinstance(value, syntax.Constant) and value.value is None:
            return "null is a text for the server"
        if isinstance(value, syntax.Text) and value.quoted:
            if re.search(r'\\u(?![0-9a-fA-F]{4})|\\u[dD][89a-fA-F]|\\\\"$', source):
                return "an escape in quotes"
            if name and "*" in source:
                return "a star in a quoted name"
        elif re.search(r"[ \t\r\n]{2}|[\t\r\n\u00a0\u3000]", source):
            return "blanks: the server makes them one space"
        elif _escapes_blank(source):
            return "an escaped blank at an end: Kibana cuts it off"
        elif re.search(r"^(?:and|or|not)\b|\b(?:and|or|not)$", source, re.IGNORECASE | re.ASCII):
            return "an operator at an end of a value"
        elif (isinstance(value, syntax.Wildcard) and re.search(r"[\\?]", source)) or re.search(
            r"\\not|\\u[dD][89a-fA-F]", source, re.IGNORECASE
        ):
            return "an escape that the server loses"
        elif name and " " in source:
            return "blanks in a name"
    if odd_blanks(query):
        return "blanks: which they are"
    return "`and` and `or` without brackets" if _mixed(query, tree) else ""


def odd_blanks(query: str) -> bool:
    """Return whether a text has characters that are blanks to one parser and letters to the other."""
    return any(char in BLANKS and char not in " \t\r\n" for char in query)


def _escapes_blank(source: str) -> bool:
    """Return whether the first or the last character of an unquoted literal is a blank that is escaped."""
    ends = re.match(r"\\(?:[trn]|u([0-9a-fA-F]{4}))", source), re.search(r"\\(?:[trn]|u([0-9a-fA-F]{4}))$", source)
    return any(end is not None and (end[1] is None or chr(int(end[1], base=16)) in BLANKS) for end in ends)


def _literals(node: syntax.Query) -> Iterator[tuple[syntax.Value, bool]]:
    """Yield each literal, and whether it is a name."""
    match node:
        case syntax.Is(name, value):
            if name is not None:
                yield name, True
            yield value, False
        case syntax.Range(name, _, value):
            yield from ((name, True), (value, False))
        case syntax.Not(query):
            yield from _literals(query)
        case syntax.And(queries) | syntax.Or(queries):
            for query in queries:
                yield from _literals(query)
        case syntax.Nested(name, query):
            yield name, True
            yield from _literals(query)
        case syntax.MatchAll():
            pass
        case _ as never:
            assert_never(never)


def _mixed(query: str, node: syntax.Query) -> bool:
    """Return whether `and` and `or` meet without brackets where the server reads them otherwise.

    It lets neither bind more than the other: outside of lists from the right, in a list of values from the left.
    """
    match node:
        case syntax.Is() | syntax.Range() | syntax.MatchAll():
            return False
        case syntax.Not(inner) | syntax.Nested(_, inner):
            return _mixed(query, inner)
        case syntax.And(queries):
            return any(_mixed(query, inner) for inner in queries)
        case syntax.Or(queries):
            inside = len(_name_places(node)) == 1
            for inner in queries[1:] if inside else queries[:-1]:
                if (
                    isinstance(inner, syntax.And)
                    and (inside or len(_name_places(inner)) > 1)
                    and not _bracketed(query, inner, inside)
                ):
                    return True
            return any(_mixed(query, inner) for inner in queries)
        case _ as never:
            assert_never(never)


def _name_places(node: syntax.Query) -> set[int]:
    """Return where the names stand; a list of values has one, each value alone has its own."""
    match node:
        case syntax.Is(name, value):
            return {-1 - value.start if name is None else name.start}
        case syntax.Range(name, _, _) | syntax.Nested(name, _):
            return {-1_000_000 - name.start}
        case syntax.Not(query):
            return _name_places(query)
        case syntax.And(queries) | syntax.Or(queries):
            return set().union(*map(_name_places, queries))
        case syntax.MatchAll():
            return set()
        case _ as never:
            assert_never(never)


def _bracketed(query: str, node: syntax.Query, inside: bool) -> bool:  # noqa: FBT001  of a list of values
    literals = [value for value, name in _literals(node) if not (inside and name)]
    start, end = min(value.start for value in literals), max(value.end for value in literals)
    bare = re.sub(r'"(?:\\.|[^"])*"|\\.', "", query[start:end], flags=re.DOTALL)
    closed = re.match(r"[)}\s]*", query[end:])
    after = closed[0] if closed else ""
    opened = bare.count("(") + bare.count("{") - bare.count(")") - bare.count("}")
    return after.count(")") + after.count("}") > opened
