"""Both trees of an ES|QL query, the vendor's and ours, in one neutral shape that can be compared.

    vendor's parse tree (flat) ──from_vendor──┐
    our tree (language.syntax) ──from_ours────┴──> nested tuples: equal, or the two read the query differently

The shape keeps what a query means by its grammar: commands in order, operators with their operands, texts and numbers
by value, names without quotes. It drops what has no meaning: brackets, chains of AND or OR of one nesting, positions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from converter.targets.esql.engine.language import syntax

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Shape: TypeAlias = "tuple[Any, ...]"


class Unknown(Exception):  # noqa: N818  not an error: the query uses what our parser refuses by name
    """The vendor's tree has a rule that no shape is known for."""


class _Node:
    """A node of the vendor's tree: the rule's name, and children: nodes, and leaves as (kind, text)."""

    __slots__ = ("children", "rule")

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self.children: list[_Node | tuple[str, str]] = []

    def nodes(self, *rules: str) -> list[_Node]:
        return [child for child in self.children if isinstance(child, _Node) and (not rules or child.rule in rules)]

    def has(self, kind: str) -> bool:
        return any(isinstance(child, tuple) and child[0] == kind for child in self.children)

    def leaves(self) -> Iterator[tuple[str, str]]:
        for child in self.children:
            if isinstance(child, tuple):
                yield child
            else:
                yield from child.leaves()

    @property
    def text(self) -> str:
        return "".join(text for _, text in self.leaves())


def _unflatten(flat: Sequence[str]) -> _Node:
    root = _Node("")
    stack = [root]
    for entry in flat:
        if entry == ")":
            stack.pop()
        elif re.fullmatch(r"\([A-Z]\w*", entry):
            node = _Node(entry[1:])
            stack[-1].children.append(node)
            stack.append(node)
        else:
            kind, _, text = entry.partition(" ")
            stack[-1].children.append((kind, text))
    return root.nodes()[0]


# --- the vendor's -----------------------------------------------------------------------------------------------------


def from_vendor(flat: Sequence[str]) -> Shape:
    """Return the shape of the vendor's tree.

    Raises:
        Unknown: it has a construct that our parser does not know either.
    """
    statements = _unflatten(flat)
    if statements.nodes("SetCommand"):
        raise Unknown("SetCommand")
    (statement,) = statements.nodes("SingleStatement")
    commands: list[_Node] = []
    (query,) = statement.nodes()
    while query.rule == "CompositeQuery":
        query, command = query.nodes()
        commands.append(command)
    if query.rule != "SingleCommandQuery":
        raise Unknown(query.rule)
    commands.append(query.nodes()[0])
    return tuple(_command(command.nodes()[0]) for command in reversed(commands))


def _command(node: _Node) -> Shape:
    match node.rule:
        case "FromCommand":
            return _from(node.nodes()[0])
        case "RowCommand":
            return ("row", *_fields(node.nodes()[0]))
        case "WhereCommand":
            return ("where", _boolean(node.nodes()[0]))
        case "EvalCommand":
            return ("eval", *_fields(node.nodes()[0]))
        case "StatsCommand" | "InlineStatsCommand":
            aggregates = [_aggregate(one) for part in node.nodes("AggFields") for one in part.nodes()]
            groups = [one for part in node.nodes("Fields") for one in _fields(part)]
            return ("stats" if node.rule == "StatsCommand" else "inline", tuple(aggregates), tuple(groups))
        case "KeepCommand" | "DropCommand":
            names = tuple(_pattern_name(one) for part in node.nodes() for one in part.nodes())
            return ("keep" if node.rule == "KeepCommand" else "drop", *names)
        case "RenameCommand":
            pairs = []
            for clause in node.nodes():
                first, second = map(_pattern_name, clause.nodes())
                pairs.append((first, second) if clause.has("AS") else (second, first))
            return ("rename", *pairs)
        case "SortCommand":
            return ("sort", *map(_order, node.nodes()))
        case "LimitCommand" if len(node.nodes()) == 1:
            return ("limit", _constant(node.nodes()[0]))
        case "MvExpandCommand":
            return ("mv_expand", _name(node.nodes()[0]))
        case _:
            raise Unknown(node.rule)


def _from(node: _Node) -> Shape:
    if node.rule != "IndexPatternAndMetadataFields":
        raise Unknown(node.rule)
    indices = []
    for one in node.nodes("IndexPatternOrSubquery"):
        (pattern,) = one.nodes()
        if pattern.rule != "IndexPattern" or pattern.has("CAST_OP"):
            raise Unknown(pattern.rule)
        indices.append(
            ":".join(
                _string(text) if kind == "QUOTED_STRING" else text for kind, text in pattern.leaves() if kind != "COLON"
            )
        )
    metadata = [text for part in node.nodes("Metadata") for kind, text in part.leaves() if kind == "UNQUOTED_SOURCE"]
    return ("from", tuple(indices), tuple(metadata))


