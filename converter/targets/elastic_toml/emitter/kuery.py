r"""What Kibana takes in KQL and detection-rules, whose parser reads each rule file, does not.

    condition ──its patterns──> nothing, or a RefusedError

The parser of detection-rules knows no `\uXXXX`, which Kibana needs where an operator is a word of a pattern, and reads
some of the patterns with blanks only. Source: NOTES.md, "The KQL of detection-rules".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from converter.plan import nodes as ir
from converter.targets.core.emission import refused
from converter.targets.kql.emitter.emit import wildcards

if TYPE_CHECKING:
    from converter.errors import Place

_CODE = re.compile(r"(?<!\\)(?:\\\\)*\\u")
_OPERATOR = re.compile(r"(?:and|or|not)\b", re.IGNORECASE)


def check_patterns(expr: ir.Expr) -> None:
    """Refuse a pattern that detection-rules would not read in a rule file.

    Raises:
        RefusedError: with its place in the rule.
    """
    for leaf in ir.leaves_of(expr):
        if isinstance(leaf, ir.StringMatch) and leaf.pattern.literal is None:
            _check_pattern(wildcards(leaf.pattern, leaf.place), leaf.place)


def _check_pattern(text: str, place: Place | None) -> None:
    if not _is_read(text):
        raise refused(
            f"the KQL parser of detection-rules does not read the pattern {text}",
            "pattern beyond detection-rules",
            place,
            "convert with -O rule_type=eql",
        )


def _is_read(text: str) -> bool:
    """Return whether the parser reads a pattern as one value; `text` is as KQL has it, escapes included."""
    if _CODE.search(text):
        return False
    first, *others = text.split(" ")
    words = [word for word in others if word]
    if not words:
        return True
    if "'" in text or any(map(_OPERATOR.match, words)):
        return False
    if first.startswith("*"):
        return True
    if _OPERATOR.match(first):
        return False
    inside = "*" in first or "*" in words[0][:-1]
    if text.endswith("*"):
        return words[-1] != "*" and not (inside and len(words) > 1)
    return inside
