"""Which lines of ours an input is the first to reach, so that such inputs are changed further.

    a line runs for the first time in this process ──sys.monitoring──> `new_lines`

Each line is reported once and then left alone, which costs next to nothing. Python has this since 3.12; before, inputs
are told apart by their messages only.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType

_TOOL = 4  # a number that no tool of Python's has
_lines: set[str] = set()


def start() -> None:
    """Begin, in the process that runs inputs."""
    monitoring: Any = getattr(sys, "monitoring", None)
    if monitoring is None or monitoring.get_tool(_TOOL) is not None:
        return

    def reach(code: CodeType, line: int) -> object:
        _, ours, name = code.co_filename.rpartition("/converter/")
        if ours:
            _lines.add(f"{name}:{line}")
        return monitoring.DISABLE

    monitoring.use_tool_id(_TOOL, "fuzz")
    monitoring.register_callback(_TOOL, monitoring.events.LINE, reach)
    monitoring.set_events(_TOOL, monitoring.events.LINE)


def new_lines() -> frozenset[str]:
    """Return the lines that were reached for the first time since the last call."""
    lines = frozenset(_lines)
    _lines.clear()
    return lines
