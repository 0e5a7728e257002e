"""Configuration: of the repository, and the user's own.

    current folder, and those above it in the repository ──> first file with settings ─┐
    the user's own file ───────────────────────────────────────────────────────────────┴─check──> Settings

A file of a repository is `sigma-convert.toml`, or `[tool.sigma-convert]` of pyproject.toml. It may be a stranger's, and
names only files inside the repository (readers/scope.py). Its keys win over those of the user's own file, and options
of the command line over both.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.errors import ConfigurationError
from converter.harness.policy import KINDS, Policy
from converter.pipelines.given import Given, path_of
from converter.readers.schema import (
    FLAG,
    STRING,
    STRING_OR_STRINGS,
    Either,
    Entries,
    Keys,
    Scalar,
    check,
    error_at,
    list_of,
    one_of,
    value_at,
)
from converter.readers.scope import Scope, ScopeError, current_folder, is_strange, repository_of
from converter.readers.toml import parse_toml
from converter.readers.whole_file import SMALL, read_small

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from converter.harness.policy import CellKind
    from converter.pipelines.given import PipelineSpec
    from converter.readers.schema import Document, KeyPath

OWN_FILE = "sigma-convert.toml"
PROJECT_FILE = "pyproject.toml"
USER_FILE = "sigma-convert/config.toml"
"""The user's own configuration, below `$XDG_CONFIG_HOME`, or below `~/.config` if that is not set."""
# Keys that a file gives together: one of them of the repository replaces all of the user's.
_TOGETHER = (("pipeline", "pipelines"), ("fail_on", "accept"), ("strict_fields", "allow_unmapped"))
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
    },
    hints={"trust_pipelines": "only the command line trusts pipelines: give --trust-pipelines there"},
)


# Keys by which a configuration hides rules or findings.
_HIDING = ("exclude", "accept", "without-pipeline", "allow-unmapped")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration says. Paths are absolute.

    Attributes:
        path: the file of the repository, or of the user if there is none; None without a configuration.
        pipeline_path: the file that names the pipelines, if there are any.
        hiding: the keys of the repository's file that can hide rules or findings, such as `exclude`.
    """

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
    pipeline_path: Path | None = None
    hiding: tuple[str, ...] = ()

    def policy(self, fail_on: Collection[CellKind], accept: Collection[CellKind]) -> Policy:
        """Return which outcomes fail, with those of the command line before those of the configuration."""
        return Policy(
            frozenset(fail_on or set(self.fail_on) - set(accept)), frozenset(accept or set(self.accept) - set(fail_on))
        )


def load_settings(folder: Path | None = None) -> Settings:
    """Return the settings for a folder (None: the current one).

    Raises:
        ConfigurationError: not TOML, an unknown key, a value of the wrong kind, a file outside the repository; with its
            place. Or a configuration file that leads out of the repository.
    """
    start = current_folder() if folder is None else Path(os.path.realpath(folder))
    own = None if start is None else _of_repository(start)
    users = _of_user()
    if own is None or users is None:
        return Settings(**(own or users or {}), hiding=_hiding(own or {}))
    given = dict(users)
    for keys in _TOGETHER:
        if any(key in own for key in keys):
            given = {key: value for key, value in given.items() if key not in keys}
    return Settings(**{**given, **own}, hiding=_hiding(own))


def _hiding(values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(key for key in _HIDING if values.get(key.replace("-", "_")))


def _of_repository(start: Path) -> dict[str, Any] | None:
    """Return the settings of the nearest file that has any, from a folder up to the root of its repository."""
    root = repository_of(start) or start
    scope = Scope((root,))
    for folder in (start, *start.parents):
        for name in (OWN_FILE, PROJECT_FILE):
            path = folder / name
            if os.path.lexists(path) and (values := _read(path, scope)) is not None:
                return values
        if folder == root:
            return None
    return None


def _of_user() -> dict[str, Any] | None:
    """Return the settings of the user's own file, which may be anywhere and may name any file."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    folder = Path(home if os.path.isabs(home) else os.path.expanduser("~/.config"))  # noqa: PTH111, PTH117  no error without a home
    path = folder / USER_FILE
    return _read(path, None) if folder.is_absolute() and path.is_file() else None


