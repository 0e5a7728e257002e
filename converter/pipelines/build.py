"""Build pySigma's pipelines of files that have been checked.

Document ──each item──> pySigma's item; templates become steps of ours, patterns get a time limit ──> ProcessingPipeline
"""

from __future__ import annotations

import copy
import hashlib
import importlib
import inspect
from typing import TYPE_CHECKING, Any

from converter.errors import ConfigurationError
from converter.pipelines.check import parse, template_text
from converter.pipelines.regexes import with_time_limits
from converter.readers.schema import value_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sigma.processing.finalization import Finalizer
    from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline, QueryPostprocessingItem

    from converter.readers.schema import KeyPath
    from converter.readers.yaml_document import Document

_IDENTIFIER = 16


def build_pipeline(document: Document, *, trusted: bool) -> ProcessingPipeline:
    """Return the pipeline of a file without errors.

    Raises:
        ConfigurationError: pySigma does not accept an item; with the item's place.
    """
    from sigma.processing.pipeline import ProcessingPipeline  # noqa: PLC0415  slow to import

    builder = _Builder(document, trusted=trusted)
    data = document.data
    built = {
        section: [build((section, index)) for index in range(len(data.get(section, ())))]
        for section, build in (
            ("transformations", builder.transformation),
            ("postprocessing", builder.postprocessing),
            ("finalizers", builder.finalizer),
        )
    }
    given: Any = built
    return ProcessingPipeline(
        given["transformations"],
        given["postprocessing"],
        given["finalizers"],
        copy.deepcopy(data.get("vars", {})),
        data.get("priority", 0),
        data.get("name"),
        frozenset(data.get("allowed_backends", ())),
    )


class _Builder:
    def __init__(self, document: Document, *, trusted: bool) -> None:
        self._document = document
        self._trusted = trusted

    def transformation(self, path: KeyPath) -> ProcessingItem:
        from sigma.processing.pipeline import ProcessingItem  # noqa: PLC0415  slow to import

        data = self._data(path)
        if data["type"] == "nest":
            data["items"] = [self.transformation((*path, "items", index)) for index in range(len(data["items"]))]
            data.setdefault("id", _identifier(path))
        item: ProcessingItem = self._made(
            path, lambda: ProcessingItem.from_dict(data, **self._allowed("allow_external_sources"))
        )
        self._limit(item)
        return item

    def postprocessing(self, path: KeyPath) -> QueryPostprocessingItem:
        from sigma.processing.pipeline import QueryPostprocessingItem  # noqa: PLC0415  slow to import

        data = self._data(path)
        own = None
        if data["type"] == "nest":
            data["items"] = [self.postprocessing((*path, "items", index)) for index in range(len(data["items"]))]
            data.setdefault("id", _identifier(path))
        elif not self._trusted and data["type"] in {"template", "simple_template"}:
            own = self._template(path)
            # An item with the same conditions; its transformation is ours.
            for name in ("template", "path", "autoescape", "vars"):
                data.pop(name, None)
            data["type"] = "embed"
            data.setdefault("id", _identifier(path))
        item: QueryPostprocessingItem = self._made(
            path, lambda: QueryPostprocessingItem.from_dict(data, **self._allowed("allow_template_vars"))
        )
        if own is not None:
            own.set_processing_item(item)
            item.transformation = own
        self._limit(item)
        return item

    def finalizer(self, path: KeyPath) -> Finalizer:
        from sigma.processing.finalization import NestedFinalizer, finalizers  # noqa: PLC0415  slow to import

        from converter.pipelines.steps import OutputTemplate  # noqa: PLC0415

        data = self._data(path)
        kind = data.pop("type")
        if kind == "nested":
            inner = [self.finalizer((*path, "finalizers", index)) for index in range(len(data["finalizers"]))]
            return NestedFinalizer(finalizers=inner)
        if kind == "template" and not self._trusted:
            return OutputTemplate(*self._parsed(path))
        if kind == "template":
            data.update(self._allowed("allow_template_vars"))
        made: Finalizer = self._made(path, lambda: finalizers[kind].from_dict(data))
        return made

    def _data(self, path: KeyPath) -> dict[str, Any]:
        return copy.deepcopy(dict(value_at(self._document, path)))

    def _template(self, path: KeyPath) -> Any:
        from converter.pipelines.steps import QueryTemplate  # noqa: PLC0415  slow to import

        return QueryTemplate(*self._parsed(path))

    def _parsed(self, path: KeyPath) -> tuple[Any, ...]:
        source = template_text(self._document, path)
        return source.text, parse(source.text, value_at(self._document, path)), source.locate

    def _allowed(self, name: str) -> Mapping[str, Any]:
        """Return the arguments with which pySigma lets a trusted pipeline run code and read files."""
        if not self._trusted:
            return {}
        if not takes_policy():
            return {name: True}
        policy: Any = importlib.import_module("sigma.policy")  # pySigma 2 has it
        return {"policy": policy.SigmaPolicy(allow_template_vars=True, allow_external_sources=True)}

    def _made(self, path: KeyPath, make: Any) -> Any:
        try:
            return make()
        except Exception as error:  # noqa: BLE001  pySigma raises anything
            message = (str(error) or type(error).__name__).removeprefix("Error in transformation: ")
            place = self._document.place(*path)
            raise ConfigurationError(f"not a valid item of {path[0]}: {message}", place) from None

    def _limit(self, item: Any) -> None:
        if not self._trusted:
            for step in _steps(item):
                with_time_limits(step)


def takes_policy() -> bool:
    """Return whether pySigma takes a policy, as 2.0 does, rather than a flag for each thing that it guards."""
    from sigma.processing.pipeline import ProcessingItem  # noqa: PLC0415  slow to import

    return "policy" in inspect.signature(ProcessingItem.from_dict).parameters


def _steps(item: Any) -> Iterator[Any]:
    yield item.transformation
    for name in ("rule_conditions", "detection_item_conditions", "field_name_conditions"):
        conditions = getattr(item, name, ())
        yield from conditions.values() if isinstance(conditions, dict) else conditions


def _identifier(path: KeyPath) -> str:
    """Return an id as pySigma makes one up for an item without one."""
    return hashlib.sha256(repr(path).encode()).hexdigest()[:_IDENTIFIER]
