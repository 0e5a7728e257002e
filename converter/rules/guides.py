"""Find and read the investigation guide of a rule, which becomes the `note` of a rule file.

rule's path ──> the same name with `.md`, or samples/<rule>/guide.md in a folder above ──scope──> Markdown
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from converter.errors import RuleError
from converter.readers.scope import Scope, ScopeError, repository_of
from converter.readers.whole_file import SMALL, read_small

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.errors import Place

_LEVELS = 6


def guides_of(rule: Path, key: str) -> Iterator[tuple[Path, Scope]]:
    """Yield the guides that exist for a rule, the first of which is used, each with the folders where it may be.

    Args:
        rule: the path of the rule's file; if there is no such file, the rule has no guide.
        key: what the rule is called.
    """
    if not rule.is_file():
        return
    beside = Path(os.path.realpath(rule.parent))
    guide = rule.with_suffix(".md")
    if os.path.lexists(guide):
        yield guide, Scope((repository_of(beside) or beside,))
    above = Path(os.path.realpath(rule)).parents
    for folder in list(above)[:_LEVELS]:
        samples = folder / "samples"
        if samples.is_dir():
            scope = Scope((repository_of(folder) or folder,))
            with suppress(ScopeError):
                scope.check(samples)
                # The key comes from the rule, so it is compared with the names of folders, not used as a path.
                for sample in samples.iterdir():
                    if sample.name == key and os.path.lexists(sample / "guide.md"):
                        yield sample / "guide.md", scope
            return


def read_guide(rule: Path, key: str, place: Place | None) -> str | None:
    """Return the guide of a rule, or None if it has none.

    Args:
        rule: as of `guides_of`.
        key: as of `guides_of`.
        place: the place of errors.

    Raises:
        RuleError: the guide is outside the repository of the rule, too large, not UTF-8, or cannot be read.
    """
    for guide, scope in guides_of(rule, key):
        try:
            text = read_small(scope.file(guide))
        except ScopeError as error:
            raise RuleError(f"the guide {guide} {error}", place, error.hint) from None
        except OSError as error:
            raise RuleError(f"the guide {guide} cannot be read: {error.strerror}", place) from None
        except UnicodeDecodeError:
            raise RuleError(f"the guide {guide} is not UTF-8", place, "save the file as UTF-8") from None
        if text is None:
            raise RuleError(f"the guide {guide} is larger than {SMALL} bytes", place)
        return text.strip() + "\n"
    return None
