"""Configuration: `sigma-convert.toml`, or `[tool.sigma-convert]` of pyproject.toml, in the folder or one above it.

folder and its parents ──> first file with settings ──check──> Settings (flags win over them)
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.errors import ConfigurationError, Place, suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN_FILE = "sigma-convert.toml"
PROJECT_FILE = "pyproject.toml"
KEYS: Mapping[str, str] = {
    "target": "texts",
    "pipeline": "texts",
    "format": "text",
    "options": "table",
    "samples": "texts",
    "without-pipeline": "flag",
    "strict-fields": "flag",
}
_EXPECTED = {"texts": "text, or a list of texts", "text": "text", "table": "a table", "flag": "true or false"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration says; paths are relative to its folder and made absolute."""

    target: tuple[str, ...] = ()
    pipeline: tuple[str, ...] = ()
    format: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    samples: tuple[str, ...] = ()
    without_pipeline: bool = False
    strict_fields: bool = False
    path: Path | None = None


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
                found = _read(path)
                if found is not None:
                    return found
    return Settings()


def _read(path: Path) -> Settings | None:
    try:
        text = path.read_text(encoding="utf-8")
        data: Any = tomllib.loads(text)
    except OSError as bad:
        raise ConfigurationError(f"cannot read {path}: {bad.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as bad:
        if path.name == PROJECT_FILE:  # another tool's to complain about
            return None
        raise ConfigurationError(f"not TOML: {bad}", _place_of_error(path, bad)) from None
    header = None
    if path.name == PROJECT_FILE:
        header = "tool.sigma-convert"
        tool = data.get("tool")
        data = tool.get("sigma-convert") if isinstance(tool, dict) else None
        if data is None:
            return None
    if not isinstance(data, dict):
        raise ConfigurationError(f"{header} of {path} is not a table")
    values: dict[str, Any] = {}
    for key, value in data.items():
        place = _place(path, text, key)
        if key not in KEYS:
            raise ConfigurationError(f"unknown key {key!r}", place, suggest(key, KEYS) or f"known: {', '.join(KEYS)}")
        values[key.replace("-", "_")] = _value(key, value, place)
    for key in ("pipeline", "samples"):
        if key in values:
            values[key] = tuple(_beside(path, given) for given in values[key])
    return Settings(**values, path=path)


def _value(key: str, value: Any, place: Place) -> Any:
    kind = KEYS[key]
    match kind, value:
        case "texts", str():
            return (value,)
        case "texts", list() if all(isinstance(item, str) for item in value):
            return tuple(value)
        case "text", str():
            return value
        case "flag", bool():
            return value
        case "table", dict() if all(isinstance(item, str | int | float | bool) for item in value.values()):
            return {name: item if isinstance(item, str) else str(item).lower() for name, item in value.items()}
    raise ConfigurationError(f"{key} is not {_EXPECTED[kind]}", place, f"expected {_EXPECTED[kind]}")


def _beside(path: Path, given: str) -> str:
    """Return a path of the configuration, which is relative to its file; a name of a pipeline stays one."""
    beside = path.parent / given
    return str(beside) if beside.exists() else given


def _place(path: Path, text: str, key: str) -> Place:
    found = re.search(
        rf"^[ \t]*\[?(?:tool\.sigma-convert\.)?[\"']?({re.escape(key)})[\"']?\s*[=.\]]", text, re.MULTILINE
    )
    return Place.at_offset(text, found.start(1) if found else 0, str(path), len(key) if found else 1)


def _place_of_error(path: Path, bad: Exception) -> Place | None:
    found = re.search(r"line (\d+), column (\d+)", str(bad))
    if found is None:
        return None
    text = path.read_text(encoding="utf-8")
    return Place.at_line(text, int(found[1]), int(found[2]), str(path))
