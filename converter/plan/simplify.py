"""Write an expression with fewer brackets: nested `and` and `or` flattened, double negation undone, repeats dropped.

For emitters, whose output people read. The reference evaluates the expression as it was lowered, so a mistake here
would show as a disagreement.
"""

from __future__ import annotations

from dataclasses import replace

from converter.plan.nodes import And, Correlation, Detection, Expr, Not, Or, Plan


def simplified(plan: Plan) -> Plan:
    """Return a plan that means the same."""
    if isinstance(plan, Correlation):
        return replace(plan, rules=tuple(_detection(rule) for rule in plan.rules))
    return _detection(plan)


def _detection(rule: Detection) -> Detection:
    return replace(rule, expr=simplify(rule.expr))


def simplify(expr: Expr) -> Expr:
    """Return an expression that means the same."""
    match expr:
        case And(items) | Or(items):
            kind = type(expr)
            flat: dict[Expr, None] = {}
            for item in map(simplify, items):
                flat.update(dict.fromkeys(item.items if isinstance(item, kind) else (item,)))
            kept = tuple(flat)
            return kept[0] if len(kept) == 1 else kind(kept)
        case Not(item):
            inner = simplify(item)
            return inner.item if isinstance(inner, Not) else Not(inner)
        case _:
            return expr
