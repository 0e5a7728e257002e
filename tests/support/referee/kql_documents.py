"""Make documents that a KQL query finds, or nearly: from its own fields and values.

    tree + types of the fields ──documents──> documents: some meet the query, some miss it by one comparison

What a document is to meet is chosen at every `or`, what it is to miss at every `and`; then each comparison gets a value
that meets it, or one that is near. Whether that worked is no matter: the referee and our engine are asked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, assert_never

from converter.products.elastic.field_types import WHOLE, ecs_type
from converter.targets.kql.engine import syntax
from converter.targets.kql.engine.fields import Kind, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from random import Random

_MISSES = ("other", "", " ", "é", "0")
_IPS = ("10.0.0.1", "192.168.255.255", "8.8.8.8", "::1", "fe80::1", "2001:db8::ff")
_IPV4 = re.compile(r"(?:\d+\.){3}\d+")
_NUMBERS = (0, 1, -1, 22, 443, 65535, 2**31)
_DATES = ("2026-01-31T12:00:00Z", "2025-12-31T23:59:59.999Z", "1970-01-01T00:00:00Z")


def types_of(trees: Sequence[syntax.Query]) -> dict[str, str]:
    """Return a type for each field that queries name: by its name, else by what they compare it with."""
    values: dict[str, list[tuple[syntax.Value, bool]]] = {}
    for tree in trees:
        for path, value, ranged in _comparisons(tree, ""):
            values.setdefault(path, []).append((value, ranged))
    parents = {path[:at] for path in values for at, char in enumerate(path) if char == "."}
    return {path: _type_of(path, compared) for path, compared in values.items() if path not in parents}


def documents(tree: syntax.Query, types: Mapping[str, str], random: Random, count: int) -> list[dict[str, Any]]:
    """Return documents for a query, of the types given; every second one is to miss it."""
    out = []
    for number in range(count):
        document: dict[str, Any] = {}
        _put(tree, number % 2 == 0, document, types, random, "")
        out.append(document)
    return out


def _put(
    node: syntax.Query,
    wanted: bool,  # noqa: FBT001  a goal, and its negation
    out: dict[str, Any],
    types: Mapping[str, str],
    random: Random,
    at: str,
) -> None:
    match node:
        case syntax.MatchAll():
            pass
        case syntax.Is(syntax.Text(name), value) if at + name in types:
            _add(out, at + name, _value(types[at + name], value, random, meet=wanted), random)
        case syntax.Range(syntax.Text(name), operator, value) if at + name in types:
            _add(out, at + name, _beside(types[at + name], value, (">" in operator) == wanted, random), random)
        case syntax.Is() | syntax.Range():
            pass
        case syntax.Not(query):
            _put(query, not wanted, out, types, random, at)
        case syntax.And(queries) | syntax.Or(queries):
            every = isinstance(node, syntax.And) == wanted
            chosen = random.randrange(len(queries))
            for place, query in enumerate(queries):
                if every or place == chosen or random.randrange(5) == 0:
                    _put(query, wanted if every or place == chosen else not wanted, out, types, random, at)
                elif isinstance(node, syntax.And):
                    _put(query, not wanted, out, types, random, at)
        case syntax.Nested(syntax.Text(name), query):
            inner: dict[str, Any] = {}
            _put(query, wanted, inner, types, random, f"{at}{name}.")
            prefix = f"{at}{name}."
            out.setdefault(f"{at}{name}", []).append(
                {path.removeprefix(prefix): value for path, value in inner.items()}
            )
        case syntax.Nested():
            pass
        case _ as never:
            assert_never(never)


def _add(out: dict[str, Any], path: str, value: Any, random: Random) -> None:
    """Put a value into a field; a second one goes beside the first, or replaces it."""
    if value is None or path not in out:
        out.setdefault(path, value)
    elif random.randrange(2):
        held = out[path] if isinstance(out[path], list) else [out[path]]
        out[path] = [*held, value]
    else:
        out[path] = value


def _value(type_: str, value: syntax.Value, random: Random, *, meet: bool) -> Any:
    """Return a value that meets `field: value`, or is near; None leaves the field out."""
    text: str | None
    match value:
        case syntax.Wildcard() if value.lone:
            return _sample(type_, random) if meet else None
        case syntax.Wildcard(parts):
            text = parts[0]
            for part in parts[1:]:
                text += random.choice(("", "x", "a b", "\\", "é*", "\n")) + part
        case syntax.Constant():
            text = str(value.value).lower()
        case syntax.Text():
            text = value.text
        case _ as never:
            assert_never(never)
    if not meet:
        text = random.choice((text.upper(), text.lower(), text + "x", "x" + text, text[1:], text[:-1], None, *_MISSES))
    return _typed(type_, text, random)


def _typed(type_: str, text: str | None, random: Random) -> Any:
    if text is None:
        return None
    match type_:
        case "boolean":
            return text == "true"
        case "long":
            return int(text) if text.lstrip("-").isdecimal() and text.isascii() else random.choice(_NUMBERS)
        case "double":
            return float(random.choice(_NUMBERS))
        case "ip":
            base = text.partition("/")[0]
            return base if _IPV4.fullmatch(base) and random.randrange(5) else random.choice(_IPS)
        case "date":
            return random.choice(_DATES)
        case _:
            return text


def _beside(type_: str, value: syntax.Value, above: bool, random: Random) -> Any:  # noqa: FBT001  a direction
    """Return a value above or below a bound, or the bound."""
    text = value.text if isinstance(value, syntax.Text) else "0"
    if type_ in {"long", "double"}:
        try:
            bound = float(text)
        except ValueError:
            bound = 0.0
        moved = bound + random.choice((0, 1, 10)) * (1 if above else -1)
        return moved if type_ == "double" else int(moved)
    if type_ in {"keyword", "wildcard"}:
        return random.choice((text, text + "0", text[:-1], "~", ""))
    return _sample(type_, random)


def _sample(type_: str, random: Random) -> Any:
    match type_:
        case "boolean":
            return random.randrange(2) == 0
        case "long":
            return random.choice(_NUMBERS)
        case "double":
            return random.choice(_NUMBERS) + 0.5
        case "ip":
            return random.choice(_IPS)
        case "date":
            return random.choice(_DATES)
        case _:
            return random.choice(("x", "", "a b", "C:\\Windows\\x.exe"))


def _type_of(path: str, compared: Sequence[tuple[syntax.Value, bool]]) -> str:
    kind = kind_of(path)
    named = {
        Kind.IP: "ip",
        Kind.DATE: "date",
        Kind.TEXT: "text",
        Kind.WILDCARD: "wildcard",
        Kind.BOOLEAN: "boolean",
    }
    if kind in named:
        return named[kind]
    if kind is Kind.NUMBER:
        return "long" if ecs_type(path) in WHOLE else "double"
    values = [value for value, _ in compared]
    texts = [value.text for value in values if isinstance(value, syntax.Text)]
    if any(isinstance(value, syntax.Constant) for value in values) and not set(texts) - {"true", "false"}:
        return "boolean"
    if any(ranged for _, ranged in compared) and texts and all(_number(text) for text in texts):
        return "double" if any("." in text for text in texts) else "long"
    return "keyword"


def _number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdecimal()


def _comparisons(node: syntax.Query, at: str) -> Iterator[tuple[str, syntax.Value, bool]]:
    match node:
        case syntax.Is(syntax.Text(name), value):
            yield at + name, value, False
        case syntax.Range(syntax.Text(name), _, value):
            yield at + name, value, True
        case syntax.Not(query):
            yield from _comparisons(query, at)
        case syntax.And(queries) | syntax.Or(queries):
            for query in queries:
                yield from _comparisons(query, at)
        case syntax.Nested(syntax.Text(name), query):
            yield from _comparisons(query, f"{at}{name}.")
        case syntax.MatchAll() | syntax.Is() | syntax.Range() | syntax.Nested():
            pass
        case _ as never:
            assert_never(never)
