"""Name only targets that convert a rule in the hint of a refusal.

    "convert to esql or splunk" ──each target is asked──> "convert to splunk", or nothing

An emitter names the languages that have the construct; whether they have all else of the rule, only they know.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from converter.targets.core.registry import list_targets
from converter.targets.core.target import FOREIGN

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = r"[a-z][a-z_-]*"
_NAMES = re.compile(rf"\bconvert to (?P<names>{_NAME}(?:(?:, (?!and |or )| or ){_NAME})*)")
_JOINT = re.compile(r"(?:, or|; or|,|;)? *$")


def revised(hint: str, refusing: str, converts: Callable[[str], bool]) -> str:
    """Return a hint whose targets convert the rule; without the advice if none of our own does.

    Args:
        hint: of a refusal.
        refusing: the target that refuses the rule.
        converts: whether a target converts the rule.
    """
    match = _NAMES.search(hint)
    known = [name for name in list_targets() if not name.startswith(FOREIGN) and name != refusing]
    if match is None or not any(name in known for name in re.split(", | or ", match["names"])):
        return hint
    named = [name for name in re.split(", | or ", match["names"]) if name in known]
    fitting = list(filter(converts, named)) or [name for name in known if name not in named and converts(name)]
    if not fitting:
        return _JOINT.sub("", hint[: match.start()])
    *others, last = fitting
    names = f"{', '.join(others)} or {last}" if others else last
    return f"{hint[: match.start('names')]}{names}{hint[match.end() :]}"
