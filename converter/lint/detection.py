"""Warn about parts of a detection that are unused, redundant or without effect.

detection ──identifiers, keys, values──> RuleWarning
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.errors import RuleError, RuleWarning, SourceError
from converter.readers.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.plan import nodes as ir
    from converter.readers.yaml_document import Document

Path = tuple[str | int, ...]
# Modifiers after which case matters: encodings have no case to ignore.
_KEEP_CASE = frozenset({"cased", "re", "base64", "base64offset"})


def detection_warnings(document: Document) -> Iterator[RuleWarning]:
    """Yield the warnings about the detection of a rule that has no errors."""
    detection = document.data["detection"]
    identifiers = [name for name in detection if name not in {"condition", "timeframe"}]
    used = _used(detection["condition"], identifiers)
    for name in identifiers:
        if name not in used:
            place = document.place("detection", name, key=True)
            yield RuleWarning(
                f"no condition uses the search identifier {name!r}",
                "unused-identifier",
                place,
                "name it in the condition, or drop it",
            )
        yield from _search(document, ("detection", name), detection[name])


def _used(written: Any, identifiers: list[str]) -> set[str]:
    """Return the search identifiers that the conditions use, by name or by a selector."""
    from converter.plan import nodes as ir  # noqa: PLC0415
    from converter.plan.condition import parse_condition  # noqa: PLC0415  slow to import

    stack: list[ir.Expr] = []
    for condition in written if isinstance(written, list) else [written]:
        try:
            marks: dict[str, ir.Expr] = {name: ir.Exists(name) for name in identifiers}
            stack.append(parse_condition(Source(condition, RuleError), marks))
        except SourceError:  # reported as an error already
            return set(identifiers)
    used: set[str] = set()
    while stack:
        match stack.pop():
            case ir.And(items) | ir.Or(items):
                stack.extend(items)
            case ir.Not(item):
                stack.append(item)
            case ir.Exists(field):
                used.add(field)
            case _:
                pass
    return used


def _search(document: Document, path: Path, definition: Any) -> Iterator[RuleWarning]:
    if isinstance(definition, dict):
        for key, value in definition.items():
            yield from _item(document, (*path, key), key, value)
    elif isinstance(definition, list):
        for index, item in enumerate(definition):
            if isinstance(item, dict | list):
                yield from _search(document, (*path, index), item)
        yield from _twice(document, path, definition, cased=False)


def _item(document: Document, path: Path, key: str, value: Any) -> Iterator[RuleWarning]:
    _, *modifiers = key.split("|")
    values = value if isinstance(value, list) else [value]
    if "all" in modifiers and len(values) == 1:
        yield RuleWarning(
            "`all` has no effect on a single value",
            "all-of-one",
            document.place(*path[:-1], key, key=True),
            "drop `|all`, or give it more values",
        )
    for index, item in enumerate(values):
        if isinstance(item, str):
            where = document.place(*path, index) if isinstance(value, list) else document.place(*path)
            message, hint = _useless_regex(item) if "re" in modifiers else _useless_wildcard(item, modifiers)
            if message:
                yield RuleWarning(message, "useless-wildcard", where, hint)
    if isinstance(value, list):
        yield from _twice(document, path, value, cased=bool(_KEEP_CASE & set(modifiers)))


def _useless_wildcard(value: str, modifiers: list[str]) -> tuple[str, str]:
    """Return a message and a hint if a wildcard has no effect beside the modifier, else empty strings."""
    if len(value) < 2 or {"fieldref", "cidr", "expand"} & set(modifiers):  # noqa: PLR2004  `*` alone tests for presence
        return "", ""
    begins = value.startswith("*") and ("contains" in modifiers or "endswith" in modifiers)
    backslashes = len(value) - 1 - len(value[:-1].rstrip("\\"))
    ends = value.endswith("*") and not backslashes % 2 and ("contains" in modifiers or "startswith" in modifiers)
    if not begins and not ends:
        return "", ""
    modifier = next(name for name in ("contains", "startswith", "endswith") if name in modifiers)
    plain = (value[1:] if begins else value).removesuffix("*") if ends else value[1:]
    return f"this wildcard has no effect with {modifier}", f"write '{plain}'" if plain else "use `exists`"


def _useless_regex(value: str) -> tuple[str, str]:
    if value in {".*", "^.*", ".*$", "^.*$"}:
        return "this matches every value", "use `exists`"
    if value.startswith(".*") and value[2:3] not in {"?", "+"}:
        return "a regular expression may match anywhere, so `.*` at its beginning has no effect", f"write '{value[2:]}'"
    if value.endswith(".*") and not (len(value) - 2 - len(value[:-2].rstrip("\\"))) % 2:
        return "a regular expression may match anywhere, so `.*` at its end has no effect", f"write '{value[:-2]}'"
    return "", ""


def _twice(document: Document, path: Path, values: list[Any], *, cased: bool) -> Iterator[RuleWarning]:
    """Yield a warning for each value that equals an earlier one in the list, as Sigma compares values."""
    seen: dict[tuple[type, Any], Any] = {}
    for index, value in enumerate(values):
        if isinstance(value, dict | list):
            continue
        same = (type(value), value.lower() if isinstance(value, str) and not cased else value)
        if same in seen:
            hint = "drop one" if seen[same] == value else f"{seen[same]!r} is the same: values ignore case"
            yield RuleWarning(
                f"{value!r} appears twice in this list", "duplicate-value", document.place(*path, index), hint
            )
        seen.setdefault(same, value)
