r"""Search expressions: keywords, phrases, comparisons, and their combination.

a=1 (b="x*" OR NOT c IN (1, 2)) "some phrase"  ──>  SearchAnd(Comparison, SearchOr(...), Keyword)

and     := or (AND? or)*               NOT binds closest, then OR, then AND: not the order of `where`
or      := not (OR not)*
not     := NOT not | primary
primary := "(" and ")" | "[" search "]" | earliest=time | latest=time | field op value | field IN (value, ...)
           | CASE(x) | TERM(x) | keyword | "phrase"
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from converter.errors import QueryError
from converter.readers.source import Source, Span
from converter.targets.splunk.engine.language.lex import MAX_DEPTH, Scanner, unescape
from converter.targets.splunk.engine.language.subsearch import subsearch
from converter.targets.splunk.engine.language.syntax import (
    Comparison,
    Keyword,
    Membership,
    Pattern,
    SearchAnd,
    SearchExpression,
    SearchNot,
    SearchOr,
    TimeBound,
)

if TYPE_CHECKING:
    from typing import Literal

    from converter.targets.splunk.engine.language.syntax import ComparisonOperator

_OPERATOR = re.compile(r"\s*(!=|<=|>=|=|<|>)")
_FIELD = re.compile(r"""(?:[^\s,|\[\]()"`=<>!]|!(?!=))+""")
# An empty pair of brackets inside a word belongs to it, as in published detections with a passing test.
_VALUE = re.compile(r"""(?:[^\s,|\[\]()"`\\]|\\.|\\$|(?<=[^\s(=])\(\))+""", re.DOTALL)
_NOTHING = re.compile(r"\s*\(\s*\)")
_IN = re.compile(r"\s+IN\s*\(")
_TERM = re.compile(r'[^()"`|\s\[\]]+')
_TIME = re.compile(r"""(?:[^\s,|\[\]()"`=<>]|\(\))+""")
_DIRECTIVE = re.compile(r"(CASE|TERM)\(")

# What these mean depends on the index or on saved objects, which a list of events has not.
_REFUSED_FIELDS = {
    "_index_earliest": "a time range",
    "_index_latest": "a time range",
    "starttime": "a time range",
    "endtime": "a time range",
    "timeformat": "a time format",
    "savedsearch": "a saved search",
    "savedsplunk": "a saved search",
}


def parse_search(scanner: Scanner) -> SearchExpression:
    """Read a search expression up to the end of the command; nothing at all matches everything.

    Raises:
        QueryError: the text is not a search expression.
    """
    if scanner.at_command_end():
        return SearchAnd(())
    expression = _and(scanner)
    if not scanner.at_command_end():
        raise scanner.error(f"unexpected {scanner.describe()} in a search")
    return expression


def parse_group(scanner: Scanner) -> SearchExpression:
    """Read the search expression in round brackets that stands next.

    Raises:
        QueryError: the text is not a search expression.
    """
    return _primary(scanner)


def parse_search_text(text: str) -> SearchExpression:
    """Read a whole text as a search expression, as `searchmatch` does.

    Raises:
        QueryError: the text is not a search expression.
    """
    scanner = Scanner(Source(text, QueryError))
    expression = parse_search(scanner)
    if scanner.peek():
        raise scanner.error(f"unexpected {scanner.describe()} in a search")
    return expression


def pattern_of(raw: str, *, cased: bool = False) -> Pattern:
    r"""Turn a value as written into literal pieces: `\\` and `\"` are escapes, `*` is always a wildcard."""
    parts: list[str] = []
    piece: list[str] = []
    position = 0
    while position < len(raw):
        character = raw[position]
        if character == "*":
            parts.append("".join(piece))
            piece = []
        elif character == "\\" and raw[position + 1 : position + 2] in ("\\", '"'):
            position += 1
            piece.append(raw[position])
        else:
            piece.append(character)
        position += 1
    parts.append("".join(piece))
    # Runs of wildcards are one wildcard.
    inner = [part for part in parts[1:-1] if part]
    return Pattern((parts[0], *inner, parts[-1]) if len(parts) > 1 else (parts[0],), cased)


def _and(scanner: Scanner) -> SearchExpression:
    items = [_or(scanner)]
    while not scanner.at_command_end() and scanner.peek() != ")":
        if _operator_word(scanner) == "AND":
            scanner.offset += len("AND")
        items.append(_or(scanner))
    return items[0] if len(items) == 1 else SearchAnd(tuple(items))


def _or(scanner: Scanner) -> SearchExpression:
    items = [_not(scanner)]
    while _operator_word(scanner) == "OR":
        scanner.offset += len("OR")
        items.append(_not(scanner))
    return items[0] if len(items) == 1 else SearchOr(tuple(items))


def _not(scanner: Scanner) -> SearchExpression:
    if _operator_word(scanner) != "NOT":
        return _primary(scanner)
    scanner.offset += len("NOT")
    if match := _NOTHING.match(scanner.text, scanner.offset):
        # What `format` gives for no results, so that a search for them finds nothing.
        scanner.offset = match.end()
        return SearchOr(())
    with scanner.nested(MAX_DEPTH):
        return SearchNot(_not(scanner))


def _operator_word(scanner: Scanner) -> str:
    """Return AND, OR, NOT or XOR if it stands next as a word of its own (a field `OR=1` is not an operator)."""
    scanner.skip()
    match = _FIELD.match(scanner.text, scanner.offset)
    if match and match.group(0) in ("AND", "OR", "NOT", "XOR") and not _OPERATOR.match(scanner.text, match.end()):
        return match.group(0)
    return ""


def _primary(scanner: Scanner) -> SearchExpression:
    here = scanner.peek()
    start = scanner.offset
    if here == "(":
        scanner.offset += 1
        with scanner.nested(MAX_DEPTH):
            inner = _and(scanner)
        scanner.expect(")", "to close the bracket")
        return inner
    if here == "[":
        return subsearch(scanner)
    if here == '"':
        raw = scanner.quoted()
        return _after_name(scanner, unescape(raw), start) or Keyword(pattern_of(raw), span=scanner.span(start))
    if word := _operator_word(scanner):
        raise _dangling(scanner, word)
    if match := _DIRECTIVE.match(scanner.text, scanner.offset):
        pattern = _directive(scanner)
        return Keyword(pattern, term=match.group(1) == "TERM", span=scanner.span(start))
    match = _FIELD.match(scanner.text, scanner.offset)
    if match is None:
        raise scanner.error(f"expected a search term, found {scanner.describe()}")
    scanner.offset = match.end()
    if node := _after_name(scanner, match.group(0), start):
        return node
    scanner.offset = start
    return Keyword(pattern_of(_bare(scanner, "a search term")), span=scanner.span(start))


def _dangling(scanner: Scanner, word: str) -> QueryError:
    span = Span(scanner.offset, scanner.offset + len(word))
    if word == "XOR":
        return scanner.error("XOR in a search", span, "only where and eval know XOR")
    return scanner.error(f"expected a search term, found {word}", span, f"put {word} in quotes to search for the word")


def _after_name(scanner: Scanner, name: str, start: int) -> Comparison | Membership | TimeBound | None:
    """Read what follows a field name; None, without moving, if it was no field name."""
    text = scanner.text
    if match := _OPERATOR.match(text, scanner.offset):
        _check_field(scanner, name, start)
        scanner.offset = match.end()
        if name in ("earliest", "latest"):
            return _time_bound(scanner, name, match.group(1), start)
        value = _value(scanner)
        operator = cast("ComparisonOperator", match.group(1))
        span = scanner.span(start)
        if operator in ("<", "<=", ">", ">=") and len(value.parts) > 1:
            raise scanner.error(f"a wildcard after {operator}", span, "only = and != understand wildcards")
        return Comparison(name, operator, value, span)
    if match := _IN.match(text, scanner.offset):
        _check_field(scanner, name, start)
        scanner.offset = match.end()
        return Membership(name, _list(scanner), scanner.span(start))
    return None


def _time_bound(scanner: Scanner, edge: str, operator: str, start: int) -> TimeBound:
    """Read the value of `earliest=` or `latest=`."""
    if operator != "=":
        raise scanner.error(f"{edge}{operator} is not a time range", scanner.span(start), f"write {edge}=")
    scanner.skip()
    if scanner.text.startswith('"', scanner.offset):
        modifier = unescape(scanner.quoted())
    elif match := _TIME.match(scanner.text, scanner.offset):
        modifier = match.group(0)
        scanner.offset = match.end()
    else:
        raise scanner.error(f"expected a time after {edge}=, found {scanner.describe()}")
    return TimeBound(cast("Literal['earliest', 'latest']", edge), modifier, scanner.span(start))


def _check_field(scanner: Scanner, name: str, start: int) -> None:
    span = scanner.span(start)
    if not name or "*" in name:
        raise scanner.error(f"a field name with a wildcard or without letters: {name!r}", span)
    if name.startswith("'"):
        raise scanner.error("a field name in single quotes", span, "search wants double quotes around a field name")
    if what := _REFUSED_FIELDS.get(name):
        raise scanner.error(f"{name}= is {what}, which does not apply to a list of events", span)


def _list(scanner: Scanner) -> tuple[Pattern, ...]:
    values: list[Pattern] = []
    while True:
        # Published detections with a passing test also have lists with commas too many, and too few between quotes.
        between = False
        while scanner.accept(","):
            between = True
        if scanner.peek() == ")" and values:
            scanner.offset += 1
            return tuple(values)
        if values and not between and scanner.peek() != '"':
            raise scanner.error(f"expected ')' to close the list of IN, found {scanner.describe()}")
        values.append(_value(scanner))


def _value(scanner: Scanner) -> Pattern:
    here = scanner.peek()
    if here == '"':
        raw = scanner.quoted()
        following = scanner.text[scanner.offset : scanner.offset + 1]
        if following and not following.isspace() and following not in "),|]`" and not _operator_word(scanner):
            raise scanner.error("text follows a closing quote", hint="put the whole value in one pair of quotes")
        return pattern_of(raw)
    if here == "(":
        raise scanner.error("a bracket where a value belongs", hint="put the value in quotes")
    if match := _DIRECTIVE.match(scanner.text, scanner.offset):
        if match.group(1) == "TERM":
            raise scanner.error(
                "TERM() as the value of a field",
                Span(scanner.offset, scanner.offset + 4),
                "TERM() is for raw text only",
            )
        return _directive(scanner)
    return pattern_of(_bare(scanner, "a value"))


def _bare(scanner: Scanner, purpose: str) -> str:
    match = _VALUE.match(scanner.text, scanner.offset)
    if match is None:
        raise scanner.error(f"expected {purpose}, found {scanner.describe()}")
    for position, character in enumerate(match.group(0)):
        if character in "=<>":
            raise scanner.error(f"{character!r} inside {purpose} without quotes", scanner.offset + position, "quote it")
    scanner.offset = match.end()
    if scanner.text.startswith('"', scanner.offset):
        raise scanner.error("a quote inside a word", hint="put the whole value in one pair of quotes")
    return match.group(0)


def _directive(scanner: Scanner) -> Pattern:
    """Read `CASE(x)` or `TERM(x)`; what stands between the brackets is taken as it is, or in quotes."""
    cased = scanner.text.startswith("CASE", scanner.offset)
    scanner.offset += len("CASE(")
    if scanner.peek() == '"':
        raw = scanner.quoted()
    else:
        match = _TERM.match(scanner.text, scanner.offset)
        if match is None:
            raise scanner.error(f"expected a word in {'CASE' if cased else 'TERM'}(), found {scanner.describe()}")
        raw = match.group(0)
        scanner.offset = match.end()
    scanner.expect(")", "to close the bracket")
    return pattern_of(raw, cased=cased)
