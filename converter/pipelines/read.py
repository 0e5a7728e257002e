"""Read pySigma's processing pipelines from YAML files.

file ──parse_documents──> data with positions ──pySigma──> ProcessingPipeline
└── rejected by pySigma ──> error with the place of the item or key
"""

from __future__ import annotations

import copy
import inspect
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
# pySigma accepts anything here, and fails later.
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
# pySigma raises its own errors (which are ValueErrors), and others if an item has the wrong structure.
_PIPELINE_ERRORS = (ValueError, TypeError, KeyError, AttributeError, IndexError)


def load_pipeline(path: Path) -> ProcessingPipeline:
    """Read a pipeline from a YAML file.

    Raises:
        ConfigurationError: the file cannot be read, is not YAML, or is not a pipeline; with its place, if it has one.
    """
    from sigma.processing.pipeline import ProcessingPipeline  # noqa: PLC0415  slow to import

    from converter.readers.yaml_document import parse_documents  # noqa: PLC0415  YAML is slow to import

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read the pipeline {path}: {error.strerror or error}") from None
    documents = parse_documents(raw, str(path), ConfigurationError)
    if len(documents) != 1:
        raise ConfigurationError(
            f"{path} has {len(documents)} YAML documents", None, "a pipeline is one document: name, priority, ..."
        )
    (document,) = documents
    check(document, Keys(_PLAIN, others=True, nulls=True, hint=_HINT))
    _refuse_functions(document)
    try:
        if not _leaves_nested() or not any(map(_is_nest, document.data.get("postprocessing") or ())):
            return ProcessingPipeline.from_yaml(document.text, source_path=str(path))
        return ProcessingPipeline.from_dict(_with_nested(document.data, path))
    except _PIPELINE_ERRORS as error:
        raise _blame(document, error) from None


def _refuse_functions(document: Document) -> None:
    """Raise for an item that needs a function: pySigma takes its name for the function, and fails at the first rule."""
    for index, item in enumerate(document.data.get("transformations") or ()):
        if isinstance(item, dict) and item.get("type") == "field_name_transform":
            raise ConfigurationError(
                "field_name_transform needs a function of Python, which a file cannot hold",
                document.place("transformations", index),
                "write a field_name_mapping, a field_name_prefix or a field_name_suffix",
            )


def _leaves_nested() -> bool:
    """Return whether this pySigma leaves items inside `nest` as data: 1.5 does, and then fails; 2.0 builds them."""
    from sigma.processing.pipeline import QueryPostprocessingItem  # noqa: PLC0415  slow to import

    return "vars_allowed_paths" in inspect.signature(QueryPostprocessingItem.from_dict).parameters


def _is_nest(item: object) -> bool:
    return isinstance(item, dict) and item.get("type") == "nest"


def _with_nested(data: Mapping[str, Any], path: Path | None = None) -> dict[str, Any]:
    """Return a copy of a pipeline's data, in which the items inside `nest` are built if pySigma does not build them."""
    from sigma.processing.pipeline import QueryPostprocessingItem  # noqa: PLC0415  slow to import

    if not _leaves_nested():
        return copy.deepcopy(dict(data))
    folder = (str(path.resolve().parent),) if path is not None else None

    def built(item: Any) -> Any:
        if not _is_nest(item) or not isinstance(item.get("items"), list):
            return item
        inner = [
            QueryPostprocessingItem.from_dict(built(inner_item), vars_allowed_paths=folder)
            for inner_item in item["items"]
        ]
        return {**item, "items": inner}

    copied = copy.deepcopy(dict(data))
    copied["postprocessing"] = [built(item) for item in copied.get("postprocessing") or ()]
    return copied


def _blame(document: Document, error: Exception) -> SourceError:
    """Return the error, placed at the unknown key or at the first item that cannot be built on its own."""
    from sigma.processing.pipeline import ProcessingPipeline  # noqa: PLC0415  slow to import

    if unknown := next(errors(document, Keys(_KNOWN, nulls=True)), None):
        return unknown
    for section in _SECTIONS:
        for index, item in enumerate(document.data.get(section) or ()):
            try:
                ProcessingPipeline.from_dict(_with_nested({section: [item]}))
            except _PIPELINE_ERRORS as alone:
                place, hint = _place_of_item(document, section, index, item)
                return ConfigurationError(f"not a valid item of {section}: {_reason(alone)}", place, hint)
    return ConfigurationError(f"not a valid pipeline: {_reason(error)}", document.place())


def _place_of_item(document: Document, section: str, index: int, item: object) -> tuple[Place, str]:
    """Return the place of an item, and a hint if its type is unknown."""
    if not isinstance(item, dict):
        return document.place(section, index), "an item is a mapping with a type"
    if section == "transformations" and "type" in item:
        from sigma.processing.transformations import transformations  # noqa: PLC0415  slow to import

        if item["type"] not in transformations:
            return document.place(section, index, "type"), unknown(item["type"], sorted(transformations))
    return document.place(section, index), ""


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing"
    message = (str(error) or type(error).__name__).removeprefix("Error in processing rule 1: ")
    return _MISSING_ARGUMENT.sub("missing: ", message)
