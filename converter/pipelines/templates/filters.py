"""The filters, tests and methods of templates: those of Jinja that only look at data; each bounds what it makes.

Whatever is not in these tables is refused when the pipeline is loaded.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup, escape

from converter.pipelines.templates.budget import TemplateError
from converter.pipelines.templates.values import Part, Undefined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from converter.pipelines.templates.budget import Budget

MOST_WIDTH = 1000
_PRINTF = re.compile(r"%(?:\((?P<key>\w+)\))?[-+ 0#]*(?P<width>\d+|\*)?(?:\.(?P<precision>\d+|\*))?(?P<type>[a-zA-Z%])")
_DATE_FORMAT = re.compile(r"(?:[^%]|%[aAbBdDeFGHIjmMpSuUVwWyY%])*")
_BITS = 4096


def text(budget: Budget, value: Any) -> str:
    """Return a value as a template prints it."""
    if isinstance(value, str):
        return value
    budget.look(value)
    made = str(value)
    budget.allow(len(made))
    return made


# ------------------------------------------------------------------------------------------------------------- filters


def _default(_: Budget, value: Any, default_value: Any = "", boolean: bool = False) -> Any:  # noqa: FBT001, FBT002  as Jinja calls it
    return default_value if isinstance(value, Undefined) or (boolean and not value) else value


def _length(_: Budget, value: Any) -> int:
    return 0 if isinstance(value, Undefined) else len(value)


def items_of(budget: Budget, value: Any) -> list[Any]:
    """Return what a loop runs through. Raises TemplateError if the value is not a list, a mapping or a text."""
    if isinstance(value, Undefined) or value is None:
        if value is None:
            raise TemplateError("None is not a list")
        return []
    if not isinstance(value, list | tuple | dict | str):
        raise TemplateError(f"{text(budget, value)!r} is not a list")
    budget.spend(len(value))
    return list(value)


def _join(budget: Budget, value: Any, d: Any = "", attribute: Any = None) -> str:
    parts = [text(budget, item if attribute is None else pick(item, attribute)) for item in items_of(budget, value)]
    between = text(budget, d)
    budget.allow(sum(map(len, parts)) + len(between) * max(0, len(parts) - 1))
    return between.join(parts)


def pick(item: Any, path: Any) -> Any:
    """Return a part of a value by its dotted name or its index."""
    for step in [path] if isinstance(path, int) else str(path).split("."):
        item = part_of(item, int(step) if isinstance(step, str) and step.isdigit() else step)
    return item


def part_of(value: Any, name: Any) -> Any:
    """Return the named part of a value, an entry of a mapping, or an item of a list; Undefined if there is none."""
    if isinstance(name, str) and name.startswith("_"):
        raise TemplateError(f"{name!r} begins with an underscore")
    if isinstance(value, Undefined):
        raise TemplateError(f"{value.name} is undefined")
    if isinstance(value, Part) and isinstance(name, str):
        return value.parts.get(name, Undefined(name))
    if isinstance(value, dict):
        try:
            return value.get(name, Undefined(str(name)))
        except TypeError:
            raise TemplateError("a list or a mapping is not the key of a mapping") from None
    if isinstance(value, list | tuple | str) and isinstance(name, int):
        return value[name] if -len(value) <= name < len(value) else Undefined(str(name))
    return Undefined(str(name))


def _replace(budget: Budget, value: Any, old: Any, new: Any, count: int | None = None) -> str:
    whole, before, after = (text(budget, item) for item in (value, old, new))
    times = whole.count(before) if count is None else min(count, whole.count(before))
    budget.allow(len(whole) + times * len(after))
    return whole.replace(before, after, -1 if count is None else count)


def _indent(
    budget: Budget,
    value: Any,
    width: Any = 4,
    first: bool = False,  # noqa: FBT001, FBT002  as Jinja calls it
    blank: bool = False,  # noqa: FBT001, FBT002
) -> str:
    lines = text(budget, value).splitlines()
    margin = width if isinstance(width, str) else " " * _width(width)
    budget.allow(sum(map(len, lines)) + (len(margin) + 1) * len(lines))
    joined = [
        margin + line if (number or first) and (line or blank or not number) else line
        for number, line in enumerate(lines)
    ]
    return "\n".join(joined)


def _width(width: Any) -> int:
    if not isinstance(width, int) or not 0 <= width <= MOST_WIDTH:
        raise TemplateError(f"a width is a whole number from 0 to {MOST_WIDTH}")
    return width


def _truncate(
    budget: Budget,
    value: Any,
    length: int = 255,
    killwords: bool = False,  # noqa: FBT001, FBT002  as Jinja calls it
    end: str = "...",
    leeway: int = 5,
) -> str:
    whole = text(budget, value)
    if len(whole) <= length + leeway:
        return whole
    if killwords:
        return whole[: length - len(end)] + end
    return whole[: length - len(end)].rsplit(" ", 1)[0] + end


def _to_json(budget: Budget, value: Any, indent: int | None = None) -> str:
    budget.look(value)
    if indent is not None:
        _width(indent)
        budget.allow(len(json.dumps(value)) * (indent + 1))
    made = json.dumps(value, sort_keys=True, indent=indent)
    budget.allow(len(made))
    for character in "<>&'":
        made = made.replace(character, f"\\u{ord(character):04x}")
    return Markup(made)  # noqa: S704  what Jinja's own filter marks as safe in HTML


def printf(budget: Budget, form: str, *args: Any, **kwargs: Any) -> str:
    """Return a text of `%s` and its like with values."""
    for part in _PRINTF.finditer(form):
        for size in (part["width"], part["precision"]):
            if size is not None and (size == "*" or len(size) > len(str(MOST_WIDTH)) or int(size) > MOST_WIDTH):
                raise TemplateError(f"{part[0]!r} pads to more than {MOST_WIDTH} characters")
    values = [text(budget, value) if isinstance(value, list | dict | tuple) else value for value in args]
    budget.allow(len(form) + sum(len(text(budget, value)) for value in (*values, *kwargs.values())))
    return form % (kwargs or tuple(values))


def _sorted(
    budget: Budget,
    value: Any,
    reverse: bool = False,  # noqa: FBT001, FBT002  as Jinja calls it
    case_sensitive: bool = False,  # noqa: FBT001, FBT002
    attribute: Any = None,
) -> list[Any]:
    items = items_of(budget, value)
    budget.look(items)
    budget.spend(len(items) * len(items).bit_length())
    return sorted(items, key=lambda item: _folded(item, attribute, case_sensitive=case_sensitive), reverse=reverse)


def _folded(item: Any, attribute: Any = None, *, case_sensitive: bool = False) -> Any:
    value = item if attribute is None else pick(item, attribute)
    return value.lower() if isinstance(value, str) and not case_sensitive else value


def _unique(budget: Budget, value: Any, case_sensitive: bool = False, attribute: Any = None) -> list[Any]:  # noqa: FBT001, FBT002  as Jinja calls it
    items = items_of(budget, value)
    budget.look(items)
    seen: dict[Any, Any] = {}
    for item in items:
        key = _folded(item, attribute, case_sensitive=case_sensitive)
        seen.setdefault(text(budget, key) if isinstance(key, list | dict) else key, item)
    return list(seen.values())


def _extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    def chosen(budget: Budget, value: Any, case_sensitive: bool = False, attribute: Any = None) -> Any:  # noqa: FBT001, FBT002  as Jinja calls it
        items = items_of(budget, value)
        budget.look(items)
        if not items:
            return Undefined("an item")
        return choose(items, key=lambda item: _folded(item, attribute, case_sensitive=case_sensitive))

    return chosen


def _sum(budget: Budget, value: Any, attribute: Any = None, start: float = 0) -> Any:
    numbers = [item if attribute is None else pick(item, attribute) for item in items_of(budget, value)]
    if not all(isinstance(number, int | float) for number in (*numbers, start)):
        raise TemplateError("sum adds numbers only")
    return sum(numbers, start)


def _sorted_items(
    budget: Budget,
    value: Any,
    case_sensitive: bool = False,  # noqa: FBT001, FBT002  as Jinja calls it
    by: str = "key",
    reverse: bool = False,  # noqa: FBT001, FBT002
) -> list[Any]:
    pairs = _pairs(budget, value)
    at = ("key", "value").index(by)
    return sorted(pairs, key=lambda pair: _folded(pair[at], case_sensitive=case_sensitive), reverse=reverse)


def _pairs(budget: Budget, value: Any) -> list[Any]:
    if isinstance(value, Undefined):
        return []
    if not isinstance(value, dict):
        raise TemplateError("only a mapping has items")
    budget.spend(len(value))
    return list(value.items())


def _number(kind: Callable[[Any], Any]) -> Callable[..., Any]:
    def convert(budget: Budget, value: Any, default: Any = 0, base: int = 10) -> Any:
        budget.look(value)
        try:
            return int(value, base) if kind is int and isinstance(value, str) and base != 10 else kind(value)  # noqa: PLR2004  the base of decimals
        except (TypeError, ValueError, OverflowError):
            return default

    return convert


def _round(_: Budget, value: Any, precision: int = 0, method: str = "common") -> Any:
    if not 0 <= precision <= 100 or method != "common":  # noqa: PLR2004  more digits than a float has
        raise TemplateError("round takes a precision from 0 to 100, and no other method")
    return round(float(value), precision)


def _text_filter(change: Callable[[str], str]) -> Callable[..., str]:
    def changed(budget: Budget, value: Any) -> str:
        whole = text(budget, value)
        made = change(whole)
        budget.allow(len(made))
        return made

    return changed


def _trim(budget: Budget, value: Any, chars: str | None = None) -> str:
    return text(budget, value).strip(chars)


def _center(budget: Budget, value: Any, width: int = 80) -> str:
    return text(budget, value).center(_width(width))


def _title(whole: str) -> str:
    return "".join(word[0].upper() + word[1:].lower() for word in re.split(r"([-\s({\[<]+)", whole) if word)


def _reverse(budget: Budget, value: Any) -> Any:
    return text(budget, value)[::-1] if isinstance(value, str) else items_of(budget, value)[::-1]


def _first(_: Budget, value: Any) -> Any:
    items = value if isinstance(value, str | list | tuple) else list(value)
    return items[0] if items else Undefined("the first item")


def _last(_: Budget, value: Any) -> Any:
    items = value if isinstance(value, str | list | tuple) else list(value)
    return items[-1] if items else Undefined("the last item")


def _quote(whole: str) -> str:
    return quote(whole, safe="/")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": lambda _, value: abs(value),
    "capitalize": _text_filter(str.capitalize),
    "center": _center,
    "count": _length,
    "d": _default,
    "default": _default,
    "dictsort": _sorted_items,
    "e": lambda budget, value: escape(text(budget, value)),
    "escape": lambda budget, value: escape(text(budget, value)),
    "first": _first,
    "float": _number(float),
    "format": lambda budget, value, *args, **kwargs: printf(budget, text(budget, value), *args, **kwargs),
    "indent": _indent,
    "int": _number(int),
    "items": _pairs,
    "join": _join,
    "last": _last,
    "length": _length,
    "list": items_of,
    "lower": _text_filter(str.lower),
    "max": _extreme(max),
    "min": _extreme(min),
    "replace": _replace,
    "reverse": _reverse,
    "round": _round,
    "safe": lambda budget, value: Markup(text(budget, value)),  # noqa: S704  the template says that it is
    "sort": _sorted,
    "string": text,
    "sum": _sum,
    "title": _text_filter(_title),
    "tojson": _to_json,
    "trim": _trim,
    "truncate": _truncate,
    "unique": _unique,
    "upper": _text_filter(str.upper),
    "urlencode": _text_filter(_quote),
    "wordcount": lambda budget, value: len(text(budget, value).split()),
}
# Those that take a filter or a test by its name: the interpreter has them.
SELECTING = ("map", "select", "reject", "selectattr", "rejectattr")


# --------------------------------------------------------------------------------------------------------------- tests


def _contained(budget: Budget, value: Any, where: Any) -> bool:
    budget.look(value, where)
    return value in where


def compare(budget: Budget, operator: str, left: Any, right: Any) -> bool:
    """Return what `left operator right` is, of Jinja's names of operators."""
    budget.look(left, right)
    match operator:
        case "eq":
            return bool(left == right)
        case "ne":
            return bool(left != right)
        case "lt":
            return bool(left < right)
        case "lteq":
            return bool(left <= right)
        case "gt":
            return bool(left > right)
        case "gteq":
            return bool(left >= right)
        case "in":
            return not isinstance(right, Undefined) and left in right
        case _:
            return isinstance(right, Undefined) or left not in right


