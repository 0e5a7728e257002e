"""Configuration: `sigma-convert.toml`, or `[tool.sigma-convert]` of pyproject.toml, in the folder or one above it.

folder and its parents ──> first file with settings ──check──> Settings (flags win over them)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.errors import ConfigurationError
from converter.harness.policy import KINDS, Policy
from converter.pipelines.given import Given
from converter.readers.schema import (
    FLAG,
    STRING,
    STRING_OR_STRINGS,
    Either,
    Entries,
    Keys,
    Scalar,
    check,
    list_of,
    one_of,
    value_at,
)
from converter.readers.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from converter.harness.policy import CellKind
    from converter.pipelines.given import PipelineSpec
    from converter.readers.schema import Document

OWN_FILE = "sigma-convert.toml"
PROJECT_FILE = "pyproject.toml"
_OUTCOMES = Either((one_of(*KINDS), list_of(one_of(*KINDS), "outcomes")))
SHAPE = Keys(
    {
        "target": STRING_OR_STRINGS,
        "pipeline": STRING_OR_STRINGS,
        "pipelines": list_of(
            Keys(
                {"use": STRING_OR_STRINGS, "product": STRING, "logsource": STRING},
                required={"use": "names of pipelines"},
            ),
            "tables",
            hint="[[pipelines]]",
        ),
        "format": STRING,
        "options": Entries(
            Scalar("a string, a number, true or false", lambda value: isinstance(value, str | int | float))
        ),
        "samples": STRING_OR_STRINGS,
        "exclude": STRING_OR_STRINGS,
        "without-pipeline": FLAG,
        "strict-fields": FLAG,
        "allow-unmapped": FLAG,
        "fail-on": _OUTCOMES,
        "accept": _OUTCOMES,
    }
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration says; paths are relative to its folder and made absolute."""

    target: tuple[str, ...] = ()
    pipeline: tuple[PipelineSpec, ...] = ()
    format: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    samples: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    without_pipeline: bool = False
    strict_fields: bool = False
    allow_unmapped: bool = False
    fail_on: tuple[CellKind, ...] = ()
    accept: tuple[CellKind, ...] = ()
    path: Path | None = None

    def policy(self, fail_on: Collection[CellKind], accept: Collection[CellKind]) -> Policy:
        """Return which outcomes fail, with those of the command line before those of the configuration."""
        return Policy(
            frozenset(fail_on or set(self.fail_on) - set(accept)), frozenset(accept or set(self.accept) - set(fail_on))
        )


def load_settings(folder: Path | None = None) -> Settings:
    """Return the settings for a folder (None: the current one).

    Raises:
        ConfigurationError: not TOML, an unknown key, a value of the wrong kind; with its place.
    """
    start = (folder or Path.cwd()).resolve()
    for above in (start, *start.parents):
        for name in (OWN_FILE, PROJECT_FILE):
            path = above / name
            if path.is_file():
                settings = _read(path)
                if settings is not None:
                    return settings
    return Settings()


def _read(path: Path) -> Settings | None:
    try:
        document = parse_toml(path.read_text(encoding="utf-8"), str(path), ConfigurationError)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
    except (ConfigurationError, UnicodeDecodeError) as error:
        if path.name == PROJECT_FILE:  # another tool's to complain about
            return None
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"{path} is not UTF-8", hint="save the file as UTF-8") from None
    data: Any = document.data
    header = ("tool", "sigma-convert") if path.name == PROJECT_FILE else ()
    for name in header:
        data = data.get(name) if isinstance(data, dict) else None
        if data is None:
            return None
    check(document, SHAPE, *header)
    values = {key.replace("-", "_"): _value(value) for key, value in data.items()}
    for key in ("target", "pipeline", "samples", "exclude", "fail_on", "accept"):
        if isinstance(given := values.get(key), str):
            values[key] = (given,)
    for key in ("pipeline", "samples"):
        if key in values:
            values[key] = tuple(_beside(path, given) for given in values[key])
    values["pipeline"] = (
        *values.get("pipeline", ()),
        *(_given(document, path, (*header, "pipelines", at)) for at in range(len(values.pop("pipelines", ())))),
    )
    both = [kind for kind in values.get("fail_on", ()) if kind in values.get("accept", ())]
    if both:
        raise ConfigurationError(
            f"{both[0]} is in both fail-on and accept", document.place(*header, "accept", key=True)
        )
    return Settings(**values, path=path)


def _given(document: Document, file: Path, key: tuple[str | int, ...]) -> Given:
    """Return the pipelines of one table `[[pipelines]]`. Raises ConfigurationError if there is no such product."""
    from converter.products.core import list_products  # noqa: PLC0415  slow to import

    table: dict[str, Any] = value_at(document, key)
    names = [table["use"]] if isinstance(table["use"], str) else table["use"]
    product = table.get("product", "")
    if product and product not in list_products():
        message = f"there is no product {product!r}"
        raise ConfigurationError(message, document.place(*key, "product"), f"known: {', '.join(list_products())}")
    return Given(tuple(_beside(file, name) for name in names), product, table.get("logsource", ""))


def _value(value: Any) -> Any:
    match value:
        case list():
            return tuple(value)
        case dict():
            return {name: item if isinstance(item, str) else str(item).lower() for name, item in value.items()}
        case _:
            return value


def _beside(path: Path, given: str) -> str:
    """Return a path of the configuration, which is relative to its file; a name of a pipeline stays one."""
    beside = path.parent / given
    return str(beside) if beside.exists() else given
