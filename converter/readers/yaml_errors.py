"""Show the errors of PyYAML: their place in the text, and a hint where a usual mistake explains them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from converter.errors import Place
from converter.readers.invisible import INVISIBLE, name_of

if TYPE_CHECKING:
    import yaml

    from converter.errors import SourceError

_FOREIGN_TAG = re.compile(r"could not determine a constructor for the tag (.*)")
_ODD_BREAK = re.compile("[\x85\u2028\u2029]|\r(?!\n)")
_INDICATORS = "%@`*&!"
# A double-quoted scalar of one line; after `\\"` it goes on, unless what follows can only follow a scalar.
_DOUBLE_QUOTED = re.compile(r'"((?:[^"\\\r\n]|\\[^"\r\n]|\\"(?!\s*(?:$|[,\]}#]))|\\(?="))*)', re.MULTILINE)


def place_of_mark(text: str, mark: Any, name: str, length: int = 1) -> Place:
    """Return the place of one of PyYAML's marks, whose lines also end where only YAML 1.1 ends them."""
    if _has_odd_breaks(text):
        return Place.at_offset(text, mark.index, name, max(1, length))
    return Place.at_line(text, mark.line + 1, mark.column + 1, name, max(1, length))


@lru_cache(maxsize=4)
def _has_odd_breaks(text: str) -> bool:
    return _ODD_BREAK.search(text) is not None


def _invisible_before(text: str, mark: Any) -> str:
    """Return an invisible character in the line of a mark, or in the line before."""
    if mark is None:
        return ""
    begin = text.rfind("\n", 0, max(0, text.rfind("\n", 0, mark.index))) + 1
    match = INVISIBLE.search(text[begin : mark.index + 1])
    return match[0] if match else ""


def _double_quoted(caught: yaml.YAMLError, text: str) -> str:
    """Return the double-quoted scalar of an error, in single quotes, if a backslash may be the reason."""
    opening = getattr(caught, "context_mark", None)
    match = _DOUBLE_QUOTED.match(text, opening.index) if opening is not None else None
    return single_quoted(match[1]) if match is not None and "\\" in match[1] else ""


def single_quoted(inner: str) -> str:
    """Return what stands between double quotes as a scalar in single quotes, with its backslashes as they are."""
    return "'{}'".format(inner.replace("\\\\", "\\").replace('\\"', '"').replace("'", "''"))


def yaml_error(caught: yaml.YAMLError, text: str, name: str, error: type[SourceError]) -> SourceError:
    """Return PyYAML's error about a text as an error of the class `error`."""
    problem = getattr(caught, "problem", None) or getattr(caught, "reason", None) or str(caught).split("\n", 1)[0]
    context = getattr(caught, "context", None)
    mark = getattr(caught, "problem_mark", None) or getattr(caught, "context_mark", None)
    if "end of stream" in str(problem):  # where it began says more than where the file ends
        mark = getattr(caught, "context_mark", None) or mark
    message = f"not valid YAML: {problem}" + (f" ({context})" if context else "")
    hint = ""
    if foreign := _FOREIGN_TAG.fullmatch(str(problem)):
        message, hint = f"the tag {foreign[1]} is not supported", "write a plain value"
    if mark is not None:
        place = place_of_mark(text, mark, name)
    else:
        place = Place.at_offset(text, int(getattr(caught, "position", 0)), name)
    if place.source_line.lstrip(" ").startswith("\t"):
        hint = "a tab cannot indent; use spaces"
    elif not foreign:
        hint = _hint(caught, str(problem), text, mark)
    return error(message, place, hint)


def _hint(caught: yaml.YAMLError, problem: str, text: str, mark: Any) -> str:
    if invisible := _invisible_before(text, mark):
        return f"before this stands {name_of(invisible)}; write a space"
    if "mapping values are not allowed" in problem:
        return "put quotes around a value that contains `: `"
    if quoted := _double_quoted(caught, text):
        return f"in double quotes a backslash begins an escape; use single quotes: {quoted}"
    sign = text[mark.index : mark.index + 1] if mark is not None else ""
    return f"put quotes around a value that begins with {sign}" if sign and sign in _INDICATORS else ""
