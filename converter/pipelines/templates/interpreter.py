"""Render templates of pipelines: Jinja's syntax, read by Jinja's parser, and run step by step within a budget.

    text ──Jinja's parser──> nodes ──check──> Template ──render(plain data)──> text

No code is made of a template: a node, a filter, a test or a method that is not known here is refused at load. So a
template can neither reach an object of the program nor read a file, and it ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, TemplateSyntaxError, nodes
from markupsafe import Markup, escape

from converter.errors import suggest
from converter.pipelines.templates.budget import Budget, TemplateError
from converter.pipelines.templates.filters import (
    FILTERS,
    METHODS,
    SELECTING,
    TESTS,
    add,
    call_method,
    compare,
    items_of,
    modulo,
    multiply,
    part_of,
    pick,
    power,
    text,
)
from converter.pipelines.templates.values import Namespace, Undefined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_MOST_DEPTH = 200
_MOST_CALLS = 20
_TRUST = "Read the pipeline; with --trust-pipelines pySigma renders it, as code"
_FUNCTIONS = ("dict", "namespace", "range")
_EXPRESSIONS = (
    *(nodes.Add, nodes.And, nodes.Call, nodes.Compare, nodes.Concat, nodes.CondExpr, nodes.Const, nodes.Dict),
    *(nodes.Div, nodes.Filter, nodes.FloorDiv, nodes.Getattr, nodes.Getitem, nodes.Keyword, nodes.List, nodes.Mod),
    *(nodes.Mul, nodes.NSRef, nodes.Name, nodes.Neg, nodes.Not, nodes.Operand, nodes.Or, nodes.Pair, nodes.Pos),
    *(nodes.Pow, nodes.Slice, nodes.Sub, nodes.TemplateData, nodes.Test, nodes.Tuple),
)
_STATEMENTS = (
    *(nodes.Assign, nodes.AssignBlock, nodes.FilterBlock, nodes.For, nodes.If, nodes.Macro, nodes.Output),
    *(nodes.Template, nodes.With),
)
_KNOWN = (*_EXPRESSIONS, *_STATEMENTS)


@dataclass(frozen=True, slots=True)
class Template:
    """A template that has been checked.

    Attributes:
        body: Jinja's nodes.
        autoescape: whether what it prints is escaped for HTML.
    """

    body: Sequence[nodes.Node]
    autoescape: bool = False

    def render(self, values: Mapping[str, Any], budget: Budget) -> str:
        """Return the text that the template makes of plain data.

        Raises:
            TemplateError: an expression has no value, or the budget is spent; with the line of the template.
        """
        run = _Run(budget, autoescape=self.autoescape)
        try:
            run.body(self.body, _Scope(dict(values)))
        except TemplateError as error:
            error.line = error.line or run.line
            raise
        except RecursionError:
            raise TemplateError("the template nests too deep", run.line) from None
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise TemplateError(str(error) or type(error).__name__, run.line) from None
        return run.printed()


@lru_cache(maxsize=64)  # a pipeline is built for each rule and target
def parse_template(source: str, *, autoescape: bool = False) -> Template:
    """Return a template. Raises TemplateError: not Jinja, or more than plain data needs; with the line."""
    try:
        tree = Environment(autoescape=autoescape).parse(source)  # noqa: S701  nothing is rendered by it
    except TemplateSyntaxError as error:
        raise TemplateError(error.message or "not a template", error.lineno) from None
    except RecursionError:
        raise TemplateError("the template nests too deep") from None
    except (ValueError, OverflowError) as error:  # a number of more digits than Python reads
        raise TemplateError(str(error)) from None
    for fault in _faults(tree):
        raise fault
    return Template(tree.body, autoescape)


# ------------------------------------------------------------------------------------------------------------ checking


def _faults(tree: nodes.Template) -> Iterator[TemplateError]:
    """Yield what a template asks for beyond plain data."""
    stack: list[tuple[nodes.Node, int]] = [(tree, 0)]
    called: list[nodes.Name] = []
    defined: set[str] = set(_FUNCTIONS)
    while stack:
        node, depth = stack.pop()
        if depth > _MOST_DEPTH:
            yield TemplateError(f"the template nests deeper than {_MOST_DEPTH}", node.lineno)
            return
        if message := _fault(node):
            yield TemplateError(message, node.lineno, _hint(node))
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
            called.append(node.node)
        if isinstance(node, nodes.Macro):
            defined.add(node.name)
        stack += [(child, depth + 1) for child in node.iter_child_nodes()]
    for name in called:
        if name.name not in defined:
            hint = suggest(name.name, defined) or _TRUST
            yield TemplateError(f"a template cannot call {name.name}()", name.lineno, hint)


def _fault(node: nodes.Node) -> str:
    match node:
        case nodes.For(recursive=True):
            return "a template cannot loop recursively"
        case nodes.Filter(name=name) if name not in FILTERS and name not in SELECTING:
            return f"a template cannot use the filter {name}"
        case nodes.Test(name=name) if name not in TESTS:
            return f"a template cannot use the test {name}"
        case nodes.Getattr(attr=name) | nodes.Getitem(arg=nodes.Const(value=str() as name)) if name.startswith("_"):
            return f"a template cannot look at {name}: it begins with an underscore"
        case nodes.Call(node=nodes.Getattr(attr=name)) if name not in METHODS:
            return f"a template cannot call {name}()"
        case nodes.Call(node=called) if not isinstance(called, nodes.Getattr | nodes.Name):
            return "a template cannot call what an expression returns"
        case nodes.Call(dyn_args=one, dyn_kwargs=other) if one is not None or other is not None:
            return "a template cannot spread arguments with * or **"
    if type(node) not in _KNOWN:
        return f"a template cannot hold {{% {type(node).__name__.lower()} %}}"
    return ""


def _hint(node: nodes.Node) -> str:
    match node:
        case nodes.Filter(name=name):
            return f"{suggest(name, (*FILTERS, *SELECTING))} {_TRUST}".strip()
        case nodes.Test(name=name):
            return f"{suggest(name, TESTS)} {_TRUST}".strip()
        case _:
            return _TRUST


# ----------------------------------------------------------------------------------------------------------- rendering


class _Scope:
    """The variables of a part of a template, inside those of the parts around it."""

    __slots__ = ("outer", "values")

    def __init__(self, values: dict[str, Any], outer: _Scope | None = None) -> None:
        self.values = values
        self.outer = outer

    def get(self, name: str) -> Any:
        scope: _Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.outer
        return Undefined(name)


@dataclass(frozen=True, slots=True)
class _Macro:
    node: nodes.Macro
    scope: _Scope = field(repr=False)


class _Loop(dict[str, Any]):
    """The variable `loop`."""


class _Run:
    """One rendering."""

    def __init__(self, budget: Budget, *, autoescape: bool) -> None:
        self.budget = budget
        self.autoescape = autoescape
        self.line = 0
        self._out: list[str] = []
        self._size = 0
        self._calls = 0

    def printed(self) -> str:
        return "".join(self._out)

    def print(self, value: str) -> None:
        self._size += len(value)
        if self._size > self.budget.most:
            self.budget.allow(self._size)
        self.budget.allow(len(value))
        self._out.append(value)

    def captured(self, body: Sequence[nodes.Node], scope: _Scope) -> str:
        """Return what a part of the template prints."""
        outer, self._out = self._out, []
        try:
            self.body(body, scope)
            made = self.printed()
        finally:
            self._out = outer
        return Markup(made) if self.autoescape else made  # noqa: S704  each value in it has been escaped

    # ------------------------------------------------------------------------------------------------------ statements

    def body(self, body: Sequence[nodes.Node], scope: _Scope) -> None:
        for node in body:
            self.statement(node, scope)

    def statement(self, node: nodes.Node, scope: _Scope) -> None:
        self.budget.spend()
        self.line = node.lineno
        match node:
            case nodes.Output():
                for part in node.nodes:
                    self.print(part.data if isinstance(part, nodes.TemplateData) else self.shown(part, scope))
            case nodes.If():
                self.choose(node, scope)
            case nodes.For():
                self.loop(node, scope)
            case nodes.Assign():
                self.assign(node.target, self.value(node.node, scope), scope)
            case nodes.AssignBlock():
                made: Any = self.captured(node.body, _Scope({}, scope))
                self.assign(node.target, made if node.filter is None else self.filter(node.filter, scope, made), scope)
            case nodes.FilterBlock():
                made = self.captured(node.body, _Scope({}, scope))
                self.print(text(self.budget, self.filter(node.filter, scope, made)))
            case nodes.With():
                values = [self.value(value, scope) for value in node.values]
                inner = _Scope({}, scope)
                for target, value in zip(node.targets, values, strict=True):
                    self.assign(target, value, inner)
                self.body(node.body, inner)
            case nodes.Macro():
                scope.values[node.name] = _Macro(node, scope)
            case _:
                raise TemplateError(f"a template cannot hold {type(node).__name__}")

    def shown(self, node: nodes.Node, scope: _Scope) -> str:
        value = self.value(node, scope)
        if isinstance(value, _Macro):
            raise TemplateError(f"{value.node.name} is a macro: call it")
        made = text(self.budget, value)
        return str(escape(made)) if self.autoescape else str(made)

    def choose(self, node: nodes.If, scope: _Scope) -> None:
        for branch in (node, *node.elif_):
            if self.value(branch.test, scope):
                self.body(branch.body, scope)
                return
        self.body(node.else_, scope)

    def loop(self, node: nodes.For, scope: _Scope) -> None:
        items = items_of(self.budget, self.value(node.iter, scope))
        if node.test is not None:
            items = [item for item in items if self.value(node.test, self.entered(node.target, item, scope))]
        for at, item in enumerate(items):
            self.budget.spend()
            inner = self.entered(node.target, item, scope)
            inner.values["loop"] = _Loop(
                index=at + 1,
                index0=at,
                revindex=len(items) - at,
                revindex0=len(items) - at - 1,
                first=at == 0,
                last=at == len(items) - 1,
                length=len(items),
                depth=1,
                depth0=0,
                previtem=items[at - 1] if at else Undefined("previtem"),
                nextitem=items[at + 1] if at + 1 < len(items) else Undefined("nextitem"),
            )
            self.body(node.body, inner)
        if not items:
            self.body(node.else_, _Scope({}, scope))

    def entered(self, target: nodes.Node, item: Any, scope: _Scope) -> _Scope:
        inner = _Scope({}, scope)
        self.assign(target, item, inner)
        return inner

    def assign(self, target: nodes.Node, value: Any, scope: _Scope) -> None:
        match target:
            case nodes.Name():
                scope.values[target.name] = value
            case nodes.NSRef():
                owner = scope.get(target.name)
                if not isinstance(owner, Namespace):
                    raise TemplateError(f"{target.name} is not a namespace")
                owner[target.attr] = value
            case nodes.Tuple():
                values = items_of(self.budget, value)
                if len(values) != len(target.items):
                    raise TemplateError(f"{len(values)} values for {len(target.items)} names")
                for part, item in zip(target.items, values, strict=True):
                    self.assign(part, item, scope)
            case _:
                raise TemplateError("a template can only set names")

    # ----------------------------------------------------------------------------------------------------- expressions

    def value(self, node: nodes.Node, scope: _Scope) -> Any:
        self.budget.spend()
        self.line = node.lineno or self.line
        match node:
            case nodes.Const():
                return node.value
            case nodes.TemplateData():
                return node.data
            case nodes.Name():
                return scope.get(node.name)
            case nodes.Getattr():
                return part_of(self.value(node.node, scope), node.attr)
            case nodes.Getitem():
                return self.item(node, scope)
            case nodes.Filter():
                return self.filter(node, scope)
            case nodes.Test():
                value = self.value(node.node, scope)
                args, kwargs = self.arguments(node, scope)
                return bool(TESTS[node.name](self.budget, value, *args, **kwargs))
            case nodes.Call():
                return self.call(node, scope)
            case nodes.Compare():
                return self.compare(node, scope)
            case nodes.And():
                return self.value(node.left, scope) and self.value(node.right, scope)
            case nodes.Or():
                return self.value(node.left, scope) or self.value(node.right, scope)
            case nodes.Not():
                return not self.value(node.node, scope)
            case nodes.CondExpr():
                if self.value(node.test, scope):
                    return self.value(node.expr1, scope)
                return self.value(node.expr2, scope) if node.expr2 is not None else Undefined("the else of an if")
            case nodes.Concat():
                return self.concatenated([self.value(part, scope) for part in node.nodes])
            case nodes.List() | nodes.Tuple():
                items = [self.value(item, scope) for item in node.items]
                return items if isinstance(node, nodes.List) else tuple(items)
            case nodes.Dict():
                return {self.key(pair.key, scope): self.value(pair.value, scope) for pair in node.items}
            case nodes.BinExpr():
                return self.binary(node, self.value(node.left, scope), self.value(node.right, scope))
            case nodes.Neg():
                return -self.value(node.node, scope)
            case nodes.Pos():
                return +self.value(node.node, scope)
        raise TemplateError(f"a template cannot hold {type(node).__name__}")

    def key(self, node: nodes.Node, scope: _Scope) -> Any:
        key = self.value(node, scope)
        if isinstance(key, list | dict | tuple):
            raise TemplateError("a list or a mapping is not the key of a mapping")
        return key

    def item(self, node: nodes.Getitem, scope: _Scope) -> Any:
        value = self.value(node.node, scope)
        if not isinstance(node.arg, nodes.Slice):
            return part_of(value, self.value(node.arg, scope))
        ends = (node.arg.start, node.arg.stop, node.arg.step)
        steps = [None if end is None else self.value(end, scope) for end in ends]
        if not isinstance(value, str | list | tuple):
            raise TemplateError("only a text or a list has slices")
        self.budget.look(value if isinstance(value, str) else "")
        self.budget.spend(0 if isinstance(value, str) else len(value))
        return value[slice(*steps)]

    def compare(self, node: nodes.Compare, scope: _Scope) -> bool:
        left = self.value(node.expr, scope)
        for operand in node.ops:
            right = self.value(operand.expr, scope)
            if not compare(self.budget, operand.op, left, right):
                return False
            left = right
        return True

    def concatenated(self, values: Sequence[Any]) -> str:
        parts = [text(self.budget, value) for value in values]
        self.budget.allow(sum(map(len, parts)))
        if any(isinstance(part, Markup) for part in parts):
            return Markup("").join(parts)
        return "".join(parts)

    def binary(self, node: nodes.BinExpr, left: Any, right: Any) -> Any:
        for value in (left, right):
            if isinstance(value, Undefined):
                raise TemplateError(f"{value.name} is undefined")
        match node:
            case nodes.Add():
                return add(self.budget, left, right)
            case nodes.Mul():
                return multiply(self.budget, left, right)
            case nodes.Mod():
                return modulo(self.budget, left, right)
            case nodes.Pow():
                return power(left, right)
            case nodes.Sub():
                return left - right
            case nodes.Div():
                return left / right
            case nodes.FloorDiv():
                return left // right
        raise TemplateError(f"a template cannot hold {type(node).__name__}")

    # ----------------------------------------------------------------------------------------------- filters and calls

    def arguments(self, node: Any, scope: _Scope) -> tuple[list[Any], dict[str, Any]]:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise TemplateError("a template cannot spread arguments with * or **")
        return (
            [self.value(argument, scope) for argument in node.args],
            {keyword.key: self.value(keyword.value, scope) for keyword in node.kwargs},
        )

    def filter(self, node: nodes.Filter, scope: _Scope, given: Any = None) -> Any:
        """Return the value of a filter; `given` is what a block of the template hands to the innermost one."""
        inner: Any = node.node
        if inner is None:
            value = given
        elif given is not None and isinstance(inner, nodes.Filter):
            value = self.filter(inner, scope, given)
        else:
            value = self.value(inner, scope)
        args, kwargs = self.arguments(node, scope)
        self.line = node.lineno or self.line
        if node.name in SELECTING:
            return self.selected(node.name, items_of(self.budget, value), args, kwargs)
        self.budget.look(*args, *kwargs.values())
        return FILTERS[node.name](self.budget, value, *args, **kwargs)

    def selected(self, name: str, items: list[Any], args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        self.budget.spend(len(items))
        if name == "map":
            return self.mapped(items, args, kwargs)
        read: Callable[[Any], Any] = partial(pick, path=args.pop(0)) if name.endswith("attr") else lambda item: item
        test = TESTS.get(args[0]) if args else None
        if args and test is None:
            raise TemplateError(f"a template cannot use the test {args[0]}")
        wanted = name.startswith("select")

        def holds(item: Any) -> bool:
            value = read(item)
            return bool(value if test is None else test(self.budget, value, *args[1:], **kwargs)) is wanted

        return [item for item in items if holds(item)]

    def mapped(self, items: list[Any], args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        if not args and "attribute" in kwargs:
            default = kwargs.get("default")
            picked = [pick(item, kwargs["attribute"]) for item in items]
            return [default if isinstance(item, Undefined) and "default" in kwargs else item for item in picked]
        change = FILTERS.get(args[0]) if args else None
        if change is None:
            raise TemplateError(f"a template cannot use the filter {args[0] if args else ''}")
        return [change(self.budget, item, *args[1:], **kwargs) for item in items]

    def call(self, node: nodes.Call, scope: _Scope) -> Any:
        args, kwargs = self.arguments(node, scope)
        if isinstance(node.node, nodes.Getattr):
            owner = self.value(node.node.node, scope)
            if isinstance(owner, Undefined):
                raise TemplateError(f"{owner.name} is undefined")
            if isinstance(owner, _Loop) and node.node.attr == "cycle":
                return args[owner["index0"] % len(args)]
            return call_method(self.budget, owner, node.node.attr, args, kwargs)
        name = node.node.name if isinstance(node.node, nodes.Name) else ""
        value = scope.get(name)
        if isinstance(value, _Macro):
            return self.macro(value, args, kwargs)
        if isinstance(value, Undefined) and name in _FUNCTIONS:
            return self.function(name, args, kwargs)
        raise TemplateError(f"a template cannot call {name}()")

    def function(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        if name == "range":
            numbers = range(*args)
            self.budget.spend(len(numbers) if len(numbers) < self.budget.left else self.budget.left + 1)
            return list(numbers)
        given = dict(*args, **kwargs)
        return Namespace(given) if name == "namespace" else given

    def macro(self, macro: _Macro, args: list[Any], kwargs: dict[str, Any]) -> str:
        node = macro.node
        names = [argument.name for argument in node.args]
        if len(args) > len(names) or set(kwargs) - set(names):
            raise TemplateError(f"the macro {node.name} takes {len(names)} arguments: {', '.join(names)}")
        scope = _Scope({}, macro.scope)
        for name, default in zip(names[len(names) - len(node.defaults) :], node.defaults, strict=True):
            scope.values[name] = self.value(default, macro.scope)
        scope.values.update(zip(names, args, strict=False))
        scope.values.update(kwargs)
        for name in names:
            scope.values.setdefault(name, Undefined(name))
        self._calls += 1
        if self._calls > _MOST_CALLS:
            raise TemplateError(f"macros call each other more than {_MOST_CALLS} deep")
        made = self.captured(node.body, scope)
        self._calls -= 1
        return made
