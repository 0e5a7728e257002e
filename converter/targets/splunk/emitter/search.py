"""What `search` can say of a condition: exactly, or as something weaker that finds at least the same events.

    Expr ──split──> exact items for `search` | items for `where`, each ──weaker──> what `search` can say of it

Splunk reads its index by the terms of the first `search`, so each term there counts. `search` ignores case, looks at
every value of a field and has `*`; what it cannot say (case, `?`, a plain `*`, letters outside ASCII, regular
expressions, keywords) stays whole in `where`, and the search gets a weaker form of it: without case, the texts around
a `?`, the fixed texts of an expression, the words of a keyword. Weaker only ever means more events. For numbers see
`emitter.numbers`.

Splunk looks a value up by its terms, so the first search keeps to what it is sure to find: a `*` only stands at an end
of a value, as one between two texts "may return inconsistent results"; and a character that JSON and XML may write as
an escape is left out, as the escape would be part of a term.
"""

from __future__ import annotations

import re
from dataclasses import replace
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from converter.plan import nodes as ir
from converter.plan.regex import can_be_empty
from converter.plan.regex_parse import parse
from converter.plan.simplify import simplify
from converter.targets.splunk.emitter.numbers import PlainCompare, PlainNumber, digits
from converter.targets.splunk.emitter.quoting import SIGNS, search_field, search_value
from converter.targets.splunk.emitter.required_literals import fixed_patterns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


# A value of these forms is not compared as text by `search`: networks and numbers.
_NETWORK = re.compile(r"[0-9a-fA-F.:]+/[0-9]+")
_NUMBER = re.compile(r"[+-]?(0x[0-9a-fA-F]+|[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?|[0-9]+\.)")
# A word of a keyword between blanks or brackets: they end terms of the index, and JSON writes them as they are.
_WORD = re.compile(r"(?<=[ ()\[\]{};,|])[A-Za-z0-9]{2,40}(?=[ ()\[\]{};,|])", re.ASCII)
_OPERATORS = frozenset({"and", "or", "not"})
_MOST_WORDS = 3
_SHORTEST = 3  # of a text beside a longer one
_MANY = 64  # patterns that are worth comparing with each other
_ANYTHING = (ir.Wildcard.ANY,)
# Writers of JSON for web pages escape these, as \\u003c for example; the terms of the index are then others.
_ESCAPED = frozenset("<>&'\"+=")
_COLON = ir.Pattern((ir.Wildcard.ANY, ":", ir.Wildcard.ANY))  # of every address of IPv6


def texts(expr: ir.Expr) -> ir.Expr:
    """Return the same condition with each boolean as what it is to `search`: the text true or false."""
    match expr:
        case ir.And(items):
            return ir.And(tuple(map(texts, items)))
        case ir.Or(items):
            return ir.Or(tuple(map(texts, items)))
        case ir.Not(item):
            return ir.Not(texts(item))
        case ir.BoolMatch(name, value, place):
            return ir.StringMatch(name, ir.Pattern((str(value).lower(),)), cased=False, place=place)
        case _:
            return expr


def split(expr: ir.Expr) -> tuple[list[ir.Expr], list[ir.Expr]]:
    """Return what an event must meet as items that `search` says exactly, and items that it does not."""
    search: list[ir.Expr] = []
    where: list[ir.Expr] = []
    for item in _conjuncts(expr):
        (search if searchable(item) else where).append(item)
    return search, where


def _conjuncts(expr: ir.Expr) -> Iterable[ir.Expr]:
    """Yield what must all be true; a negated `or` is one item for each part only if `search` cannot say it whole."""
    match expr:
        case ir.And(items):
            for item in items:
                yield from _conjuncts(item)
        case ir.Not(ir.Or(items)) if items and not searchable(expr):
            exact = tuple(item for item in items if searchable(item))
            if exact:
                yield ir.Not(exact[0] if len(exact) == 1 else ir.Or(exact))
            for item in items:
                if not searchable(item):
                    yield from _conjuncts(ir.Not(item))
        case ir.Not(ir.Not(item)):
            yield from _conjuncts(item)
        case _:
            yield expr


