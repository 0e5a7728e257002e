"""Write a stanza of a .conf file so that no value can leave its place.

    title, settings ──stanza──> text

A value ends with its line, unless a backslash at the end carries it on; a title ends with its bracket. So titles lose
brackets, values lose line ends and control characters, and only `search` has several lines, carried on by us.
Tokens: where the product replaces `$field$` by a value of the result, `without_tokens` leaves no dollar sign.
"""

from __future__ import annotations

from functools import cache, lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from converter.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_TITLE = 100
_DOLLAR = "\N{FULLWIDTH DOLLAR SIGN}"


def stanza(title: str, settings: Mapping[str, str]) -> str:
    """Return the stanza; only the value of `search` may have several lines.

    Raises:
        ConfigurationError: a search that ends with a backslash.
    """
    if settings.get("search", "").endswith("\\"):  # only a pipeline's postprocessing can do that
        raise ConfigurationError("the search ends with a backslash, which would carry it on into the next setting")
    lines = [f"[{title}]"]
    for key, value in settings.items():
        shown = value.replace("\n", " \\\n") if key == "search" else one_line(value)
        lines.append(f"{key} = {shown}".rstrip() if not shown else f"{key} = {shown}")
    return "\n".join(lines) + "\n"


def one_line(text: str) -> str:
    """Return text on one line: no control characters, and no backslash at the end, which would continue the value."""
    flat = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return flat.rstrip("\\ ")


def without_tokens(text: str) -> str:
    """Return text in which nothing is a token `$field$`: a dollar sign becomes the one of full width."""
    return one_line(text).replace("$", _DOLLAR)


@cache
def title_key(limit: int = MAX_TITLE) -> Callable[[str], str]:
    """Return what titles of at most `limit` characters are compared by, for `Titles.shared`."""
    return lambda title: plain_title(title, limit).casefold()


def unique_title(title: str, key: str, limit: int = MAX_TITLE, form: str = " ({})", *, shared: bool) -> str:
    """Return a title that no other rule has: Splunk merges stanzas of one title.

    Args:
        title: that of the rule.
        key: what tells the rule from others of the same title.
        limit: how many characters it may have.
        form: how the key is added; one that is long is added as a hash.
        shared: whether another rule of the conversion has the title, as `title_key` compares them.
    """
    plain = plain_title(title, limit)
    if not shared and plain.casefold() != "default":
        return plain
    mark = form.format(key)
    if len(mark) > limit // 2 or plain_title(mark, limit) != mark.strip():
        mark = form.format(sha256(key.encode("utf-8", "replace")).hexdigest()[:8])
    return plain_title(plain[: limit - len(mark)].rstrip() + mark, limit)


@lru_cache(maxsize=10_000)
def plain_title(text: str, limit: int = MAX_TITLE) -> str:
    """Return text that cannot end a stanza's header or begin another one.

    A title that is cut ends with a mark made from the whole, so that two which begin alike stay two.
    """
    plain = one_line("".join(" " if char in "[]" else char for char in text)).strip() or "untitled"
    if len(plain) <= limit:
        return plain
    mark = sha256(plain.encode()).hexdigest()[:8]
    return f"{plain[: limit - len(mark) - 1].rstrip()} {mark}"
