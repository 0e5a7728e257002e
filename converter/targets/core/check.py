"""Check each query with the engine of its language before it leaves: what the engine would refuse is refused by name.

    Query ──Engine.check──> nothing, or a QueryError ──the leaf that brings it about──> RefusedError

An emitter and an engine share no code, so an emitter cannot ask whether its text is right; whoever converts can.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from converter.errors import QueryError, RefusedError
from converter.plan import nodes as ir
from converter.targets.core.engines import find_engine
from converter.targets.core.target import Context

if TYPE_CHECKING:
    from converter.errors import Place
    from converter.targets.core.target import Query, Target

_HINT = "this is a defect of sigma-convert, please report it with the rule"


def check_query(query: Query, plan: ir.Plan, target: Target, context: Context) -> None:
    """Refuse a query that the engine of its language would refuse.

    Args:
        query: what the target emitted.
        plan: the rule of the query.
        target: whose emitter is asked again for the parts of the plan, if the query is wrong.
        context: with which the query was made.

    Raises:
        RefusedError: names the construct whose text is wrong, with its place in the rule.
    """
    leaves = [leaf for detection in ir.detections_of(plan) for leaf in ir.unexpanded(detection.expr)]
    if any("`" in (leaf.expression or "") for leaf in leaves):  # a macro, whose definition only the product has
        return
    error = _error_of(query, context)
    if error is None:
        return
    for detection in ir.detections_of(plan):
        for leaf in ir.leaves_of(detection.expr):
            own = _error_of_leaf(leaf, detection, target, context)
            if own is not None and isinstance(leaf, ir.Unexpanded):
                message = f"the query expression of a pipeline for %{leaf.placeholder}% would not run: {own.message}"
                raise RefusedError(message, construct_of(leaf), leaf.place, "correct the expression in the pipeline")
            if own is not None:
                raise _refused(target, own, construct_of(leaf), leaf.place)
    raise _refused(target, error, "query", plan.place)


def construct_of(leaf: ir.Leaf) -> str:
    """Return the name of a leaf in the words of Sigma."""
    match leaf:
        case ir.StringMatch(pattern=pattern):
            return "string" if pattern.literal is not None else "wildcard"
        case ir.NumberMatch():
            return "number"
        case ir.NumberCompare(op=op):
            return op
        case ir.BoolMatch():
            return "boolean"
        case ir.Regex() | ir.KeywordRegex():
            return "re"
        case ir.Cidr():
            return "cidr"
        case ir.IsNull():
            return "null"
        case ir.Exists():
            return "exists"
        case ir.FieldRef():
            return "fieldref"
        case ir.TimePart(part=part):
            return part
        case ir.Keyword():
            return "keyword"
        case ir.Unexpanded():
            return "query expression" if leaf.expression is not None else "placeholder"
        case _:
            assert_never(leaf)


def _error_of(query: Query, context: Context) -> QueryError | None:
    def type_of(name: str) -> str | None:
        fact = context.facts.field(name)
        return None if fact is None else fact.type

    try:
        find_engine(query.language).check(query.text, type_of)
    except QueryError as error:
        return error
    return None


def _error_of_leaf(leaf: ir.Leaf, detection: ir.Detection, target: Target, context: Context) -> QueryError | None:
    """Return the error of a query that tests nothing but a leaf."""
    alone = Context(context.facts, state=context.state)
    try:
        query = target.emit(replace(detection, expr=leaf), alone)
    except RefusedError:
        return None
    return _error_of(query, alone)


def _refused(target: Target, error: QueryError, construct: str, place: Place | None) -> RefusedError:
    message = f"the query that {target.name} writes for this would not run: {error.message}"
    return RefusedError(message, construct, place, _HINT)