def first_terms(search: Iterable[ir.Expr], where: Iterable[ir.Expr]) -> list[ir.Expr]:
    """Return what `search` can say, as the terms that a search begins with.

    Args:
        search: what it says exactly.
        where: what is still to be judged; what `search` can say of it is added if it has any text to look for. That a
            field is there is said only where nothing else is.
    """
    terms = dict.fromkeys(search)
    loose = [simplify(loosened) for item in where if (loosened := weaker(item)) is not None]
    for loosened in loose:
        terms.update((term, None) for term in _conjuncts(loosened) if _has_text(term))
    return list(terms) or [term for loosened in loose for term in _conjuncts(loosened)][:1]


def first_clause(terms: Sequence[ir.Expr]) -> str:
    """Return the search that begins with these terms, or with all events."""
    if not terms:
        return "*"
    return " ".join(search_text(item, inside=len(terms) > 1) for item in terms)


def _has_text(expr: ir.Expr) -> bool:
    match expr:
        case ir.And(items) | ir.Or(items):
            return (any if isinstance(expr, ir.And) else all)(map(_has_text, items))
        case ir.Not():
            return True
        case ir.StringMatch(pattern=pattern):
            return any(isinstance(part, str) for part in pattern.parts)
        case _:
            return isinstance(expr, ir.Cidr | ir.Keyword | PlainNumber | PlainCompare | ir.Unexpanded)


# ---------------------------------------------------------------------------------------------------------- exactly


def searchable(expr: ir.Expr) -> bool:
    """Whether `search` can say exactly this."""
    match expr:
        case ir.And(items) | ir.Or(items):
            return bool(items) and all(map(searchable, items))
        case ir.Not(item):
            return searchable(item)
        case PlainNumber(name):
            return search_field(name) is not None
        case PlainCompare(name, only=only):
            return only and search_field(name) is not None
        case ir.StringMatch(name, pattern, cased):
            return not cased and search_field(name) is not None and _searchable_pattern(pattern)
        case ir.Unexpanded(name, expression=str()):  # a lookup that a pipeline has written for `search`
            return name is None or search_field(name) is not None
        case _:
            return False


def _searchable_pattern(pattern: ir.Pattern) -> bool:
    return ir.Wildcard.ANY not in pattern.parts[1:-1] and is_text(pattern, _is_plain)


def is_text(pattern: ir.Pattern, plain: Callable[[str], bool]) -> bool:
    """Whether `search` compares with a pattern as text: a literal network or number it does not.

    Args:
        pattern: an empty one, a lone `*` and one with `?` are none either.
        plain: whether a text, in quotes, is itself.
    """
    if pattern.literal == "" or pattern.parts == _ANYTHING or ir.Wildcard.ONE in pattern.parts:
        return False
    if not all(plain(part) for part in pattern.parts if isinstance(part, str)):
        return False
    literal = pattern.literal
    return literal is None or not (_NETWORK.fullmatch(literal) or _NUMBER.fullmatch(literal.strip()))


def is_printable(text: str) -> bool:
    """Whether a text, in quotes, is itself to `search`: neither the wildcard nor the mark of macros is in it.

    Only ASCII: how `search` folds the case of other letters is not documented.
    """
    return text.isascii() and text.isprintable() and "*" not in text and "`" not in text


def _is_plain(text: str) -> bool:
    """Whether, besides, the raw text of an event is sure to have it as it is: JSON may escape what is not ASCII."""
    return is_printable(text) and _ESCAPED.isdisjoint(text)


# ----------------------------------------------------------------------------------------------------------- weaker


def weaker(expr: ir.Expr) -> ir.Expr | None:
    """Return what `search` can express and every event that satisfies `expr` satisfies too, or None."""
    if searchable(expr):
        return expr
    match expr:
        case ir.And(items):
            weakened = [part for item in items if (part := weaker(item)) is not None]
            return ir.And(tuple(weakened)) if weakened else None
        case ir.Or(items):
            branches = [weaker(item) for item in items]
            known = tuple(part for part in branches if part is not None)
            return _alternatives(known) if known and len(known) == len(branches) else None
        case ir.Not(item):
            inner = _stronger(item)
            return ir.Not(inner) if inner is not None else None
        case ir.StringMatch(name, pattern):
            return _looser(name, pattern) if search_field(name) is not None else None
        case ir.Regex(name, text, flags):
            return _regex(name, text, flags) if search_field(name) is not None else None
        case ir.Cidr(name, network):
            if search_field(name) is None:
                return None
            return expr if isinstance(network, IPv4Network) else ir.StringMatch(name, _COLON)
        case ir.Keyword(pattern):
            return _words(pattern)
        case PlainCompare(name):
            return expr if search_field(name) is not None else None
        case ir.NumberMatch(field=name) | ir.NumberCompare(field=name) | ir.TimePart(field=name):
            return _present(name) if search_field(name) is not None else None
        case _:
            return None


