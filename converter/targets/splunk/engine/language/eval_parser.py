"""Eval expressions, as `where`, `eval` and the arguments of statistics have them.

'a.b'="x" AND n>=25  ──>  Binary(AND, Binary(=, Field, String), Binary(>=, Field, Number))

xor := or (XOR or)*        or := and (OR and)*       and := not (AND not)*       not := (NOT | !) not | compare
compare := sum ((= == != < <= > >= LIKE) sum | (NOT)? IN (xor, ...))?
sum := product ((+ | -) product)* | unary (. unary)*    product := unary ((* | / | %) unary)*
    unary := - unary | primary
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from converter.readers.source import NOWHERE, Span
from converter.targets.splunk.engine.language.lex import MAX_DEPTH, unescape
from converter.targets.splunk.engine.language.subsearch import subsearch
from converter.targets.splunk.engine.language.syntax import (
    Binary,
    Call,
    Expression,
    Field,
    Logical,
    Number,
    String,
    Unary,
)
from converter.targets.splunk.engine.language.values import number_of

if TYPE_CHECKING:
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.syntax import BinaryOperator, LogicalOperator

_COMPARE = re.compile(r"==|!=|<=|>=|=|<|>")
_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAX_OPERATORS = 200
_PRODUCT = ("*", "/", "%")
_LITERAL_WORDS = ("true", "false")
_OPERATOR_WORDS = frozenset({"AND", "OR", "XOR", "NOT", "LIKE", "IN"})
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


def parse_expression(scanner: Scanner) -> Expression:
    """Read one eval expression; what follows it is the caller's.

    Raises:
        QueryError: no expression stands here.
    """
    with scanner.nested(MAX_DEPTH):
        operands = [_not(scanner)]
        operators: list[tuple[LogicalOperator, Span]] = []
        while (word := _word(scanner)) in ("AND", "OR", "XOR"):
            operators.append((cast("LogicalOperator", word), Span(scanner.offset, scanner.offset + len(word))))
            scanner.offset += len(word)
            operands.append(_not(scanner))
        for operator in ("AND", "OR", "XOR"):
            operands, operators = _bind_logical(operator, operands, operators)
        return operands[0]


def _bind_logical(
    operator: str, operands: list[Expression], operators: list[tuple[LogicalOperator, Span]]
) -> tuple[list[Expression], list[tuple[LogicalOperator, Span]]]:
    """Join each run of operands of one operator; return what is left for the looser ones."""
    runs: list[list[Expression]] = [[operands[0]]]
    spans: list[Span] = [NOWHERE]
    rest: list[tuple[LogicalOperator, Span]] = []
    for (word, span), operand in zip(operators, operands[1:], strict=True):
        if word == operator:
            spans[-1] = span if spans[-1] == NOWHERE else spans[-1]
            runs[-1].append(operand)
        else:
            rest.append((word, span))
            runs.append([operand])
            spans.append(NOWHERE)
    joined = [
        run[0] if len(run) == 1 else Logical(cast("LogicalOperator", operator), tuple(run), span)
        for run, span in zip(runs, spans, strict=True)
    ]
    return joined, rest


def _word(scanner: Scanner) -> str:
    """Return the operator word that stands next, in capitals, or an empty string.

    The documentation wants capitals; searches that are published with a passing test have small letters, too.
    """
    word = scanner.word().upper()
    return word if word in _OPERATOR_WORDS else ""


def _not(scanner: Scanner) -> Expression:
    scanner.skip()
    start = scanner.offset
    if scanner.text.startswith("!", start) and not scanner.text.startswith("!=", start):
        scanner.offset += 1
        span = Span(start, start + 1)
    elif _word(scanner) == "NOT":
        scanner.offset += len("NOT")
        span = Span(start, start + 3)
    else:
        return _compare(scanner)
    with scanner.nested(MAX_DEPTH):
        return Unary("NOT", _not(scanner), span)


def _compare(scanner: Scanner) -> Expression:
    left = _sum(scanner)
    scanner.skip()
    start = scanner.offset
    if match := _COMPARE.match(scanner.text, start):
        scanner.offset = match.end()
        operator = "=" if match.group(0) == "==" else match.group(0)
        right = _sum(scanner)
        scanner.skip()
        if _COMPARE.match(scanner.text, scanner.offset):
            raise scanner.error("a comparison of a comparison", hint="join two comparisons with AND")
        return Binary(cast("BinaryOperator", operator), left, right, Span(start, start + len(match.group(0))))
    match _word(scanner):
        case "LIKE":
            scanner.offset += len("LIKE")
            return Binary("LIKE", left, _sum(scanner), Span(start, start + 4))
        case "IN":
            scanner.offset += len("IN")
            scanner.expect("(", "after IN")
            return Call("in", (left, *_arguments(scanner)), Span(start, start + 2))
        case "NOT":
            scanner.offset += len("NOT")
            if _word(scanner) != "IN":
                raise scanner.error(f"expected IN after NOT, found {scanner.describe()}")
            span = Span(scanner.offset, scanner.offset + 2)
            scanner.offset += len("IN")
            scanner.expect("(", "after IN")
            return Unary("NOT", Call("in", (left, *_arguments(scanner)), span), Span(start, start + 3))
    return left


def _sum(scanner: Scanner) -> Expression:
    """Read operands and the operators between them, then bind `* / %` before `+ -`.

    How closely `.` binds beside arithmetic is not documented, so the two are not mixed without brackets.
    """
    operands = [_unary(scanner)]
    operators: list[tuple[BinaryOperator, Span]] = []
    while (here := scanner.peek()) and here in "+-*/%.":
        span = Span(scanner.offset, scanner.offset + 1)
        if operators and (here == ".") != (operators[-1][0] == "."):
            raise scanner.error(". beside arithmetic", span, "put brackets around the part that comes first")
        if len(operators) >= MAX_OPERATORS:
            raise scanner.error(f"more than {MAX_OPERATORS} operators in a row")
        scanner.offset += 1
        operators.append((cast("BinaryOperator", here), span))
        operands.append(_unary(scanner))
    return _bind(_bind_products(operands, operators), [o for o in operators if o[0] not in _PRODUCT])


def _bind_products(operands: list[Expression], operators: list[tuple[BinaryOperator, Span]]) -> list[Expression]:
    terms = [operands[0]]
    for (operator, span), operand in zip(operators, operands[1:], strict=True):
        if operator in _PRODUCT:
            terms[-1] = Binary(operator, terms[-1], operand, span)
        else:
            terms.append(operand)
    return terms


def _bind(terms: list[Expression], operators: list[tuple[BinaryOperator, Span]]) -> Expression:
    left = terms[0]
    for (operator, span), right in zip(operators, terms[1:], strict=True):
        left = Binary(operator, left, right, span)
    return left


def _unary(scanner: Scanner) -> Expression:
    if scanner.peek() != "-":
        return _primary(scanner)
    span = Span(scanner.offset, scanner.offset + 1)
    scanner.offset += 1
    with scanner.nested(MAX_DEPTH):
        operand = _unary(scanner)
    if isinstance(operand, Number):
        return Number(-operand.value, span)
    return Unary("-", operand, span)


def _primary(scanner: Scanner) -> Expression:
    here = scanner.peek()
    start = scanner.offset
    if here == "(":
        scanner.offset += 1
        inner = parse_expression(scanner)
        scanner.expect(")", "to close the bracket")
        return inner
    if here == '"':
        raw = scanner.quoted()
        return String(_unescape(raw), scanner.span(start))
    if here == "'":
        raw = scanner.quoted("'")
        if not raw:
            raise scanner.error("a field name cannot be empty", Span(start, start + 2))
        return Field(unescape(raw, "'"), scanner.span(start))
    if here == "[":
        return subsearch(scanner)
    if here == "$":
        raise scanner.error("a token of a dashboard or form", hint="write out its value")
    if match := _NUMBER.match(scanner.text, start):
        scanner.offset = match.end()
        if _IDENTIFIER.match(scanner.text, scanner.offset):
            raise scanner.error(
                "a name that begins with a digit", Span(start, start + 1), "put the field name in single quotes"
            )
        number = number_of(match.group(0))
        if number is None:
            raise scanner.error("the number is too large", scanner.span(start))
        return Number(number, scanner.span(start))
    return _name(scanner)


def _name(scanner: Scanner) -> Expression:
    start = scanner.offset
    match = _IDENTIFIER.match(scanner.text, start)
    if match is None:
        raise scanner.error(f"expected an expression, found {scanner.describe()}")
    word = match.group(0)
    scanner.offset = match.end()
    is_call = scanner.peek() == "("
    if word.upper() in _OPERATOR_WORDS and not (is_call and word.lower() in ("like", "in")):
        raise scanner.error(f"expected an expression, found {word}", Span(start, start + len(word)))
    if is_call:
        scanner.offset += 1
        arguments = () if scanner.accept(")") else _arguments(scanner)
        return Call(word, arguments, Span(start, start + len(word)))
    scanner.offset = match.end()
    if word.lower() in _LITERAL_WORDS:
        hint = f"write {word.lower()}() for the value, '{word}' for a field"
        raise scanner.error(f"{word} without brackets", Span(start, start + len(word)), hint)
    return Field(word, Span(start, start + len(word)))


def _arguments(scanner: Scanner) -> tuple[Expression, ...]:
    """Read arguments up to the closing bracket; the opening one has been read."""
    arguments = [parse_expression(scanner)]
    while scanner.accept(","):
        arguments.append(parse_expression(scanner))
    scanner.expect(")", "to close the arguments")
    return tuple(arguments)


def _unescape(raw: str) -> str:
    r"""Resolve the escapes of a text: `\\ \" \n \t \r`; any other backslash stays, as regular expressions need it."""
    if "\\" not in raw:
        return raw
    out: list[str] = []
    position = 0
    while position < len(raw):
        character = raw[position]
        if character == "\\" and (escaped := _ESCAPES.get(raw[position + 1 : position + 2])) is not None:
            character = escaped
            position += 1
        out.append(character)
        position += 1
    return "".join(out)
