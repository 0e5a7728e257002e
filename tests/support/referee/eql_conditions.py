"""Random EQL conditions with what the vendor documents as their translation into Query DSL, and random documents.

    table of (EQL, DSL) ──and, or, not at random──> whole_text, whole_dsl

The vendor runs every condition without a script as a query that its sources spell out; each row of the table names
them (elastic/elasticsearch, under x-pack/plugin). Nothing of the converter takes part in the translation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

MAPPING = {
    "properties": {
        "event": {"properties": {"category": {"type": "keyword"}}},
        "@timestamp": {"type": "date"},
        "name": {"type": "keyword"},
        "host": {"properties": {"path": {"type": "keyword"}}},
        "number": {"type": "long"},
        "size": {"type": "double"},
        "address": {"type": "ip"},
        "flag": {"type": "boolean"},
    }
}
TEXTS = ("name", "host.path")
NUMBERS = ("number", "size")
FIELDS = (*TEXTS, *NUMBERS, "address", "flag", "@timestamp")
ALPHABET = ["a", "A", "b", "B", "é", "É", " ", "*", "?", "\\", "ab", ".", "\U0001f600", "\uff21", "0", "ß", "\n", '"']
ADDRESSES = ["10.0.0.1", "10.0.255.7", "10.1.2.3", "192.168.0.1", "::1", "2001:db8::1", "2001:db8:0:1::ff"]
BLOCKS = ["10.0.0.0/16", "10.0.0.1", "10.1.2.3/8", "0.0.0.0/0", "::/0", "2001:db8::/48", "192.168.0.1/32", "::1/128"]
INTEGERS = [0, 1, -1, 2, 5, 10, 2**31, -(2**31), 2**53 + 1, 2**63 - 1]
DOUBLES = [0.0, 0.5, -0.5, 1.0, 2.0, 2.5, 5.0, 1e7, 1e-5, 1.5e300]
# What no long is as large as, the node does not take for a field of that type.
NUMBER_CONSTANTS = [*INTEGERS, *(number for number in DOUBLES if number < 2**63)]
TIMES = [
    "2024-05-01T00:00:00Z",
    "2024-05-01T00:00:01Z",
    "2024-05-01T12:00:00.5Z",
    "2024-05-01T12:00:00.999Z",
    "2024-05-01T12:00:00Z",
    "2024-05-01T14:00:00+02:00",
    "2024-05-01T12:34:00,25",
    "2024-05-01T23:59:59.999999Z",
    1714521600000,
    1714521599999,
]
DATES = [*TIMES, "2024-05-01", "2024-05", "2024-05-01T12Z", "2024-05-01T12:00", "2024", "2024-05-01T13:30+0130"]
CATEGORIES = ["process", "file"]

Dsl = dict[str, Any]


@dataclass(frozen=True)
class Leaf:
    """A condition and its translation."""

    text: str
    dsl: Dsl


@dataclass(frozen=True)
class Operation:
    """`not`, or `and` / `or` of two and more."""

    operator: str
    parts: tuple[Any, ...]


def quoted(text: str) -> str:
    """Return a string of EQL: a raw one where that can be and the length is odd, else one with escapes."""
    if len(text) % 2 and not set('"\n') & set(text):
        return f'"""{text}"""'
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(escapes.get(char, char) for char in text) + '"'


def literal(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def some_text(dice: random.Random) -> str:
    return "".join(dice.choices(ALPHABET, k=dice.choice([0, 1, 1, 2, 3])))


def some_value(dice: random.Random, field: str) -> Any:
    match field:
        case "number":
            return dice.choice(INTEGERS)
        case "size":
            return dice.choice(DOUBLES)
        case "address":
            return dice.choice(ADDRESSES)
        case "flag":
            return dice.random() < 0.5
        case "@timestamp":
            return dice.choice(TIMES)
        case _:
            return some_text(dice)


def document(dice: random.Random, number: int) -> dict[str, Any]:
    """Return a document that lacks some fields, and has null, an empty array or several values in others."""
    found: dict[str, Any] = {"_id": str(number)}
    for field in FIELDS:
        value: Any = some_value(dice, field)
        shape = dice.random()
        if shape < 0.15:
            continue
        if shape < 0.2:
            value = dice.choice([None, []])
        elif shape < 0.4 and field != "@timestamp":  # the engine takes one time for each document
            value = [some_value(dice, field) for _ in range(dice.choice([1, 2, 3]))] + dice.choice([[], [None]])
        found |= written(dice, field, value)
    if dice.random() < 0.9:
        found["event"] = {"category": dice.choice(CATEGORIES)}
    return found


def written(dice: random.Random, field: str, value: Any) -> dict[str, Any]:
    """Return a field as a part of a document, a path in one of the ways to write it."""
    head, _, tail = field.partition(".")
    if not tail or dice.random() < 0.5:
        return {field: value}
    if isinstance(value, list) and dice.random() < 0.5:
        return {head: [{tail: one} for one in value]}
    return {head: {tail: value}}


# One function for each kind of condition. Sources: planner/QueryTranslator.java and optimizer/Optimizer.java are those
# of eql, ExpressionTranslators.java is ql/.../planner; the cases are those of eql/src/test/resources/
# querytranslator_tests.txt.


def equality(dice: random.Random) -> Leaf:
    """ExpressionTranslators, BinaryComparisons: a term. The parser makes `!=` a negated `==` (ExpressionBuilder)."""
    field = dice.choice(FIELDS)
    value = dice.choice(DATES) if field == "@timestamp" else some_value(dice, field)
    if field in NUMBERS and dice.random() < 0.3:
        value = dice.choice(NUMBER_CONSTANTS)
    term = {"term": {field: {"value": value}}}
    if dice.random() < 0.5:
        return Leaf(f"{field} == {literal(value)}", term)
    return Leaf(f"{field} != {literal(value)}", negated(term))


def order(dice: random.Random) -> Leaf:
    """ExpressionTranslators, BinaryComparisons: a range. A constant on the left is moved (LiteralsOnTheRight)."""
    field = dice.choice((*TEXTS, *NUMBERS, "@timestamp"))
    constants: dict[str, list[Any]] = {"number": NUMBER_CONSTANTS, "size": NUMBER_CONSTANTS, "@timestamp": DATES}
    value = dice.choice(constants[field]) if field in constants else some_value(dice, field)
    operator, bound, mirrored = dice.choice(
        [("<", "lt", ">"), ("<=", "lte", ">="), (">", "gt", "<"), (">=", "gte", "<=")]
    )
    dsl = {"range": {field: {bound: value}}}
    if dice.random() < 0.2:
        return Leaf(f"{literal(value)} {mirrored} {field}", dsl)
    return Leaf(f"{field} {operator} {literal(value)}", dsl)


def arithmetic(dice: random.Random) -> Leaf:
    """ql/.../optimizer/OptimizerRules.java, SimplifyComparisonsArithmetics: what is done to the field is undone."""
    value, change = dice.choice([0, 1, 2, 7, 10, -3]), dice.choice([0, 1, 2, 5, 10])
    left, undone = dice.choice(
        [
            (f"number + {change}", value - change),
            (f"{change} + number", value - change),
            (f"number - {change}", value + change),
        ]
    )
    operator, bound = dice.choice([("<", "lt"), ("<=", "lte"), (">", "gt"), (">=", "gte"), ("==", ""), ("!=", "")])
    if bound:
        return Leaf(f"{left} {operator} {value}", {"range": {"number": {bound: undone}}})
    term = {"term": {"number": {"value": undone}}}
    return Leaf(f"{left} {operator} {value}", term if operator == "==" else negated(term))


def presence(dice: random.Random) -> Leaf:
    """Optimizer, ReplaceNullChecks; ExpressionTranslators, IsNulls: a negated exists, and its negation."""
    field = dice.choice(FIELDS)
    missing = negated({"exists": {"field": field}})
    return Leaf(f"{field} == null", missing) if dice.random() < 0.5 else Leaf(f"{field} != null", negated(missing))


def membership(dice: random.Random) -> Leaf:
    """ExpressionTranslators, InComparisons: terms, nulls left out; `not in` is its negation."""
    field = dice.choice(FIELDS)
    values = [some_value(dice, field) for _ in range(dice.choice([1, 2, 4]))]
    if field == "@timestamp":
        values = [value for value in values if isinstance(value, str)] or [TIMES[0]]  # a list is of one kind
    items = [literal(value) for value in values] + dice.choice([[], [], ["null"]])
    terms = {"terms": {field: values}}
    if dice.random() < 0.3:
        return Leaf(f"{field} not in ({', '.join(items)})", negated(terms))
    return Leaf(f"{field} in ({', '.join(items)})", terms)


def membership_in_any_case(dice: random.Random) -> Leaf:
    """Cases inFilterInsensitive*: a term that ignores case for each item; a wildcard in one is a character."""
    field = dice.choice(TEXTS)
    values = [some_text(dice) for _ in range(dice.choice([1, 2, 3]))]
    dsl = any_of([{"term": {field: {"value": value, "case_insensitive": True}}} for value in values])
    negative = dice.random() < 0.3
    text = f"{field} {'not ' if negative else ''}in~ ({', '.join(map(quoted, values))})"
    return Leaf(text, negated(dsl) if negative else dsl)


def likeness(dice: random.Random) -> Leaf:
    """Optimizer, ReplaceWildcards and ReplaceRegexMatch: without `*` and `?` a term, else a wildcard.

    A backslash in the pattern is a character (eql/.../util/StringUtils.java, toLikePattern). `like` with an empty
    pattern stays a wildcard, which finds nothing: Lucene's automaton for it accepts no text, so none is the only one.
    """
    field, operator = dice.choice(TEXTS), dice.choice([":", "like", "like~"])
    patterns = [some_text(dice) for _ in range(dice.choice([1, 1, 2, 3]))]
    ignoring: Dsl = {} if operator == "like" else {"case_insensitive": True}

    def one(pattern: str) -> Dsl:
        if set("*?") & set(pattern) or (operator != ":" and not pattern):
            return {"wildcard": {field: {"wildcard": pattern.replace("\\", "\\\\"), **ignoring}}}
        return {"term": {field: {"value": pattern, **ignoring}}}

    listed = ", ".join(map(quoted, patterns))
    text = f"{field} {operator} {listed if len(patterns) == 1 else f'({listed})'}"
    return Leaf(text, any_of([one(pattern) for pattern in patterns]))


def expression(dice: random.Random) -> Leaf:
    """ExpressionTranslators, Likes; cases regex*: a regexp with all flags, the expressions of a list joined by `|`.

    Optimizer, ReplaceRegexMatch: if one text alone matches, it is a term.
    """
    field, operator = dice.choice(TEXTS), dice.choice(["regex", "regex~"])
    literals = {"a": "a", "B": "B", "é": "é", "\\*": "*", "\\?": "?", "\\\\": "\\"}
    pieces = [*literals, ".*", "[aA]", "(a|b)", "b+", ".", "[^a]", "a?", "0{1,2}"]
    chosen = [dice.choices(pieces, k=dice.choice([1, 2, 3])) for _ in range(dice.choice([1, 1, 2]))]
    patterns = ["".join(one) for one in chosen]
    ignoring: Dsl = {"case_insensitive": True} if operator == "regex~" else {}
    dsl: Dsl = {"regexp": {field: {"value": "|".join(patterns), "flags": "ALL", **ignoring}}}
    if len(set(patterns)) == 1 and literals.keys() >= set(chosen[0]):
        dsl = {"term": {field: {"value": "".join(literals[piece] for piece in chosen[0]), **ignoring}}}
    listed = ", ".join(map(quoted, patterns))
    return Leaf(f"{field} {operator} {listed if len(patterns) == 1 else f'({listed})'}", dsl)


def beginning(dice: random.Random) -> Leaf:
    """ExpressionTranslators, Scalars.doKnownTranslate: startsWith is a prefix."""
    field, tilde, text = dice.choice(TEXTS), dice.choice(["", "~"]), some_text(dice)
    ignoring: Dsl = {"case_insensitive": True} if tilde else {}
    return compared(
        dice, f"startsWith{tilde}({field}, {quoted(text)})", {"prefix": {field: {"value": text, **ignoring}}}
    )


def part(dice: random.Random) -> Leaf:
    """QueryTranslator, CaseInsensitiveScalarFunctions: wildcards around a text that is not escaped."""
    field, tilde = dice.choice(TEXTS), dice.choice(["", "~"])
    text = some_text(dice) or "a"  # the engine refuses an empty one; the vendor's two answers to it differ
    ignoring: Dsl = {"case_insensitive": True} if tilde else {}
    name, pattern = dice.choice([("endsWith", f"*{text}"), ("stringContains", f"*{text}*")])
    return compared(
        dice, f"{name}{tilde}({field}, {quoted(text)})", {"wildcard": {field: {"wildcard": pattern, **ignoring}}}
    )


def block(dice: random.Random) -> Leaf:
    """QueryTranslator, Scalars: cidrMatch is terms of the blocks."""
    blocks = dice.choices(BLOCKS, k=dice.choice([1, 2, 3]))
    return compared(dice, f"cidrMatch(address, {', '.join(map(quoted, blocks))})", {"terms": {"address": blocks}})


def truth(dice: random.Random) -> Leaf:
    """Cases fieldNoEquals, fieldEqualsTrue: a field alone is a term of true."""
    del dice
    return Leaf("flag", {"term": {"flag": {"value": True}}})


KINDS: tuple[Callable[[random.Random], Leaf], ...] = (
    equality,
    order,
    arithmetic,
    presence,
    membership,
    membership_in_any_case,
    likeness,
    expression,
    beginning,
    part,
    block,
    truth,
)


def compared(dice: random.Random, text: str, dsl: Dsl) -> Leaf:
    """Return a function, sometimes compared with a boolean (BooleanFunctionEqualsElimination)."""
    match dice.randrange(10):
        case 0:
            return Leaf(f"{text} == true", dsl)
        case 1:
            return Leaf(f"{text} == false", negated(dsl))
        case 2:
            return Leaf(f"{text} != true", negated(dsl))
        case _:
            return Leaf(text, dsl)


def negated(dsl: Dsl) -> Dsl:
    return {"bool": {"must_not": [dsl]}}


def any_of(parts: list[Dsl]) -> Dsl:
    return parts[0] if len(parts) == 1 else {"bool": {"should": parts}}


Condition = Leaf | Operation


def condition(dice: random.Random, depth: int) -> Condition:
    if depth == 0 or dice.random() < 0.35:
        return dice.choice(KINDS)(dice)
    operator = dice.choice(["not", "and", "or"])
    count = 1 if operator == "not" else dice.choice([2, 2, 3])
    return Operation(operator, tuple(condition(dice, depth - 1) for _ in range(count)))


def text_of(node: Condition, level: int = 0) -> str:
    """Return the text with the parentheses that precedence asks for: `or` 0, `and` 1, `not` 2."""
    if isinstance(node, Leaf):
        return f"({node.text})" if level > 2 else node.text
    own = ("or", "and", "not").index(node.operator)
    if node.operator == "not":
        text = f"not {text_of(node.parts[0], 3 if isinstance(node.parts[0], Leaf) else 2)}"
    else:
        text = f" {node.operator} ".join(text_of(one, own + 1) for one in node.parts)
    return f"({text})" if own < level else text


def dsl_of(node: Condition) -> Dsl:
    """ExpressionTranslators, BinaryLogic and Nots: must, should and must_not of a bool query."""
    if isinstance(node, Leaf):
        return node.dsl
    parts = [dsl_of(one) for one in node.parts]
    match node.operator:
        case "not":
            return negated(parts[0])
        case "and":
            return {"bool": {"must": parts}}
        case _:
            return {"bool": {"should": parts}}


def query(dice: random.Random) -> tuple[str | None, Condition]:
    return dice.choice([None, *CATEGORIES]), condition(dice, 3)


def whole_text(category: str | None, node: Condition) -> str:
    return f"{category or 'any'} where {text_of(node)}"


def whole_dsl(category: str | None, node: Condition) -> Dsl:
    if category is None:
        return dsl_of(node)
    return {"bool": {"must": [{"term": {"event.category": {"value": category}}}, dsl_of(node)]}}
