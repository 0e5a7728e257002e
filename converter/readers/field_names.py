"""What may stand in the name of a field in a rule: spaces, which the taxonomy strips, and array selectors."""

from __future__ import annotations

import re

ARRAY_SELECTOR = re.compile(r"(?<!\\)\[(any|all|all_or_empty|none|\*|-?\d+)?\]")
"""A selector of SEP-212, a proposal for a later version of Sigma; the backslash makes brackets part of the name."""


def without_spaces(name: str) -> str:
    """Return a field's name as Sigma's taxonomy has it: `New Value` is `NewValue`."""
    return name.replace(" ", "")
