"""Write an expression with fewer brackets: nested `and` and `or` flattened, double negation undone, repeats dropped.

For emitters, whose output people read. The reference evaluates the expression as it was lowered, so a mistake here
would show as a disagreement.
"""

from __future__ import annotations

from dataclasses import replace

from converter.plan import nodes as ir


def simplified(plan: ir.Plan) -> ir.Plan:
    """Return a plan that means the same."""
    return _simplified(plan, {})


def _simplified(plan: ir.Plan, done: dict[int, ir.Plan]) -> ir.Plan:
    """Several correlations may count one rule, which stays one."""
    if id(plan) not in done:
        if isinstance(plan, ir.Correlation):
            rules = tuple(replace(rule, plan=_simplified(rule.plan, done)) for rule in plan.rules)
            done[id(plan)] = replace(plan, rules=rules)
        else:
            done[id(plan)] = replace(plan, expr=simplify(plan.expr))
    return done[id(plan)]


def simplify(expr: ir.Expr) -> ir.Expr:
    """Return an expression that means the same."""
    match expr:
        case ir.And(items) | ir.Or(items):
            kind = type(expr)
            flat: dict[ir.Expr, None] = {}
            for item in map(simplify, items):
                flat.update(dict.fromkeys(item.items if isinstance(item, kind) else (item,)))
            kept = tuple(flat)
            return kept[0] if len(kept) == 1 else kind(kept)
        case ir.Not(item):
            inner = simplify(item)
            return inner.item if isinstance(inner, ir.Not) else ir.Not(inner)
        case _:
            return expr
