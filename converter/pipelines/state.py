"""Which keys of a pipeline's state are read: by an emitter, a condition of the pipeline, or one of its templates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sigma.processing.pipeline import ProcessingPipeline

_CONDITIONS = ("rule_conditions", "detection_item_conditions", "field_name_conditions")


class ReadState(Mapping[str, Any]):
    """A pipeline's state that notes which keys are looked up."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self._state = dict(state)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        return self._state[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._state)

    def __len__(self) -> int:
        return len(self._state)


def read_by_pipeline(pipeline: ProcessingPipeline, keys: Iterable[str]) -> set[str]:
    """Return those of the keys that a condition of a pipeline asks for, or that a template names."""
    asked: set[str] = set()
    templates: list[str] = []
    _collect(pipeline, asked, templates)
    return {key for key in keys if key in asked or any(key in template for template in templates)}


def _collect(pipeline: Any, asked: set[str], templates: list[str]) -> None:
    for item in (*pipeline.items, *pipeline.postprocessing_items, *pipeline.finalizers):
        for attribute in _CONDITIONS:
            conditions = getattr(item, attribute, ())
            listed = conditions.values() if isinstance(conditions, dict) else conditions
            asked.update(str(condition.key) for condition in listed if hasattr(condition, "key"))
        step = getattr(item, "transformation", item)
        templates.append(str(getattr(step, "template", "")))
        nested = getattr(step, "_nested_pipeline", None)
        if nested is not None:
            _collect(nested, asked, templates)
