"""Read a .conf file: stanzas of settings.

    text ──lines──> stanzas of settings ──[default] under each──> {title: settings}

A stanza is a line `[name]`; a setting is `key = value`, and a backslash at the end of a line carries the value on to
the next. A comment is a line that begins with `#`. What the product would settle silently (a stanza or a key given
twice) is refused: in a file that a program wrote it is a mistake.
"""

from __future__ import annotations

from dataclasses import dataclass

from converter.errors import Place, QueryError

_GLOBAL = "default"
_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Setting:
    """One `key = value`: the value with its lines joined by line feeds, and where key and value begin in the file."""

    value: str
    key_offset: int
    value_offset: int


def read_stanzas(text: str) -> dict[str, tuple[Place, dict[str, Setting]]]:
    """Return the stanzas of the file `text`: the place of the title and the settings, [default] under each.

    Raises:
        QueryError: a line is neither a title nor a setting; a title has brackets in it; a stanza or a key is there
            twice; a value ends with the file in the middle of a continuation.

    Source: Splunk Admin Manual, "About configuration files".
    """
    shared: dict[str, Setting] = {}
    stanzas: dict[str, tuple[Place, dict[str, Setting]]] = {}
    settings = shared
    at = 1 if text.startswith(_MARK) else 0
    while at < len(text):
        end = _line_end(text, at)
        line = text[at:end]
        if line.startswith("["):
            name = _title(text, at, line)
            if name == _GLOBAL and name not in stanzas:
                settings = shared
            elif name in stanzas:
                raise QueryError(f"the stanza [{name}] is there twice", _at(text, at, len(line)))
            else:
                settings = {}
            stanzas[name] = (_at(text, at, len(line.rstrip())), settings)
        elif line.strip() and not line.startswith("#"):
            key, setting, end = _setting(text, at, line)
            if key in settings:
                raise QueryError(
                    f"the key {key!r} is there twice in one stanza", _at(text, setting.key_offset, len(key))
                )
            settings[key] = setting
        at = end + 1
    return {name: (place, {**shared, **own}) for name, (place, own) in stanzas.items() if name != _GLOBAL}


def _title(text: str, at: int, line: str) -> str:
    stripped = line.rstrip()
    if not stripped.endswith("]"):
        raise QueryError("the title of this stanza does not end with ]", _at(text, at, len(stripped)))
    name = stripped[1:-1]
    for bracket in "[]":
        inner = name.find(bracket)
        if inner >= 0:
            raise QueryError(f"the title of a stanza must not hold {bracket!r}", _at(text, at + 1 + inner))
    if not name.strip():
        raise QueryError("the title of this stanza is empty", _at(text, at, len(stripped)))
    return name


def _setting(text: str, at: int, line: str) -> tuple[str, Setting, int]:
    """Return a key, its setting, and the offset of the end of its last line."""
    sign = line.find("=")
    key = line[:sign].strip() if sign >= 0 else ""
    if not key or key.startswith("#"):
        hint = "a comment begins with # in the first column" if line.lstrip().startswith("#") else ""
        raise QueryError(
            "this line is neither [title] nor key = value", _at(text, at, max(1, len(line.rstrip()))),
            hint or "a value goes on to the next line only after a backslash",
        )  # fmt: skip
    key_offset = at + len(line) - len(line.lstrip())
    begin = at + sign + 1
    value_offset = begin + len(text[begin : at + len(line)]) - len(text[begin : at + len(line)].lstrip())
    lines: list[str] = []
    start = value_offset
    while True:
        end = _line_end(text, start)
        piece = text[start:end].removesuffix("\r")
        if not piece.endswith("\\"):
            lines.append(piece)
            break
        lines.append(piece[:-1])
        if end >= len(text):
            raise QueryError(
                "the file ends after a backslash that carries the value on", _at(text, start + len(piece) - 1)
            )
        start = end + 1
    return key, Setting("\n".join(lines).rstrip(), key_offset, value_offset), end


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _at(text: str, offset: int, length: int = 1) -> Place:
    return Place.at_offset(text, offset, length=length)
