"""Apply to every stage of a sequence what one stage asks of a join key.

    stages ──conjuncts that ask of one key alone──> stages whose conditions hold them all

The product does so because a key is common to all stages, and it makes no difference while an event has one value of
it. An event with several matches by any of them: `[any where k == "a"] [any where true]` by `k` does not join `["a",
"b"]` and `"b"`, as the second event has to pass `k == "a"` too. Optimizer.java, PropagateJoinKeyConstraints, with the
pull requests 133134 (no other field in the condition) and 145813 (nothing from a missing event).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from converter.targets.eql.engine.language import syntax as tree
from converter.targets.eql.engine.typecheck import fields_of

if TYPE_CHECKING:
    from collections.abc import Iterable


def with_key_conditions(stages: tuple[tree.Stage, ...]) -> tuple[tree.Stage, ...]:
    """Return the stages, each with the conditions that the others have on the join keys."""
    asked = [
        (position, name, conjunct)
        for stage in stages
        if not stage.missing
        for conjunct in _conjuncts(stage.filter.condition)
        for position, name in _key_of(conjunct, stage.keys)
    ]
    return tuple(_with(stage, asked) for stage in stages) if asked else stages


def _with(stage: tree.Stage, asked: list[tuple[int, str, tree.Expression]]) -> tree.Stage:
    own = _conjuncts(stage.filter.condition)
    local = [_renamed(conjunct, name, stage.keys[position]) for position, name, conjunct in asked]
    added = [conjunct for conjunct in dict.fromkeys(local) if conjunct not in own]
    if not added:
        return stage
    condition = tree.And((*own, *added), stage.filter.condition.span)
    return replace(stage, filter=replace(stage.filter, condition=condition))


def _conjuncts(node: tree.Expression) -> tuple[tree.Expression, ...]:
    if isinstance(node, tree.And):
        return tuple(conjunct for operand in node.operands for conjunct in _conjuncts(operand))
    return (node,)


def _key_of(conjunct: tree.Expression, keys: tuple[tree.Field, ...]) -> Iterable[tuple[int, str]]:
    """Return position and name of the key that a conjunct asks of, if it asks of nothing else and has no `or`."""
    names = {field.name for field in fields_of(conjunct)}
    if len(names) == 1 and not _has_or(conjunct):
        for position, key in enumerate(keys):
            if key.name in names:
                return [(position, key.name)]
    return []


def _has_or(node: tree.Expression) -> bool:
    """Return whether the product has an `or` here; a list of patterns is one, equalities joined by `or` are a list."""
    match node:
        case tree.Or(operands):
            return not all(
                (isinstance(item, tree.Comparison) and item.operator == "==")
                or (isinstance(item, tree.InList) and not item.insensitive and not item.negated)
                for item in operands
            )
        case tree.And(operands):
            return any(map(_has_or, operands))
        case tree.TextMatch(operator, operand, patterns):
            return _has_or(operand) or (len(patterns) > 1 and operator in {":", "like", "like~"})
        case tree.InList(operand, items, insensitive):
            return _has_or(operand) or (insensitive and len(items) > 1)
        case tree.Not(operand) | tree.Negate(operand):
            return _has_or(operand)
        case tree.Comparison(_, left, right) | tree.Arithmetic(_, left, right):
            return _has_or(left) or _has_or(right)
        case tree.Call(_, arguments):
            return any(map(_has_or, arguments))
        case tree.Field() | tree.Literal():
            return False
    assert_never(node)


def _renamed(node: tree.Expression, name: str, key: tree.Field) -> tree.Expression:
    """Return `node` with the field `name` replaced by the key of another stage."""

    def all_of(nodes: tuple[tree.Expression, ...]) -> tuple[tree.Expression, ...]:
        return tuple(_renamed(member, name, key) for member in nodes)

    match node:
        case tree.Field():
            return replace(key, span=node.span) if node.name == name else node
        case tree.Literal():
            return node
        case tree.And(operands) | tree.Or(operands):
            return replace(node, operands=all_of(operands))
        case tree.Call(_, arguments):
            return replace(node, arguments=all_of(arguments))
        case tree.Not(operand) | tree.Negate(operand) | tree.TextMatch(_, operand):
            return replace(node, operand=_renamed(operand, name, key))
        case tree.InList(operand, items):
            return replace(node, operand=_renamed(operand, name, key), items=all_of(items))
        case tree.Comparison(_, left, right) | tree.Arithmetic(_, left, right):
            return replace(node, left=_renamed(left, name, key), right=_renamed(right, name, key))
    assert_never(node)
