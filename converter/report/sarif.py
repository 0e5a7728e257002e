"""Findings as SARIF 2.1.0 (Static Analysis Results Interchange Format), which code hosts show beside the lines."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from converter.report.check import code_of, kind_of
from converter.report.console import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.errors import SourceError

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"error": "error", "bug": "error", "refused": "error", "left-out": "warning", "warning": "warning"}


def sarif(findings: Sequence[SourceError], version: str) -> dict[str, Any]:
    """Return findings as a SARIF log with one run.

    Args:
        findings: errors and warnings.
        version: of this program.
    """
    codes = list(dict.fromkeys(code_of(finding) for finding in findings))
    driver = {
        "name": "sigma-convert",
        "version": version,
        "rules": [{"id": code} for code in codes],
    }
    results = [_result(finding, codes.index(code_of(finding))) for finding in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: SourceError, index: int) -> dict[str, Any]:
    text = _plain(f"{finding.message}\n{finding.hint}" if finding.hint else finding.message)
    result: dict[str, Any] = {
        "ruleId": code_of(finding),
        "ruleIndex": index,
        "level": _LEVELS[kind_of(finding)],
        "message": {"text": text},
    }
    place = finding.place
    if place is not None:
        region = {"startLine": place.line, "startColumn": place.column, "endColumn": place.column + place.length}
        artifact = {"uri": quote(os.fsencode(place.name.replace("\\", "/")))}
        result["locations"] = [{"physicalLocation": {"artifactLocation": artifact, "region": region}}]
    return result


def _plain(text: str) -> str:
    """Return a message in which no text of a rule is a link, as `[text](address)` is in a plain message of SARIF."""
    return "\n".join(map(printable, text.replace("](", "] (").split("\n")))
