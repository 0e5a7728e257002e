"""TOML from strangers: its data, and where each key stands in the text.

    text ──tomllib──> data ─┐
         ──scan──> places ──┴──> TomlDocument

`tomllib` reads the values but tells no places. The scan is for statements only: a header, or a key and the extent of
its value. It trusts that `tomllib` has accepted the text before.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from converter.errors import Place, SourceError
from converter.readers.source import NOWHERE, Cursor, Source, Span

if TYPE_CHECKING:
    from converter.readers.schema import KeyPath

_BLANK = re.compile(r"[ \t\r\n]*(?:#[^\n]*[ \t\r\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}' + r"|'''.*?'{3,5}" + r'|"(?:[^"\\\n]|\\.)*"' + r"|'[^'\n]*'", re.DOTALL
)
_COMMENT = re.compile(r"#[^\n]*")
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class TomlDocument:
    """A TOML file: its data, and where each part of it stands."""

    name: str
    text: str
    data: dict[str, Any]
    kind: type[SourceError]
    # The key and the value of each statement; those of a table are its header.
    _spans: dict[KeyPath, tuple[Span, Span]] = field(repr=False, compare=False)

    @property
    def mapping(self) -> str:
        """What TOML calls a mapping."""
        return "a table"

    @property
    def example(self) -> str:
        """How TOML writes an entry of a table."""
        return "key = value"

    def place(self, *path: str | int, key: bool = False) -> Place:  # noqa: ARG002  a value is shown by its key
        """Return the place of the key that a value belongs to, or of the nearest table around it."""
        while path and path not in self._spans:
            path = path[:-1]
        span, _ = self._spans.get(path, (NOWHERE, NOWHERE))
        return Place.at_offset(self.text, span.start, self.name, max(1, span.end - span.start))

    def scalar(self, *path: str | int) -> None:
        """Return None: how a value is written is not kept."""

    def offset_of(self, value: str, *path: str | int) -> int | None:
        """Return where the characters of a string stand in the file; None if it is written with escapes."""
        _, span = self._spans.get(path, (NOWHERE, NOWHERE))
        offset = self.text.find(value, span.start, span.end)
        return offset if offset >= 0 else None


def parse_toml(text: str, name: str, kind: type[SourceError]) -> TomlDocument:
    """Read a TOML file.

    Raises:
        kind: the text is not TOML; with its place.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _PLACE.search(str(error))
        if match is None or not match[1]:
            place = Place.at_offset(text, len(text), name)
        else:
            place = Place.at_line(text, int(match[1]), int(match[2]), name)
        raise kind(f"not valid TOML: {_PLACE.sub('', str(error))}", place) from None
    except RecursionError:
        raise kind("arrays or tables are nested too deep", Place.at_offset(text, 0, name)) from None
    except ValueError as error:  # a number that Python does not read, a date that no calendar has
        raise kind(f"not valid TOML: {error}".partition(";")[0], Place.at_offset(text, 0, name)) from None
    return TomlDocument(name, text, data, kind, _Scan(Source(text, kind)).spans())


class _Scan(Cursor[SourceError]):
    def spans(self) -> dict[KeyPath, tuple[Span, Span]]:
        """Return the places of every table and key, tables in arrays by their index.

        Keys of inline tables and elements of arrays are not listed; their place is that of the key they belong to.
        """
        spans: dict[KeyPath, tuple[Span, Span]] = {}
        counts: dict[KeyPath, int] = {}
        table: KeyPath = ()
        while self.match(_BLANK) and not self.at_end():
            start = self.offset
            if self.take("["):
                many = self.take("[")
                table = _resolve(self.keys(), counts, many=many)
                self.match(_BLANK)
                self.offset += 1 + many
                spans.setdefault(table, (self.span(start), self.span(start)))
                continue
            path = (*table, *self.keys())
            key = self.span(start)
            self.match(_BLANK)
            self.offset += 1
            self.match(_BLANK)
            value = self.value()
            for length in range(len(table) + 1, len(path) + 1):
                spans.setdefault(path[:length], (key, value))
        return spans

    def keys(self) -> list[str]:
        """Read a dotted key."""
        keys: list[str] = []
        while True:
            self.match(_BLANK)
            key = self.match(_KEY)
            if key is None:
                return keys
            keys.append(key[0].strip("\"'"))
            end = self.offset
            self.match(_BLANK)
            if not self.take("."):
                self.offset = end
                return keys

    def value(self) -> Span:
        """Read a value: up to the end of its line, of its string or of its outermost bracket."""
        start = self.offset
        depth = 0
        while char := self.peek():
            if char in "\"'":
                if self.match(_STRING) is None:
                    self.offset += 1
            elif char == "#" and depth:
                self.match(_COMMENT)
            elif char in "#\n" and not depth:
                break
            else:
                depth += (char in "[{") - (char in "]}")
                self.offset += 1
            if depth == 0 and char in "\"']}":
                break
        return Span(start, start + len(self.text[start : self.offset].rstrip()))


def _resolve(keys: list[str], counts: dict[KeyPath, int], *, many: bool) -> KeyPath:
    """Return the path that a header stands for: each array of tables on the way at its newest element."""
    path: KeyPath = ()
    for position, key in enumerate(keys):
        path = (*path, key)
        if many and position == len(keys) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path
