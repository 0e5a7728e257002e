"""The targets there are: those of the entry points, and the backends of pySigma under `pysigma:<backend>`."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from converter.errors import ConfigurationError, suggest
from converter.targets.core.pysigma import upstream_targets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.targets.core.target import Target

GROUP = "converter.targets"


@cache
def list_targets() -> Mapping[str, Target]:
    """Return every target by name."""
    found: dict[str, Target] = {point.name: point.load() for point in entry_points(group=GROUP)}
    found = dict(sorted(found.items()))
    found.update(upstream_targets())
    return found


def get_target(name: str) -> Target:
    """Return a target.

    Raises:
        ConfigurationError: there is none of that name; with a suggestion.
    """
    targets = list_targets()
    if name not in targets:
        hint = suggest(name, targets) or f"known: {', '.join(targets)}"
        raise ConfigurationError(f"there is no target {name!r}", hint=hint)
    return targets[name]
