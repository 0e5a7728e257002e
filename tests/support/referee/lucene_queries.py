"""Find the patterns in queries of ES|QL and EQL, each with the query of Lucene that the product makes of it.

text of a query ──the engine's parser──> tree ──patterns_of──> (operator, pattern) ──OPERATORS──> Ask and engine
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from converter.products.elastic.lucene_regex import compile_regex
from converter.products.elastic.values import java_text
from converter.products.elastic.wildcards import STAR, Run, like_pieces, lucene_pieces, matcher, plain_pieces
from converter.targets.eql.engine.language import syntax as eql
from converter.targets.eql.engine.parse import parse as parse_eql
from converter.targets.esql.engine.language import syntax as esql
from converter.targets.esql.engine.parse import parse as parse_esql
from tests.support.referee.lucene_asks import Ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.products.elastic.patterns import Test


def patterns_of(language: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield the operators of a query that match patterns, each with one of its patterns.

    Raises:
        QueryError: the engine's parser does not read the query.
    """
    for node in _walk(parse_esql(text) if language == "esql" else parse_eql(text)):
        match node:
            case esql.Pattern(kind, value, patterns):
                lowered = isinstance(value, esql.Call) and value.name == "to_lower"
                operator = f"{'lowered' if lowered else 'esql'} {kind}"
                yield from ((operator, str(pattern.value)) for pattern in patterns)
            case eql.TextMatch(operator, _, patterns):
                yield from ((operator, java_text(pattern.value)) for pattern in patterns)
            case eql.Call(name, (_, eql.Literal(str() as sought), *_)) if name in _FUNCTIONS:
                yield f"{name}{'~' * node.insensitive}", sought


_FUNCTIONS = {"startswith", "endswith", "stringcontains"}


def _walk(node: Any) -> Iterator[Any]:
    yield node
    if isinstance(node, tuple):
        for part in node:
            yield from _walk(part)
    elif is_dataclass(node):
        for one in fields(node):
            yield from _walk(getattr(node, one.name))


def asked(operator: str, pattern: str) -> Ask:
    """Return what the product asks Lucene for an operator on a keyword field.

    Source: classes RLike, WildcardLike and ReplaceStringCasingWithInsensitiveRegexMatch of ES|QL; of EQL,
        ExpressionBuilder, QueryTranslator and the functions `toLikePattern` and `likeToLuceneWildcard`.
    """
    insensitive = operator.endswith("~") or operator == ":" or operator.startswith("lowered")
    match operator.removesuffix("~"):
        case "esql rlike" | "lowered rlike" | "regex":
            return Ask("regexp", pattern, insensitive)
        case "esql like" | "lowered like":
            return Ask("wildcard", pattern, insensitive)
        case ":" if not set(pattern) & set("*?"):
            return Ask("term", pattern, insensitive)
        case "startswith":
            return Ask("prefix", pattern, insensitive)
        case "endswith":
            return Ask("wildcard", f"*{pattern}", insensitive)
        case "stringcontains":
            return Ask("wildcard", f"*{pattern}*", insensitive)
        case ":" | "like":
            return Ask("wildcard", pattern.replace("\\", "\\\\"), insensitive)
    raise AssertionError(operator)


def engine(operator: str, pattern: str) -> Test:
    """Return the engine's test of a pattern.

    Raises:
        PatternError: it is not a pattern.
    """
    insensitive = operator.endswith("~") or operator == ":"
    match operator.removesuffix("~"):
        case "esql rlike":
            return compile_regex(pattern)
        case "lowered rlike":
            return _lowered(compile_regex(pattern))
        case "esql like":
            return matcher(like_pieces(pattern))
        case "lowered like":
            return _lowered(matcher(like_pieces(pattern)))
        case "regex":
            return compile_regex(pattern, ignore_case=insensitive)
        case ":" if not pattern:
            return lambda text: not text
        case ":" | "like":
            return matcher(plain_pieces(pattern), ignore_case=insensitive)
        case "startswith" | "endswith" | "stringcontains" as name:
            wildcards = lucene_pieces(pattern) if name != "startswith" else [Run(pattern)] if pattern else []
            before, after = [STAR] * (name != "startswith"), [STAR] * (name != "endswith")
            return matcher([*before, *wildcards, *after], ignore_case=insensitive)
    raise AssertionError(operator)


def _lowered(test: Test) -> Test:
    return lambda text: test(text.lower())
