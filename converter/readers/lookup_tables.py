"""Read tables for queries that look something up: CSV by its ending, else newline-delimited JSON or a JSON array.

path ──> rows: one dict each, in order; of CSV every value is a text
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.errors import LogError, Place, UnreadableLogError
from converter.readers.logs import read_log
from converter.readers.scope import ScopeError, check_named
from converter.readers.whole_file import read_file

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_table(path: str | Path) -> list[dict[str, Any]]:
    """Return the rows of a table.

    Args:
        path: a file whose name ends in `.csv`, with a line of column names; any other file is read as a log is.

    Raises:
        LogError: a line is not a row; with its place.
        UnreadableLogError: the file cannot be read.
    """
    path = Path(path)
    if path.suffix.lower() != ".csv":
        return [event.data for event in read_log(path, size_limit="case-bytes")]
    try:
        check_named(path)
        text = read_file(path, "case-bytes").decode("utf-8-sig")
        return list(_rows(io.StringIO(text, newline=""), str(path)))
    except ScopeError as error:
        raise UnreadableLogError(f"the table {path} {error}", hint=error.hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableLogError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None


def _rows(lines: Iterator[str], name: str) -> Iterator[dict[str, Any]]:
    reader = csv.reader(lines, strict=True)

    def fail(message: str) -> LogError:
        return LogError(message, Place(name, max(1, reader.line_num), 1, ""))

    try:
        header = next(reader, None)
        if not header:
            raise fail("the table has no line of column names")
        if len(set(header)) < len(header):
            raise fail("two columns of one name")
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise fail(f"{len(row)} values in a table of {len(header)} columns")
            yield dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise fail(f"the line is not valid CSV: {error}") from None
