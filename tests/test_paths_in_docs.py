"""The pages name only what exists: paths, modules and links of the Markdown, and paths in docstrings and comments.

    page   ──> paths                             ──> a file or folder of the project
           ├─> dotted names                      ──> a module, or an attribute of one
           └─> relative links                    ──> a file, and a heading in it
    module ──> paths in docstrings and comments  ──> a file or folder of the project

Files that a page itself creates, step by step, need not exist.
"""

from __future__ import annotations

import ast
import importlib
import io
import re
import tokenize
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

import pytest

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FOLDERS = ("benchmarks", "converter", "docs", "samples", "sigma", "tests", "tools")
PAGES = sorted(chain(ROOT.glob("*.md"), *((ROOT / folder).rglob("*.md") for folder in FOLDERS)))
MODULES = sorted(chain.from_iterable((ROOT / folder).rglob("*.py") for folder in FOLDERS))

# A path from the root of the project, but not the end of a longer path or of an address.
PATH = re.compile(rf"(?<![\w./<>*@-])(?:{'|'.join(FOLDERS)})/(?:[\w./*-]|<[\w ]+>)*")
# A module or a page in backquotes, with or without its folders.
FILE_NAME = re.compile(r"`([\w./*-]*\w\.(?:py|md))`")
DOTTED_NAME = re.compile(r"`(converter(?:\.\w+)+)(?:\(.*?\))?`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
# A walkthrough creates a file by its path in backquotes, a colon, and a fenced block.
CREATED = re.compile(r"`([^`\s]+)`:\n\n```")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def files() -> tuple[str, ...]:
    """Return every file of the project's folders, from the root."""
    return tuple(
        f"/{name_of(path)}"
        for path in chain(ROOT.glob("*"), *((ROOT / folder).rglob("*") for folder in FOLDERS))
        if path.is_file()
    )


def exists(path: str) -> bool:
    """Return whether the project has the path, which may be a pattern with `*`, `**` and `<placeholder>`."""
    pattern = re.sub(r"<[^>]*>", "*", path.rstrip("/."))
    return any(ROOT.glob(pattern))


def can_import(name: str) -> bool:
    """Return whether a dotted name is a module or, from its longest module on, an attribute."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            target: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            if not hasattr(target, attribute):
                return False
            target = getattr(target, attribute)
        return True
    return False


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    seen: dict[str, int] = {}
    names: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        number = seen[slug] = seen.get(slug, -1) + 1
        names.add(f"{slug}-{number}" if number else slug)
    return names


def missing_paths(text: str, created: Iterable[str] = ()) -> Iterator[str]:
    """Yield the paths in a text that neither the project has nor the page creates."""
    for match in PATH.finditer(text):
        path = match[0]
        if not exists(path) and not any(file.startswith(path.rstrip("/.")) for file in created):
            yield path


def prose_of(module: Path) -> str:
    """Return the docstrings and comments of a module."""
    source = module.read_text(encoding="utf-8")
    nodes = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = (ast.get_docstring(node) or "" for node in ast.walk(ast.parse(source)) if isinstance(node, nodes))
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return "\n".join([*docstrings, *(token.string for token in tokens if token.type == tokenize.COMMENT)])


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_path_in_a_page_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    created = CREATED.findall(text)
    missing = list(missing_paths(text, created))
    for name in FILE_NAME.findall(text):
        pattern = re.compile(re.escape(f"/{name}").replace(r"\*", r"[^/]*") + "$")
        if name not in created and not any(map(pattern.search, files())):
            missing.append(name)
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_dotted_name_in_a_page_can_be_imported(page: Path) -> None:
    names = DOTTED_NAME.findall(page.read_text(encoding="utf-8"))
    assert [name for name in names if not can_import(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_resolves(page: Path) -> None:
    broken: list[str] = []
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_every_path_in_a_module_exists(module: Path) -> None:
    assert list(missing_paths(prose_of(module))) == []
