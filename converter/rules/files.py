"""Find the files of rules: files by name, every YAML file below a folder, standard input.

    paths ──rule_files──> RuleFile ──looks_like_a_rule, may_hold_rules──> read as rules, or left out

Hidden files and folders are not read: they belong to other programs (`.github`, `.yamllint.yml`). A file that a folder
gave may be something other than rules; a file that was named may not. Links in a folder are followed as long as they
stay in the scope of the run (readers/scope.py).
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.errors import UnreadableError
from converter.readers.folders import ListedFile, list_files
from converter.readers.scope import Scope, ScopeError, check_named
from converter.readers.whole_file import read_file, read_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_SUFFIXES = (".yml", ".yaml")
_SECTIONS = ("detection", "correlation", "logsource", "action")
_NEAR = 0.8
_SECTION_LINE = re.compile(rf"^title\s*:|^[\s-]*['\"]?({'|'.join(_SECTIONS)}|filter)['\"]?\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A file that may hold rules.

    Attributes:
        name: what it is called in errors.
        read: returns its bytes.
        listed: whether it was in a folder that was given; else it was given itself.
    """

    name: str
    read: Callable[[], bytes]
    listed: bool = False


def rule_files(
    paths: Iterable[str | Path], exclude: Sequence[str], fail: Callable[[UnreadableError], None]
) -> Iterator[RuleFile]:
    """Yield the files of some paths, each once.

    Args:
        paths: files and folders; `-` is standard input.
        exclude: patterns of files and folders to leave out in folders. A pattern is compared with the name of each file
            and folder, and with the path of each file below the folder that was given.
        fail: called with an error for each path that cannot be read, and for a folder without rules.
    """
    given = [*paths]
    scope = Scope.of(given)
    seen: set[str] = set()
    for named in given:
        if str(named) == "-":
            yield RuleFile("<stdin>", partial(read_stream, sys.stdin.buffer))
            continue
        path = Path(named)
        try:
            check_named(path)
        except ScopeError as error:
            fail(UnreadableError(f"{path} {error}", hint=error.hint))
            continue
        if path.is_dir():
            listing = list_files(path, scope, _is_yaml, partial(_is_excluded, patterns=exclude))
            files = listing.files
            for name, reason in listing.errors:
                fail(UnreadableError(f"{name} {reason}", hint=reason.hint))
            if not files and not listing.errors:
                left_out = f": {listing.excluded} excluded" if listing.excluded else ""
                fail(UnreadableError(f"no rule (*.yml) in {path}{left_out}"))
        elif path.exists():
            files = [ListedFile(path, path)]
        else:
            fail(UnreadableError(f"no such file or folder: {path}"))
            continue
        listed = path.is_dir()
        for file in files:
            real = os.path.realpath(file.path)
            if real not in seen:  # `a.yml dir/` may name a file twice
                seen.add(real)
                yield RuleFile(str(file.name), partial(read_file, file.path), listed)


def _is_yaml(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES


def _is_excluded(path: Path, patterns: Iterable[str]) -> bool:
    return any(
        fnmatchcase(path.as_posix(), pattern) or any(fnmatchcase(part, pattern.rstrip("/")) for part in path.parts)
        for pattern in patterns
    )


def looks_like_a_rule(data: Any) -> bool:
    """Return whether a document has a section of a rule, or a key that may be meant for one."""
    if isinstance(data, list):
        return any(isinstance(item, dict) and looks_like_a_rule(item) for item in data)
    if not isinstance(data, dict):
        return False
    keys = [str(key) for key in data]
    filters = data.get("filter")
    return (isinstance(filters, dict) and bool(filters.keys() & {"rules", "condition"})) or any(
        get_close_matches(key, _SECTIONS, n=1, cutoff=_NEAR) for key in keys
    )


def may_hold_rules(raw: bytes) -> bool:
    """Return whether a file that is not valid YAML has a line that begins a section of a rule, or a title."""
    return _SECTION_LINE.search(raw.decode("utf-8", "replace")) is not None