def _comparing(operator: str) -> Callable[..., bool]:
    return lambda budget, value, other: compare(budget, operator, value, other)


TESTS: Mapping[str, Callable[..., bool]] = {
    "!=": _comparing("ne"),
    "<": _comparing("lt"),
    "<=": _comparing("lteq"),
    "==": _comparing("eq"),
    ">": _comparing("gt"),
    ">=": _comparing("gteq"),
    "boolean": lambda _, value: isinstance(value, bool),
    "defined": lambda _, value: not isinstance(value, Undefined),
    "divisibleby": lambda _, value, num: value % num == 0,
    "eq": _comparing("eq"),
    "equalto": _comparing("eq"),
    "even": lambda _, value: value % 2 == 0,
    "false": lambda _, value: value is False,
    "float": lambda _, value: isinstance(value, float),
    "ge": _comparing("gteq"),
    "greaterthan": _comparing("gt"),
    "gt": _comparing("gt"),
    "in": _contained,
    "integer": lambda _, value: isinstance(value, int) and not isinstance(value, bool),
    "iterable": lambda _, value: isinstance(value, str | list | tuple | dict | Undefined),
    "le": _comparing("lteq"),
    "lessthan": _comparing("lt"),
    "lower": lambda budget, value: text(budget, value).islower(),
    "lt": _comparing("lt"),
    "mapping": lambda _, value: isinstance(value, dict),
    "ne": _comparing("ne"),
    "none": lambda _, value: value is None,
    "number": lambda _, value: isinstance(value, int | float),
    "odd": lambda _, value: value % 2 == 1,
    "sameas": lambda _, value, other: value is other,
    "sequence": lambda _, value: isinstance(value, str | list | tuple | dict),
    "string": lambda _, value: isinstance(value, str),
    "true": lambda _, value: value is True,
    "undefined": lambda _, value: isinstance(value, Undefined),
    "upper": lambda budget, value: text(budget, value).isupper(),
}