def _stronger(expr: ir.Expr) -> ir.Expr | None:
    """Return what `search` can express and only events that satisfy `expr` satisfy, or None."""
    if searchable(expr):
        return expr
    match expr:
        case ir.And(items):
            parts = [_stronger(item) for item in items]
            known = tuple(part for part in parts if part is not None)
            return ir.And(known) if known and len(known) == len(parts) else None
        case ir.Or(items):
            strengthened = [part for item in items if (part := _stronger(item)) is not None]
            return ir.Or(tuple(strengthened)) if strengthened else None
        case ir.Not(item):
            inner = weaker(item)
            return ir.Not(inner) if inner is not None else None
        case _:
            return None


def _alternatives(items: tuple[ir.Expr, ...]) -> ir.Expr:
    """Return alternatives without those that another one finds, too."""
    whole = simplify(ir.Or(items))
    if not isinstance(whole, ir.Or) or len(whole.items) > _MANY:
        return whole
    alternatives = [
        item
        for at, item in enumerate(whole.items)
        if not any(
            _covers(other, item) and (place < at or not _covers(item, other))
            for place, other in enumerate(whole.items)
            if place != at
        )
    ]
    return alternatives[0] if len(alternatives) == 1 else replace(whole, items=tuple(alternatives))


def _covers(wide: ir.Expr, narrow: ir.Expr) -> bool:
    """Whether a text with wildcards finds all that another one, a network or a number of its field does."""
    if (
        not isinstance(wide, ir.StringMatch)
        or not isinstance(narrow, ir.StringMatch | ir.Cidr | PlainNumber | PlainCompare)
        or wide.field != narrow.field
    ):
        return False
    if wide.pattern.parts == _ANYTHING or isinstance(narrow, ir.Cidr | PlainCompare):
        return wide.pattern.parts == _ANYTHING
    # No text here has a `*` of its own: one at an end of the narrow text is what only a `*` takes.
    parts = (digits(narrow.number),) if isinstance(narrow, PlainNumber) else narrow.pattern.parts
    text = "".join(part.lower() if isinstance(part, str) else "*" for part in parts)
    (literal,) = (part.lower() for part in wide.pattern.parts if isinstance(part, str))
    before, after = wide.pattern.parts[0] is ir.Wildcard.ANY, wide.pattern.parts[-1] is ir.Wildcard.ANY
    if before and after:
        return literal in text
    if before:
        return text.endswith(literal)
    return text.startswith(literal) if after else text == literal


def _words(pattern: ir.Pattern) -> ir.Expr | None:
    """Return the longest words that are whole terms of any text that holds the keyword."""
    all_words = [word[0] for part in pattern.parts if isinstance(part, str) for word in _WORD.finditer(part)]
    words = sorted({word.lower(): word for word in all_words if word.lower() not in _OPERATORS}.values(), key=len)
    chosen = words[-_MOST_WORDS:]
    return ir.And(tuple(ir.Keyword(ir.Pattern((word,))) for word in all_words if word in chosen)) if chosen else None


def _present(name: str) -> ir.StringMatch:
    return ir.StringMatch(name, ir.Pattern(_ANYTHING))


def _looser(name: str, pattern: ir.Pattern) -> ir.Expr | None:
    """Return the texts of the pattern that `search` can say.

    The empty text and a lone `*` have none: whether `f=*` finds a field that is empty is not documented.
    """
    loose = _with_wildcards(pattern.parts)
    if loose != _ANYTHING:
        return _texts(name, loose) if loose else None
    return _present(name) if pattern.parts != _ANYTHING else None


def _texts(name: str, parts: tuple[str | ir.Wildcard, ...]) -> ir.Expr:
    """Return that the texts of a pattern are in the value, one at an end of the pattern at that end."""
    last = len(parts) - 1
    texts = [(at, part) for at, part in enumerate(parts) if isinstance(part, str)]
    longest = max(len(text) for _, text in texts)
    runs = [
        ir.StringMatch(name, ir.Pattern((*(_ANYTHING if at else ()), text, *(_ANYTHING if at < last else ()))))
        for at, text in texts
        if len(text) >= min(longest, _SHORTEST)
    ]
    return runs[0] if len(runs) == 1 else ir.And(tuple(runs))