def _fields(node: _Node) -> list[Shape]:
    return [_field(one) for one in node.nodes("Field")]


def _field(node: _Node) -> Shape:
    *name, value = node.nodes()
    return (_name(name[0]) if name else None, _boolean(value))


def _aggregate(node: _Node) -> Shape:
    field, *where = node.nodes()
    return (*_field(field), _boolean(where[0]) if where else None)


def _order(node: _Node) -> Shape:
    descending = node.has("DESC")
    first = node.has("FIRST") if node.has("NULLS") else descending
    return (_boolean(node.nodes()[0]), descending, first)


def _pattern_name(node: _Node) -> tuple[str, ...]:
    """Return the literal parts between stars; a name in backticks has none."""
    parts = [""]
    for kind, text in node.leaves():
        if kind == "DOT":
            parts[-1] += "."
        elif kind == "ID_PATTERN":
            for piece in re.findall(r"`(?:[^`]|``)+`|[^`]+", text):
                if piece[0] == "`":
                    parts[-1] += piece[1:-1].replace("``", "`")
                else:
                    first, *rest = piece.split("*")
                    parts[-1] += first
                    parts.extend(rest)
        else:
            raise Unknown(kind)
    return tuple(parts)


def _name(node: _Node) -> str:
    text = ""
    for kind, written in node.leaves():
        match kind:
            case "DOT" | "UNQUOTED_IDENTIFIER":
                text += written
            case "QUOTED_IDENTIFIER":
                text += written[1:-1].replace("``", "`")
            case _:
                raise Unknown(kind)
    return text


def _boolean(node: _Node) -> Shape:
    children = node.nodes()
    match node.rule:
        case "LogicalNot":
            return ("not", _boolean(children[0]))
        case "LogicalBinary":
            return _chain("and" if node.has("AND") else "or", _boolean(children[0]), _boolean(children[1]))
        case "LogicalIn":
            return _negated(node, ("in", *map(_boolean, children)))
        case "IsNull":
            return ("is null", node.has("NOT"), _boolean(children[0]))
        case "LikeExpression" | "LikeListExpression":
            return _negated(node, ("like", *map(_boolean, children)))
        case "RlikeExpression" | "RlikeListExpression":
            return _negated(node, ("rlike", *map(_boolean, children)))
        case "Comparison":
            left, operator, right = children
            return (operator.text, _boolean(left), _boolean(right))
        case "ArithmeticUnary":
            return ("negative", _boolean(children[0])) if node.has("MINUS") else _boolean(children[0])
        case "ArithmeticBinary":
            (sign,) = (child[1] for child in node.children if isinstance(child, tuple))
            return (sign, _boolean(children[0]), _boolean(children[1]))
        case "InlineCast":
            return ("cast", _boolean(children[0]), _name(children[1]).lower())
        case "Dereference":
            return ("column", _name(children[0]))
        case "Function":
            return _call(children[0])
        case "ConstantDefault" | "String" | "StringOrParameter":
            return _constant(children[0] if children else node)
        case (
            "BooleanDefault"
            | "ValueExpressionDefault"
            | "OperatorExpressionDefault"
            | "ParenthesizedExpression"
            | "RegexExpression"
        ):
            return _boolean(children[0])
        case _:
            raise Unknown(node.rule)


def _negated(node: _Node, shape: Shape) -> Shape:
    return ("not", shape) if node.has("NOT") else shape


def _chain(operator: str, *terms: Shape) -> Shape:
    """Return AND or OR with the chains on its left made flat."""
    flat: list[Shape] = []
    for term in terms:
        flat.extend(term[1:] if term[0] == operator else [term])
    return (operator, *flat)


def _call(node: _Node) -> Shape:
    name, *arguments = node.nodes()
    if any(one.rule == "MapExpression" for one in arguments):
        raise Unknown("MapExpression")
    words = [kind for kind, _ in name.leaves()]
    called = name.text if words[0] in {"FIRST", "LAST"} else _name(name)
    return ("call", called.lower(), node.has("ASTERISK"), *map(_boolean, arguments))


