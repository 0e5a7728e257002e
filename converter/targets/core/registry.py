"""List the targets: those of the entry points, and pySigma's backends as `pysigma:<backend>`."""

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
    targets: dict[str, Target] = {point.name: point.load() for point in entry_points(group=GROUP)}
    targets = dict(sorted(targets.items()))
    targets.update(upstream_targets())
    return targets


def get_target(name: str) -> Target:
    """Return a target.

    Raises:
        ConfigurationError: there is no target of that name; with a suggestion.
    """
    targets = list_targets()
    if name not in targets:
        hint = suggest(name, targets) or f"known: {', '.join(targets)}"
        raise ConfigurationError(f"there is no target {name!r}", hint=hint)
    return targets[name]
