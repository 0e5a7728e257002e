"""Read a processing pipeline of pySigma from a YAML file.

file ──parse_documents──> data with positions ──pySigma──> ProcessingPipeline
└── what pySigma rejects ──> the item or key that is wrong, with its place
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from converter.errors import ConfigurationError
from converter.readers.schema import ANYTHING, MAPPING, STRING, Keys, Scalar, check, errors, list_of, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sigma.processing.pipeline import ProcessingPipeline

    from converter.errors import Place, SourceError
    from converter.readers.schema import Shape
    from converter.readers.yaml_document import Document

_SECTIONS = ("transformations", "postprocessing", "finalizers")
_HINT = f"keys: {', '.join(_SECTIONS)}"
# pySigma takes anything here and stumbles over it later.
_PLAIN: Mapping[str, Shape] = {
    "name": STRING,
    "priority": Scalar("a whole number", lambda value: type(value) is int),
    "vars": MAPPING,
    "allowed_backends": list_of(ANYTHING, "names"),
}
_ITEMS = list_of(ANYTHING, "items", hint="begin each item with a hyphen")
_KNOWN: Mapping[str, Shape] = {**dict.fromkeys(_SECTIONS, _ITEMS), **_PLAIN}
_MISSING_ARGUMENT = re.compile(
    r"(?:Error in transformation: )?\w+\.__init__\(\) missing \d+ required positional arguments?: "
)
# pySigma raises errors of its own (ValueErrors), and plain ones where an item has the wrong shape.
_PIPELINE_ERRORS = (ValueError, TypeError, KeyError, AttributeError, IndexError)


def load_pipeline(path: Path) -> ProcessingPipeline:
    """Read a pipeline from a YAML file.

    Raises:
        ConfigurationError: the file cannot be read, is not YAML, or is no pipeline; with a place where there is one.
    """
    from sigma.processing.pipeline import ProcessingPipeline  # noqa: PLC0415  slow to import

    from converter.readers.yaml_document import parse_documents  # noqa: PLC0415  YAML is slow to import

    try:
        raw = path.read_bytes()
    except OSError as bad:
        raise ConfigurationError(f"cannot read the pipeline {path}: {bad.strerror or bad}") from None
    documents = parse_documents(raw, str(path), ConfigurationError)
    if len(documents) != 1:
        raise ConfigurationError(
            f"{path} has {len(documents)} YAML documents", None, "a pipeline is one document: name, priority, ..."
        )
    (document,) = documents
    check(document, Keys(_PLAIN, others=True, nulls=True, hint=_HINT))
    try:
        if not any(_is_nest(item) for item in document.data.get("postprocessing") or ()):
            return ProcessingPipeline.from_yaml(document.text, source_path=str(path))
        return ProcessingPipeline.from_dict(_with_nested(document.data, path))
    except _PIPELINE_ERRORS as bad:
        raise _blame(document, bad) from None


def _is_nest(item: object) -> bool:
    return isinstance(item, dict) and item.get("type") == "nest"


def _with_nested(data: Mapping[str, Any], path: Path | None = None) -> dict[str, Any]:
    """Return a pipeline's data with the items inside `nest` built: pySigma 1.5 does not build them, and then fails."""
    from sigma.processing.pipeline import QueryPostprocessingItem  # noqa: PLC0415  slow to import

    folder = (str(path.resolve().parent),) if path is not None else None

    def built(item: Any) -> Any:
        if not _is_nest(item) or not isinstance(item.get("items"), list):
            return item
        inner = [QueryPostprocessingItem.from_dict(built(one), vars_allowed_paths=folder) for one in item["items"]]
        return {**item, "items": inner}

    copied = copy.deepcopy(dict(data))
    copied["postprocessing"] = [built(item) for item in copied.get("postprocessing") or ()]
    return copied


def _blame(document: Document, bad: Exception) -> SourceError:
    """Return the error with the place of the first item that cannot be built alone, or of the key that is unknown."""
    from sigma.processing.pipeline import ProcessingPipeline  # noqa: PLC0415  slow to import

    if error := next(errors(document, Keys(_KNOWN, nulls=True)), None):
        return error
    for section in _SECTIONS:
        for index, item in enumerate(document.data.get(section) or ()):
            try:
                ProcessingPipeline.from_dict(_with_nested({section: [item]}))
            except _PIPELINE_ERRORS as alone:
                place, hint = _place_of_item(document, section, index, item)
                return ConfigurationError(f"not a valid item of {section}: {_reason(alone)}", place, hint)
    return ConfigurationError(f"not a valid pipeline: {_reason(bad)}", document.place())


def _place_of_item(document: Document, section: str, index: int, item: object) -> tuple[Place, str]:
    """Return the place of an item, and a suggestion where its type is unknown."""
    if not isinstance(item, dict):
        return document.place(section, index), "an item is a mapping with a type"
    if section == "transformations" and "type" in item:
        from sigma.processing.transformations import transformations  # noqa: PLC0415  slow to import

        if item["type"] not in transformations:
            return document.place(section, index, "type"), unknown(item["type"], sorted(transformations))
    return document.place(section, index), ""


def _reason(bad: Exception) -> str:
    if isinstance(bad, KeyError):
        return f"{bad} is missing"
    text = (str(bad) or type(bad).__name__).removeprefix("Error in processing rule 1: ")
    return _MISSING_ARGUMENT.sub("missing: ", text)