def _constant(node: _Node) -> Shape:
    text = node.text
    match node.rule:
        case "NullLiteral":
            return ("literal", "null", None)
        case "BooleanLiteral" | "BooleanValue":
            return ("literal", "bool", text.lower() == "true")
        case "IntegerLiteral" | "IntegerValue":
            return ("literal", "int", int(text))
        case "DecimalLiteral" | "DecimalValue":
            return ("literal", "float", float(text))
        case "NumericValue":
            return _constant(node.nodes()[0])
        case "QualifiedIntegerLiteral":
            (_, unit) = list(node.leaves())[-1]
            return ("span", int(node.nodes()[0].text), unit)
        case "StringLiteral" | "String":
            return ("literal", "str", _string(text))
        case "NumericArrayLiteral" | "BooleanArrayLiteral" | "StringArrayLiteral":
            items = [_constant(one)[1:] for one in node.nodes()]
            if any(kind == "float" for kind, _ in items):
                items = [("float", float(value)) for _, value in items]
            return ("list", *items)
        case _:
            raise Unknown(node.rule)


_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", '"': '"', "\\": "\\"}


def _string(text: str) -> str:
    """Return what a string denotes; an escape that is not known stays as it is. Source: class `AbstractBuilder`."""
    if text.startswith('"""'):
        return text[3:-3]
    return re.sub(r"\\(.)", lambda found: _ESCAPED.get(found[1], found[0]), text[1:-1])


# --- ours -------------------------------------------------------------------------------------------------------------


def from_ours(query: syntax.Query, text: str) -> Shape:
    """Return the shape of our tree of a text."""
    source = query.source
    if isinstance(source, syntax.From):
        first: Shape = ("from", source.indices, tuple(column.name for column in source.metadata))
    else:
        first = ("row", *_named(source.fields, text))
    return (first, *(_our_command(command, text) for command in query.commands))


def _our_command(command: syntax.Command, text: str) -> Shape:
    match command:
        case syntax.Where():
            return ("where", expression(command.condition))
        case syntax.Eval():
            return ("eval", *_named(command.fields, text))
        case syntax.Stats() | syntax.InlineStats():
            aggregates = tuple(
                (_alias(one, text), expression(one.value), expression(one.where) if one.where else None)
                for one in command.aggregates
            )
            kind = "stats" if isinstance(command, syntax.Stats) else "inline"
            return (kind, aggregates, tuple(_named(command.groups, text)))
        case syntax.Keep():
            return ("keep", *(pattern.parts for pattern in command.patterns))
        case syntax.Drop():
            return ("drop", *(pattern.parts for pattern in command.patterns))
        case syntax.Rename():
            return ("rename", *(((old.name,), (new.name,)) for old, new in command.pairs))
        case syntax.Sort():
            return ("sort", *((expression(key.value), key.descending, key.nulls_first) for key in command.keys))
        case syntax.Limit():
            return ("limit", ("literal", "int", command.count))
        case syntax.MvExpand():
            return ("mv_expand", command.column.name)
        case _:
            assert_never(command)


def _named(fields: Sequence[syntax.Named], text: str) -> list[Shape]:
    return [(_alias(field, text), expression(field.value)) for field in fields]


def _alias(field: syntax.Named | syntax.Aggregate, text: str) -> str | None:
    """Return the name before `=`. Where there is none, the value starts the field, but for a bracket or a sign."""
    start = field.span.start
    return None if field.value.span.start == start or text[start] in "(+" else field.name


def expression(node: syntax.Expression) -> Shape:
    """Return the shape of an expression."""
    match node:
        case syntax.Literal():
            return _literal(node.value)
        case syntax.TimeSpan():
            return ("span", node.amount, node.unit)
        case syntax.Column():
            return ("column", node.name)
        case syntax.Call():
            return ("call", node.name, node.star, *map(expression, node.arguments))
        case syntax.Cast():
            return ("cast", expression(node.value), node.type_name)
        case syntax.Negative():
            return ("negative", expression(node.value))
        case syntax.Arithmetic() | syntax.Comparison():
            return (node.operator, expression(node.left), expression(node.right))
        case syntax.Logical():
            return _chain(node.operator, *map(expression, node.terms))
        case syntax.Not():
            return ("not", expression(node.value))
        case syntax.In():
            return ("in", expression(node.value), *map(expression, node.options))
        case syntax.IsNull():
            return ("is null", node.negated, expression(node.value))
        case syntax.Pattern():
            return (node.kind, expression(node.value), *map(expression, node.patterns))
        case _:
            assert_never(node)


def _literal(value: bool | float | str | tuple[bool | int | float | str, ...] | None) -> Shape:  # noqa: FBT001
    match value:
        case None:
            return ("literal", "null", None)
        case tuple():
            return ("list", *(_literal(one)[1:] for one in value))
        case _:
            return ("literal", type(value).__name__, value)
