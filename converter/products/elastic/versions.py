"""Values of fields of the type version: their order is that of software versions, not of strings.

    text ──encoded──> bytes that sort as versions do ──text_of──> text

Main version, pre-release after `-`, build after `+`. Numbers of main version and pre-release sort as numbers, a version
with a pre-release before the same without, what is not a version after all versions. Sources: NOTES.md, "Versions".
"""

from __future__ import annotations

import re

_NUMBER, _PRE_RELEASE, _NO_PRE_RELEASE = b"\x01", b"\x02", b"\x03"
_MOST_PARTS, _MOST_DIGITS, _INTEGER_LIMIT = 32, 127, 2**31
_COUNTED_PARTS = 3
_MAIN = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*")
_IDENTIFIER = r"(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_PRE = re.compile(rf"-{_IDENTIFIER}(?:\.{_IDENTIFIER})*")
_BUILD = re.compile(r"\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*")
_DIGITS = re.compile(r"[0-9]+")
_MARKS = re.compile(rb"\x01.|[\x02\x03]", re.DOTALL)


def encoded(text: str) -> bytes | None:
    """Return a text as bytes that sort as versions do; None for numbers that no version field takes."""
    rest, build = _split(text, "+")
    main, pre_release = _split(rest, "-")
    if not _is_version(main, pre_release, build):
        return text.encode("utf-8", "replace") or _NO_PRE_RELEASE
    groups = _DIGITS.findall(main)
    if any(int(group) >= _INTEGER_LIMIT for group in groups[:_COUNTED_PARTS]):
        return None
    parts = pre_release[1:].split(".")
    if any(len(group) > _MOST_DIGITS for group in (*groups, *(part for part in parts if part.isdigit()))):
        return None
    out = _numbered(main)
    if pre_release:
        identifiers = [_numbered(part) if part.isdigit() else part.encode() for part in parts]
        out += _PRE_RELEASE + b"-" + b".".join(identifiers)
    else:
        out += _NO_PRE_RELEASE
    return out + build.encode()


def text_of(value: bytes) -> str:
    """Return the text that was encoded."""
    return _MARKS.sub(b"", value).decode("utf-8", "replace")


def _split(text: str, separator: str) -> tuple[str, str]:
    """Return what is before a separator and what begins with it; one at the very beginning separates nothing."""
    position = text.find(separator)
    return (text[:position], text[position:]) if position > 0 else (text, "")


def _is_version(main: str, pre_release: str, build: str) -> bool:
    if any(part.count(".") >= _MOST_PARTS for part in (main, pre_release, build)):
        return False
    return (
        _MAIN.fullmatch(main) is not None
        and (not pre_release or _PRE.fullmatch(pre_release) is not None)
        and (not build or _BUILD.fullmatch(build) is not None)
    )


def _numbered(text: str) -> bytes:
    """Return a text with the number of digits before each group of them, so that longer numbers sort later."""
    return _DIGITS.sub(lambda digits: f"\x01{chr(len(digits[0]) | 0x80)}{digits[0]}", text).encode("latin-1")