def _read(path: Path, scope: Scope | None) -> dict[str, Any] | None:
    """Return the settings of a file by their names, with its path; None if it has none.

    Args:
        path: the file.
        scope: where it may be, and the files that it names; None: anywhere.

    Raises:
        ConfigurationError: as `load_settings`.
    """
    is_project = path.name == PROJECT_FILE
    text = _text(path, scope)
    if text is None:
        return None
    try:
        document = parse_toml(text, str(path), ConfigurationError)
    except ConfigurationError:
        if is_project:  # another tool's to complain about
            return None
        raise
    data: Any = document.data
    header = ("tool", "sigma-convert") if is_project else ()
    for name in header:
        data = data.get(name) if isinstance(data, dict) else None
        if data is None:
            return None
    check(document, SHAPE, *header)
    values = {key.replace("-", "_"): _value(value) for key, value in data.items()}
    for key in ("target", "pipeline", "samples", "exclude", "fail_on", "accept"):
        if isinstance(given := values.get(key), str):
            values[key] = (given,)
    naming = _Naming(document, path.parent, scope)
    if "samples" in values:
        values["samples"] = naming.all((*header, "samples"), naming.path)
    if "pipeline" in values:
        values["pipeline"] = naming.all((*header, "pipeline"), naming.pipeline)
    if "pipelines" in values:
        tables = [naming.table((*header, "pipelines", at)) for at in range(len(values.pop("pipelines")))]
        values["pipeline"] = (*values.get("pipeline", ()), *tables)
    both = [kind for kind in values.get("fail_on", ()) if kind in values.get("accept", ())]
    if both:
        raise ConfigurationError(
            f"{both[0]} is in both fail-on and accept", document.place(*header, "accept", key=True)
        )
    return {**values, "path": path, **({"pipeline_path": path} if values.get("pipeline") else {})}


def _text(path: Path, scope: Scope | None) -> str | None:
    """Return the text of a file; None if it is not UTF-8 and another tool's. Raises ConfigurationError."""
    try:
        real = path if scope is None else scope.file(path)
    except ScopeError as error:
        hint = error.hint or "--no-config ignores it"
        raise ConfigurationError(f"the configuration {path} {error}", hint=hint) from None
    if scope is not None and is_strange(real):
        raise ConfigurationError(
            f"the configuration {path} belongs to another user", hint="--no-config ignores it; or leave this folder"
        )
    try:
        text = read_small(real)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        if path.name == PROJECT_FILE:  # another tool's to complain about
            return None
        raise ConfigurationError(f"{path} is not UTF-8", hint="save the file as UTF-8") from None
    if text is None:
        raise ConfigurationError(f"the configuration {path} is larger than {SMALL} bytes")
    return text


@dataclass(frozen=True, slots=True)
class _Naming:
    """What a configuration file names.

    Attributes:
        document: the file.
        folder: what paths are relative to.
        scope: where the files may be; None: anywhere.
    """

    document: Document
    folder: Path
    scope: Scope | None

    def all(self, key: KeyPath, of: Callable[[str, KeyPath], str]) -> tuple[str, ...]:
        """Return what a string or a list of strings names."""
        value = value_at(self.document, key)
        if isinstance(value, str):
            return (of(value, key),)
        return tuple(of(item, (*key, at)) for at, item in enumerate(value))

    def path(self, given: str, key: KeyPath) -> str:
        """Return an absolute path. Raises ConfigurationError if it is outside the scope."""
        path = os.path.normpath(self.folder / given)
        if self.scope is None:
            return path
        try:
            return str(self.scope.check(path))
        except ScopeError as error:
            if error.missing:
                return path
            raise error_at(self.document, f"{given!r} {error}", key, error.hint) from None

    def pipeline(self, given: str, key: KeyPath) -> str:
        """Return the path of a file or folder, or the name of a pipeline, which stays as it is."""
        path = path_of(given)
        is_path = not given.strip("*") or "/" in given or given.endswith((".yml", ".yaml"))
        return self.path(path, key) if is_path or os.path.lexists(self.folder / path) else given

    def table(self, key: KeyPath) -> Given:
        """Return the pipelines of one table `[[pipelines]]`. Raises ConfigurationError if there is no such product."""
        from converter.products.core import list_products  # noqa: PLC0415  slow to import

        table: dict[str, Any] = value_at(self.document, key)
        product = table.get("product", "")
        if product and product not in list_products():
            message = f"there is no product {product!r}"
            raise error_at(self.document, message, (*key, "product"), f"known: {', '.join(list_products())}")
        return Given(self.all((*key, "use"), self.pipeline), product, table.get("logsource", ""))


def _value(value: Any) -> Any:
    match value:
        case list():
            return tuple(value)
        case dict():
            return {name: item if isinstance(item, str) else str(item).lower() for name, item in value.items()}
        case _:
            return value
