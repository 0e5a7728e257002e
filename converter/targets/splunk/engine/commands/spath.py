"""`spath`: fields from JSON text.

    path a.b{}.c ──once──> steps ──each text──> values

Leaves become text; a path that ends at an object or array gives its JSON text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from converter.targets.splunk.engine.language.expression_code import error_at
from converter.targets.splunk.engine.language.values import leaves, put, text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from converter.targets.splunk.engine.language.syntax import Spath
    from converter.targets.splunk.engine.language.values import Row

Stage: TypeAlias = "Callable[[Iterable[Row]], Iterable[Row]]"

_STEP = re.compile(r"([^{}]+)((?:\{\})*)")


def spath(command: Spath, text: str) -> Stage:
    """Return the stage of `spath`.

    Raises:
        QueryError: the path holds what this engine does not know, such as the number of an element.
    """
    read = _all_leaves if command.path is None else _one_path(command, text)

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            for value in values_of(row.get(command.source)):
                try:
                    document = orjson.loads(text_of(value))
                except orjson.JSONDecodeError:
                    continue
                for name, found in read(document).items():
                    put(row, name, found)
            yield row

    return run


def _all_leaves(document: Any) -> dict[str, Any]:
    return leaves(document)


def _one_path(command: Spath, text: str) -> Callable[[Any], dict[str, Any]]:
    path = command.path or ""
    steps: list[tuple[str, int]] = []
    for part in path.split("."):
        match = _STEP.fullmatch(part)
        if match is None:
            raise error_at(text, command.span, f"the path {path!r} is not supported", "a path is a.b{}.c")
        steps.append((match.group(1), len(match.group(2)) // 2))
    target = command.output or path

    def read(document: Any) -> dict[str, Any]:
        found = _follow(document, steps)
        return {target: [_shown(value) for value in found]} if found else {}

    return read


def _follow(document: Any, steps: list[tuple[str, int]]) -> list[Any]:
    values = [document]
    for name, levels in steps:
        values = [value[name] for value in values if isinstance(value, dict) and name in value]
        for _ in range(levels):
            values = [item for value in values if isinstance(value, list) for item in value]
    return [value for value in values if value is not None]


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return orjson.dumps(value).decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    return text_of(value)