def _with_wildcards(parts: Iterable[str | ir.Wildcard]) -> tuple[str | ir.Wildcard, ...]:
    joined: list[str | ir.Wildcard] = []
    for part in parts:
        pieces = [ir.Wildcard.ANY] if isinstance(part, ir.Wildcard) else _pieces(part)
        for piece in pieces:
            if not (piece is ir.Wildcard.ANY and joined and joined[-1] is ir.Wildcard.ANY):
                joined.append(piece)
    if len(joined) == 1 and isinstance(joined[0], str) and _NETWORK.fullmatch(joined[0]):
        joined.append(ir.Wildcard.ANY)  # a network in full would be compared with addresses
    return tuple(joined)


def _pieces(text: str) -> list[str | ir.Wildcard]:
    if _is_plain(text):
        return [text]
    pieces: list[str | ir.Wildcard] = []
    for char in text:
        if not _is_plain(char):
            pieces.append(ir.Wildcard.ANY)
        elif pieces and isinstance(pieces[-1], str):
            pieces[-1] += char
        else:
            pieces.append(char)
    return pieces


def _regex(name: str, text: str, flags: frozenset[str]) -> ir.Expr | None:
    tree = parse(text, flags)
    literals = fixed_patterns(tree)
    loose = [_with_wildcards(parts) for parts in literals]
    if loose and all(any(isinstance(part, str) for part in parts) for parts in loose):
        return _alternatives(tuple(_texts(name, parts) for parts in loose))
    return None if can_be_empty(tree) else _present(name)


# ------------------------------------------------------------------------------------------------------------- text


def search_text(expr: ir.Expr, *, inside: bool) -> str:
    """Return a search expression; `inside` another one, where a disjunction needs brackets.

    Raises:
        AssertionError: neither `searchable` nor `weaker` gave the expression.
    """
    match expr:
        case ir.And(items):
            return " ".join(search_text(item, inside=True) for item in items)
        case ir.Or(items):
            texts = _disjuncts(items)
            if len(texts) == 1:
                return texts[0]
            return f"({' OR '.join(texts)})" if inside else " OR ".join(texts)
        case ir.Not(item):
            text = search_text(item, inside=True)
            return f"NOT ({text})" if isinstance(item, ir.And) else f"NOT {text}"
        case PlainNumber(name, number):
            return f"{search_field(name)}={digits(number)}"
        case PlainCompare(name, op, number):
            return f"{search_field(name)}{SIGNS[op]}{digits(number)}"
        case ir.StringMatch(name, pattern):
            return f"{search_field(name)}={'*' if pattern.parts == _ANYTHING else search_value(pattern)}"
        case ir.Cidr(name, network):
            return f'{search_field(name)}="{network}"'
        case ir.Keyword(pattern):
            return search_value(pattern)
        case ir.Unexpanded(name):
            text = expr.query(name and search_field(name))
            return f"({text})" if inside and not text.startswith(("[", "`", "(")) else text
        case _:
            raise AssertionError(expr)


def _disjuncts(items: Iterable[ir.Expr]) -> list[str]:
    """Return the parts of a disjunction; values of one field are a list, which is the same as an `or` of them."""
    groups: dict[str, list[str]] = {}
    parts: dict[str, None] = {}
    for item in items:
        value = _value(item)
        if isinstance(item, ir.StringMatch | PlainNumber) and value is not None:
            name = f"{search_field(item.field)}"
            groups.setdefault(name, []).append(value)
            parts[name] = None
        else:
            text = search_text(item, inside=True)
            parts[f"({text})" if isinstance(item, ir.And) else text] = None
    return [_values(text, groups[text]) if text in groups else text for text in parts]


def _value(item: ir.Expr) -> str | None:
    """Return what a comparison says after `=`, or None if it is none with one value."""
    match item:
        case PlainNumber(number=number):
            return digits(number)
        case ir.StringMatch(pattern=pattern) if pattern.parts != _ANYTHING:
            return search_value(pattern)
        case _:
            return None


def _values(name: str, values: list[str]) -> str:
    return f"{name}={values[0]}" if len(values) == 1 else f"{name} IN ({', '.join(values)})"