# ------------------------------------------------------------------------------------------------------------- methods

# Methods of texts that make nothing larger than the text, and look at nothing but their arguments.
_PLAIN = (
    *("capitalize", "casefold", "count", "endswith", "find", "index", "isalnum", "isalpha", "isascii", "isdecimal"),
    *("isdigit", "islower", "isnumeric", "isspace", "istitle", "isupper", "lower", "lstrip", "partition"),
    *("removeprefix", "removesuffix", "rfind", "rindex", "rpartition", "rsplit", "rstrip", "split", "splitlines"),
    *("startswith", "strip", "swapcase", "title", "upper"),
)
_PADDING = ("center", "ljust", "rjust", "zfill")
_OF_LISTS = ("append", "count", "extend", "index")
_OF_MAPPINGS = ("get", "items", "keys", "update", "values")
_OF_DATES = ("isoformat", "strftime")
METHODS = frozenset((*_PLAIN, *_PADDING, *_OF_LISTS, *_OF_MAPPINGS, *_OF_DATES, "join", "replace", "cycle"))


def call_method(budget: Budget, owner: Any, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Return what a method of a text, a list, a mapping or a date returns. Raises TemplateError for any other."""
    budget.look(*args, *kwargs.values())
    if isinstance(owner, Part) and "year" in owner.parts and name in _OF_DATES:
        return _date(owner, name, *args)
    if isinstance(owner, str):
        return _call_text(budget, owner, name, args, kwargs)
    if isinstance(owner, list) and name in _OF_LISTS:
        if name == "extend":
            args = [items_of(budget, *args)]
        budget.look(owner if name in {"count", "index"} else "")
        return getattr(owner, name)(*args)
    if isinstance(owner, dict) and name in _OF_MAPPINGS:
        budget.spend(0 if name == "get" else len(owner))
        made = getattr(owner, name)(*args, **kwargs)
        return list(made) if name in {"items", "keys", "values"} else made
    raise TemplateError(f"{name}() is not a method of {'a mapping' if isinstance(owner, dict) else 'this value'}")


def _call_text(budget: Budget, owner: str, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    budget.look(owner)
    if name == "join":
        return _join(budget, args[0] if args else None, owner)
    if name == "replace":
        return _replace(budget, owner, *args, **kwargs)
    if name in _PADDING:
        _width(args[0] if args else None)
    elif name not in _PLAIN:
        raise TemplateError(f"{name}() is not a method of a text")
    made = getattr(str(owner), name)(*args, **kwargs)
    if isinstance(made, str):
        budget.allow(len(made))
    elif isinstance(made, list):
        budget.spend(len(made))
    return list(made) if isinstance(made, tuple) else made


def _date(owner: Part, name: str, form: str = "") -> str:
    day = dt.datetime.fromisoformat(str(owner))
    if name == "isoformat":
        return str(owner).replace(" ", "T")
    if not isinstance(form, str) or not _DATE_FORMAT.fullmatch(form) or len(form) > MOST_WIDTH:
        raise TemplateError("strftime() takes a short text with %Y, %m, %d and their like")
    return day.strftime(form)


# ----------------------------------------------------------------------------------------------------------- operators


def multiply(budget: Budget, left: Any, right: Any) -> Any:
    """Return a product of numbers, or a text or list that is repeated."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, str | list | tuple) and isinstance(other, int):
            budget.allow(len(one) * max(0, other) * (1 if isinstance(one, str) else 16))
            budget.spend(0 if isinstance(one, str) else len(one) * max(0, other))
    _check_bits(left, right)
    return left * right


def power(left: Any, right: Any) -> Any:
    """Return a power of numbers."""
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * abs(right) > _BITS:
        raise TemplateError("the number is too large")
    return left**right


def modulo(budget: Budget, left: Any, right: Any) -> Any:
    """Return the rest of a division, or a text of `%s` with values."""
    if isinstance(left, str):
        if isinstance(right, dict):
            return printf(budget, left, **{str(key): value for key, value in right.items()})
        return printf(budget, left, *(right if isinstance(right, tuple | list) else (right,)))
    return left % right


def add(budget: Budget, left: Any, right: Any) -> Any:
    """Return a sum of numbers, or two texts or lists after each other."""
    if isinstance(left, str) and isinstance(right, str):
        budget.allow(len(left) + len(right))
    elif isinstance(left, list | tuple) and isinstance(right, list | tuple):
        budget.spend(len(left) + len(right))
        return [*left, *right]
    _check_bits(left, right)
    return left + right


def _check_bits(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > _BITS:
        raise TemplateError("the number is too large")
