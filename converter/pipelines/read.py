"""Read pySigma's processing pipelines from YAML files.

file ──parse_documents──> data with positions ──check──> no error, or one with its place ──build──> ProcessingPipeline
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from converter.errors import ConfigurationError
from converter.readers.whole_file import read_file

if TYPE_CHECKING:
    from pathlib import Path

    from sigma.processing.pipeline import ProcessingPipeline

    from converter.readers.yaml_document import Document

_REMEMBERED = 16


def load_pipeline(path: Path, *, trusted: bool = False) -> ProcessingPipeline:
    """Read a pipeline from a YAML file.

    Args:
        path: the file.
        trusted: whether the user lets the pipeline run code, read files and open connections.

    Raises:
        ConfigurationError: the file cannot be read, is not YAML, is not a pipeline, or asks for what only a trusted
            pipeline may do; with its place, if it has one.
    """
    from converter.pipelines.build import build_pipeline  # noqa: PLC0415  slow to import

    return build_pipeline(_checked(path, _read(path), trusted), trusted=trusted)


def _read(path: Path) -> bytes:
    try:
        return read_file(path)
    except OSError as error:
        raise ConfigurationError(f"cannot read the pipeline {path}: {error.strerror or error}") from None


@lru_cache(maxsize=_REMEMBERED)
def _checked(path: Path, raw: bytes, trusted: bool) -> Document:  # noqa: FBT001  cached, so by position
    """Return the file's data, which must not be changed. A run asks for it once for each rule and target."""
    from converter.pipelines.check import check_pipeline  # noqa: PLC0415  only for files
    from converter.readers.yaml_document import parse_documents  # noqa: PLC0415

    documents = parse_documents(raw, str(path), ConfigurationError)
    if len(documents) != 1:
        raise ConfigurationError(
            f"{path} has {len(documents)} YAML documents", None, "a pipeline is one document: name, priority, ..."
        )
    check_pipeline(documents[0], trusted=trusted)
    return documents[0]
