"""Conditions of `where`, each true or false of every event and never null, so that `NOT` is two-valued.

    Expr ──condition──> isnotnull(mvfilter(match(x,"...")) AND NOT (...)

`mvfilter` reads one field and keeps the values that pass, so `isnotnull` of it says that one does; values of a field
that are alternatives are judged in one `mvfilter`. A comparison of two fields goes through `mvmap`, and `if` takes null
for false.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias, assert_never

from converter.plan import nodes as ir
from converter.targets.core.emission import check_whole
from converter.targets.splunk.emitter.keyword import keyword_condition, kind_of
from converter.targets.splunk.emitter.quoting import SIGNS, eval_field, number_text
from converter.targets.splunk.emitter.regex import pattern_regexes, quoted, rule_regex
from converter.targets.splunk.emitter.time import part_condition, plain_times
from converter.verdicts.event_assumptions import letters_as_written, no_zone
from converter.verdicts.log_assumptions import EXACT_DOUBLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from converter.targets.core.emission import Emission

MAX_BITS = 1_000  # a double has at most 1,024

OfOneValue: TypeAlias = ir.StringMatch | ir.BoolMatch | ir.Regex | ir.Cidr | ir.NumberMatch


def condition(expr: ir.Expr, emission: Emission, *, inside: bool) -> str:
    """Return a condition for `where`; `inside` another one, where several parts need brackets.

    Raises:
        RefusedError: what SPL cannot say.
    """
    match expr:
        case ir.And(items):
            if not items:
                return "true()"
            texts = [condition(item, emission, inside=True) for item in items]
            return _joined(" AND ", texts, inside=inside)
        case ir.Or(items):
            if not items:
                return "false()"
            return _joined(" OR ", _disjuncts(items, emission), inside=inside)
        case ir.Not(ir.Exists(name, place)):
            return f"isnull({eval_field(name, place)})"
        case ir.Not(ir.IsNull(name, place)):
            return f"isnotnull({eval_field(name, place)})"
        case ir.Not(item):
            return f"NOT ({condition(item, emission, inside=False)})"
        case _:
            return _leaf(expr, emission)


def _joined(word: str, texts: Sequence[str], *, inside: bool) -> str:
    text = word.join(texts)
    return f"({text})" if inside and len(texts) > 1 else text


def _disjuncts(items: Iterable[ir.Expr], emission: Emission) -> list[str]:
    """Return the parts of a disjunction; tests of one field, which one value passes or another, are one part.

    Only tests of one kind are joined: a number is null where the value is none, and a text never is. Keywords are one
    expression.
    """
    parts: dict[object, Callable[[], str]] = {}
    fields: dict[tuple[str, bool], list[OfOneValue]] = {}
    keywords: dict[frozenset[str], list[ir.Keyword]] = {}
    for item in items:
        if isinstance(item, ir.StringMatch | ir.BoolMatch | ir.Regex | ir.Cidr | ir.NumberMatch) and not _is_any_text(
            item
        ):
            key = (item.field, isinstance(item, ir.NumberMatch))
            fields.setdefault(key, []).append(item)
            parts[key] = partial(_any_value_of, fields[key], emission)
        elif isinstance(item, ir.Keyword):
            kind = kind_of(item)
            keywords.setdefault(kind, []).append(item)
            parts[kind] = partial(keyword_condition, keywords[kind], emission)
        else:
            parts[item] = partial(condition, item, emission, inside=True)
    return [write() for write in parts.values()]


def _is_any_text(leaf: ir.Expr) -> bool:
    return isinstance(leaf, ir.StringMatch) and leaf.pattern.parts == (ir.Wildcard.ANY,)


def _any_value_of(leaves: Sequence[OfOneValue], emission: Emission) -> str:
    return _any_value(_tests(leaves, emission))


def _any_value(test: str) -> str:
    """At least one value of the field passes; false if the field is missing."""
    return f"isnotnull(mvfilter({test}))"


def _tests(leaves: Sequence[OfOneValue], emission: Emission) -> str:
    """Return what one value must pass one of; texts that ignore case are one expression, and so are the others."""
    field = eval_field(leaves[0].field, leaves[0].place)
    texts: dict[bool, list[ir.Pattern]] = {}
    tests: dict[str, None] = {}
    for leaf in leaves:
        match leaf:
            case ir.StringMatch(pattern=pattern, cased=cased):
                texts.setdefault(cased, []).append(pattern)
            case ir.BoolMatch(value=value):
                texts.setdefault(False, []).append(ir.Pattern((str(value).lower(),)))
            case ir.Regex(pattern=regex, flags=flags):
                tests[f"match({field},{quoted(rule_regex(regex, flags))})"] = None
            case ir.Cidr(name, network):
                emission.assume(no_zone(name, network))
                tests[f'cidrmatch("{network}",{field})'] = None
            case ir.NumberMatch(number=number):
                tests[_equals(field, number)] = None
            case _:
                assert_never(leaf)
    known = [
        f"match({field},{quoted(regex)})"
        for cased, literals in texts.items()
        for regex in pattern_regexes(literals, cased=cased)
    ]
    return " OR ".join([*known, *tests])


def _equals(field: str, number: float) -> str:
    """Return that a value is a number; digits beyond those of a double are compared as text."""
    if abs(number) < EXACT_DOUBLE:
        return f"tonumber({field})={number_text(number)}"
    sign, digits = r"\+?" if number > 0 else "-", abs(int(number))
    whole = f'match({field},"^{sign}0*{digits}\\z")'
    if digits.bit_length() > MAX_BITS or int(float(digits)) != digits:
        return whole  # no double is this number, so no text with a fraction or an exponent is
    return f'({whole} OR (NOT match({field},"^[+-]?\\d+\\z") AND tonumber({field})={number_text(int(number))}))'


def _leaf(leaf: ir.Leaf, emission: Emission) -> str:
    match leaf:
        case ir.StringMatch(name, pattern, _, place) if pattern.parts == (ir.Wildcard.ANY,):
            return f"isnotnull({eval_field(name, place)})"
        case ir.StringMatch() | ir.BoolMatch() | ir.Regex() | ir.Cidr() | ir.NumberMatch():
            return _any_value_of([leaf], emission)
        case ir.NumberCompare(name, op, number, place):
            check_whole(number, EXACT_DOUBLE, "SPL", place)
            return _any_value(f"tonumber({eval_field(name, place)}){SIGNS[op]}{number_text(number)}")
        case ir.IsNull(name, place):
            return f"isnull({eval_field(name, place)})"
        case ir.Exists(name, place):
            return f"isnotnull({eval_field(name, place)})"
        case ir.FieldRef():
            return _field_reference(leaf, emission)
        case ir.Keyword() | ir.KeywordRegex():
            return keyword_condition([leaf], emission)
        case ir.TimePart(name, place=place):
            check_whole(leaf.number, EXACT_DOUBLE, "SPL", place)
            emission.assume(plain_times(name))
            return _any_value(part_condition(leaf, eval_field(name, place)))
        case ir.Unexpanded():
            raise leaf.error
        case _:
            assert_never(leaf)


def _field_reference(leaf: ir.FieldRef, emission: Emission) -> str:
    """Any value of the field stands so to the other field, which `mvmap` wants to have one value.

    Both sides of a comparison begin with a mark, so that it is one of texts also where both could be numbers.
    """
    emission.single(leaf.other)
    fact = emission.context.facts.field(leaf.field)
    field, other = (eval_field(name, leaf.place) for name in (leaf.field, leaf.other))
    if not leaf.cased:
        emission.assume(letters_as_written(leaf))
    mine, their = (field, other) if leaf.cased else (f"lower({field})", f"lower({other})")
    match leaf.relation:
        case "equals":
            test = f'("=".{mine})=("=".{their})'
        case "startswith":
            test = f'("=".substr({mine},1,len({their})))=("=".{their})'
        case "endswith":
            cut = f"substr({mine},len({mine})-len({their})+1)"
            test = f'len({mine})>=len({their}) AND ("=".{cut})=("=".{their})'
        case "contains":
            # An empty text is in every text, but nothing can be split at it.
            test = f"isnotnull({mine}) AND (len({their})=0 OR mvcount(split({mine},{their}))>1)"
        case _:
            assert_never(leaf.relation)
    # `if` takes its last branch when the condition is null: the whole is never null.
    if fact is not None and fact.single:
        return f"if({test},1,0)=1"
    return f'isnotnull(mvfind(mvmap({field},if({test},"y","n")),"y"))'
