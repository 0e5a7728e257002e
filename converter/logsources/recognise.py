"""Recognise the shape of an event: ask each recogniser whose key the event has.

    formats/*.py: RECOGNISERS ──by order──> recognise(event) ──> Shape, or None

Most events are of a shape with a key that hardly any other log has, so the first look costs a lookup or two.
"""

from __future__ import annotations

import importlib
from functools import cache
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from converter.logsources import formats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.logsources.formats.event_format import Recognise, Recogniser, Shape


@cache
def recognisers() -> tuple[tuple[str, Recognise], ...]:
    """Return the key and the function of each recogniser in `formats`, in the order in which they are asked."""
    modules = [importlib.import_module(f"{formats.__name__}.{found.name}") for found in iter_modules(formats.__path__)]
    every: list[Recogniser] = [item for module in modules for item in getattr(module, "RECOGNISERS", ())]
    return tuple((item.key, item.recognise) for item in sorted(every, key=lambda item: item.order))


def recognise(event: Mapping[str, Any]) -> Shape | None:
    """Return the shape of an event, or None if it is not known."""
    for key, recogniser in recognisers():
        if key in event:
            shape = recogniser(event)
            if shape is not None:
                return shape
    return None
