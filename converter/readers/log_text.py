"""Say what the beginning of a log looks like that is not JSON.

first bytes ──look_of──> Look(what it is, how to give it), or None for what looks like nothing known
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Look(NamedTuple):
    """What a log looks like, and what to do with it."""

    what: str
    hint: str


_CONVERT = "convert it to JSON first, one object a line"
_UNPACK = "unpack it first"
# The first bytes of files that are not text.
_BINARY: tuple[tuple[bytes, Look], ...] = (
    (
        b"ElfFile\x00",
        Look("a Windows event log (EVTX)", "convert it to JSON first, for example with evtx_dump -o jsonl"),
    ),
    (b"PK\x03\x04", Look("a zip archive", _UNPACK)),
    (b"\x28\xb5\x2f\xfd", Look("compressed with zstd", _UNPACK)),
    (b"BZh", Look("compressed with bzip2", _UNPACK)),
    (b"\xfd7zXZ\x00", Look("compressed with xz", _UNPACK)),
    (b"7z\xbc\xaf\x27\x1c", Look("a 7z archive", _UNPACK)),
    (b"PAR1", Look("a Parquet file", _CONVERT)),
    (b"Obj\x01", Look("an Avro file", _CONVERT)),
    (b"\xd4\xc3\xb2\xa1", Look("a capture of packets", "give the logs that a sensor makes of it")),
    (b"\x0a\x0d\x0d\x0a", Look("a capture of packets", "give the logs that a sensor makes of it")),
)
_NAME = r"[A-Za-z_@][\w.@{}:-]*"
_SYSLOG = "syslog (RFC 3164)"
# Tried in this order on the first line that is not blank.
_LINES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?:<\?xml|<Events?\b)"), "XML"),
    (re.compile(r"<\d{1,3}>\d{1,2} \S+ \S+ "), "syslog (RFC 5424)"),
    (re.compile(r"(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S"), _SYSLOG),
    (re.compile(r"(?:<\d{1,3}>)?\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d) \S+ [\w./-]+(?:\[\d+\])?: "), _SYSLOG),
    (re.compile(r"(?:.*\s)?CEF:\d+\|"), "CEF"),
    (re.compile(r"(?:.*\s)?LEEF:\d"), "LEEF"),
    (re.compile(r"(?:node=\S+ )?type=\w+ msg=audit\("), "a log of auditd"),
    (re.compile(r"#(?:Software|Version|Fields|Date|separator)\b"), "a log with a header in comments (W3C, IIS, Zeek)"),
    (re.compile(r'\S+ \S+ \S+ \[[^\]]+\] "'), "a web server's access log"),
    (re.compile(rf'{_NAME}=(?:"[^"]*"|\S*)(?:[,;]?\s+{_NAME}=(?:"[^"]*"|[^"]*?))+\s*$'), "key=value lines"),
    (re.compile(rf'"?{_NAME}"?(?:\t"?{_NAME}"?)+\s*$'), "a table with tabs (TSV)"),
    (re.compile(rf'"?{_NAME}"?(?:,"?[\w .@:{{}}-]+"?)+\s*$'), "a table with commas (CSV)"),
    (re.compile(rf'"?{_NAME}"?(?:;"?[\w .@:{{}}-]+"?)+\s*$'), "a table with semicolons (CSV)"),
    (re.compile(r"---\s*$|[A-Za-z_][\w.-]*: \S"), "YAML or a list of `name: value`"),
)
_RAW_COLUMN = re.compile(r'(?:^|,)"?_raw"?(?:,|\s*$)')


def look_of(line: bytes) -> Look | None:
    """Return what a log looks like, by its first line that is not blank; None if nothing says."""
    for magic, look in _BINARY:
        if line.startswith(magic):
            return look
    text = line.decode("utf-8", "replace").strip()
    for pattern, what in _LINES:
        if pattern.match(text):
            if what.endswith("(CSV)") and _RAW_COLUMN.search(text):
                return Look("a CSV export of Splunk, with a column _raw", "export it from Splunk as JSON")
            return Look(what, _CONVERT)
    return None
