"""Simplify expressions: flatten nested `and` and `or`, undo double negation, drop repeats.

For emitters, whose output people read. The reference evaluates the expression as it was lowered, so a mistake here
shows as a disagreement.
"""

from __future__ import annotations

from dataclasses import replace

from converter.plan import nodes as ir


def simplified(plan: ir.Plan) -> ir.Plan:
    """Return the plan with its expressions simplified."""
    return _simplified(plan, {})


def _simplified(plan: ir.Plan, done: dict[int, ir.Plan]) -> ir.Plan:
    """Simplify each plan once: several correlations may count the same rule, and still do afterwards."""
    if id(plan) not in done:
        if isinstance(plan, ir.Correlation):
            rules = tuple(replace(rule, plan=_simplified(rule.plan, done)) for rule in plan.rules)
            done[id(plan)] = replace(plan, rules=rules)
        else:
            done[id(plan)] = replace(plan, expr=simplify(plan.expr))
    return done[id(plan)]


def simplify(expr: ir.Expr) -> ir.Expr:
    """Return an equivalent expression with fewer brackets."""
    match expr:
        case ir.And(items) | ir.Or(items):
            kind = type(expr)
            flat: dict[ir.Expr, None] = {}
            for item in map(simplify, items):
                flat.update(dict.fromkeys(item.items if isinstance(item, kind) else (item,)))
            distinct = tuple(flat)
            return distinct[0] if len(distinct) == 1 else kind(distinct)
        case ir.Not(item):
            inner = simplify(item)
            return inner.item if isinstance(inner, ir.Not) else ir.Not(inner)
        case _:
            return expr
