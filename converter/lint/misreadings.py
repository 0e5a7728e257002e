"""Warn about values that YAML or Sigma reads as something other than what the author most probably meant.

    document ──scalars below detection, correlation, filter──> RuleWarning: what is read, and what to write

These warnings are told by every verb, not just by `check`: the rule converts, and may match nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from converter.errors import RuleWarning
from converter.readers.invisible import INVISIBLE, escape_of, name_of
from converter.readers.yaml_errors import single_quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    import yaml

    from converter.readers.yaml_document import Document

_SECTIONS = ("logsource", "detection", "correlation", "filter")
_ESCAPES = {
    "a": "a bell character",
    "b": "a backspace",
    "e": "an escape character",
    "f": "a form feed",
    "n": "a line break",
    "r": "a carriage return",
    "t": "a tab",
    "v": "a vertical tab",
    "N": "a next-line character",
    "_": "a no-break space",
    "L": "a line separator",
    "P": "a paragraph separator",
}
# Any escape, so that `\\\\` is one; the groups are those that begin a word of a path more often than they are meant.
_ESCAPE = re.compile(r"\\(?:(?P<rare>[abefvNLP_])(?=\w)|(?P<common>[nrt])(?=\w\w)|.)", re.DOTALL)


def misreadings(document: Document) -> Iterator[RuleWarning]:
    """Yield the warnings about the scalars of a rule without errors."""
    for section in _SECTIONS:
        for differs, place in document.ambiguous(section):
            yield RuleWarning(differs.message, "yaml-versions", place, differs.hint)
        for node in document.scalars(section):
            yield from _invisible(document, node)
            if node.style == '"':
                yield from _escaped(document, node)


def _invisible(document: Document, node: yaml.ScalarNode) -> Iterator[RuleWarning]:
    """Yield a warning about the first invisible character in a string that has visible ones as well.

    A string of such characters alone is meant; so is one that is written as an escape.
    """
    match = INVISIBLE.search(document.written(node))
    if match is None or not INVISIBLE.sub("", str(node.value)).strip():
        return
    hint = f'remove it, or write a space; if it is meant, write "{escape_of(match[0])}" in double quotes'
    place = document.place_at(node.start_mark.index + match.start())
    yield RuleWarning(f"this string contains {name_of(match[0])}", "invisible-character", place, hint)


def _escaped(document: Document, node: yaml.ScalarNode) -> Iterator[RuleWarning]:
    """Yield a warning about the first escape that stands where a path has a backslash."""
    written = document.written(node)
    for match in _ESCAPE.finditer(written):
        letter = match["rare"] or match["common"]
        if letter is None:
            continue
        offset = node.start_mark.index + match.start()
        yield RuleWarning(
            f"in double quotes, `\\{letter}` is {_ESCAPES[letter]}",
            "double-quotes",
            document.place_at(offset, 2),
            f"if the backslash is meant, use single quotes: {single_quoted(written[1:-1])}",
        )
        return
