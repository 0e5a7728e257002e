"""Recognise the format of an event: ask, in order, each recogniser whose key the event has.

    formats/*.py: RECOGNISERS ──by order──> recognise(event) ──> EventFormat, or None

Most formats have a key that hardly any other log has, so recognising an event costs a lookup or two.
"""

from __future__ import annotations

import importlib
from functools import cache
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from converter.logsources import formats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.logsources.formats.event_format import EventFormat, Recognise, Recogniser


@cache
def recognisers() -> tuple[tuple[str, Recognise], ...]:
    """Return the key and the function of each recogniser in `formats`, in the order in which they are asked."""
    modules = [
        importlib.import_module(f"{formats.__name__}.{module_info.name}")
        for module_info in iter_modules(formats.__path__)
    ]
    every: list[Recogniser] = [item for module in modules for item in getattr(module, "RECOGNISERS", ())]
    return tuple((item.key, item.recognise) for item in sorted(every, key=lambda item: item.order))


def recognise(event: Mapping[str, Any]) -> EventFormat | None:
    """Return the format of an event, or None if it is unknown."""
    for key, recogniser in recognisers():
        if key in event:
            event_format = recogniser(event)
            if event_format is not None:
                return event_format
    return None
