"""Floating-point fields that hold less than a double: what an index stores of a number, and what a query looks for.

    float, half_float, scaled_float(FACTOR) + number ──stored──> the double that doc values give
    the same + number of a query, `equal` ──queried──> the number that Lucene compares with what is stored

A field of ECS has the scaling factor 1,000; that of another is written after its type: `scaled_float(100)`. Sources:
NOTES.md, "Values".
"""

from __future__ import annotations

import math
import re
import struct

ECS_SCALING_FACTOR = 1_000.0
_SCALED = re.compile(r"scaled_float(?:\(([0-9.]+)\))?")
_LONG_MAX, _LONG_MIN = 2**63 - 1, -(2**63)
_EXACT = 2.0**52


def is_narrow(kind: str) -> bool:
    """Return whether a type holds only some of the doubles."""
    return kind in {"float", "half_float"} or _SCALED.fullmatch(kind) is not None


def stored(number: float, kind: str) -> float | None:
    """Return what a field of a narrow type stores of a finite number, as a double; None if it is out of range."""
    if kind in {"float", "half_float"}:
        return _packed(number, kind)
    factor = _factor(kind)
    product = number * factor
    if math.isinf(product):
        return (_LONG_MAX if product > 0 else _LONG_MIN) / factor
    return max(_LONG_MIN, min(_LONG_MAX, round_half_up(product))) / factor


def queried(number: float, kind: str, *, equal: bool) -> float:
    """Return what a query for a number compares with the stored values: for equality, or for a range."""
    if kind == "float" or equal:
        nearest = stored(number, kind)
        return number if nearest is None else nearest
    if kind == "half_float":
        nearest = _packed(number, "float")
        return number if nearest is None else nearest
    return number


def round_half_up(number: float) -> int:
    """Return the nearest whole number, halves upwards, as `Math.round` of Java."""
    if abs(number) >= _EXACT:
        return int(number)
    down = math.floor(number)
    return down + (number - down >= 0.5)  # noqa: PLR2004  a half


def _packed(number: float, kind: str) -> float | None:
    try:
        single: float = struct.unpack("<f", struct.pack("<f", number))[0]
        if kind == "half_float":
            half: float = struct.unpack("<e", struct.pack("<e", single))[0]
            return half
    except OverflowError:
        return None
    return single


def _factor(kind: str) -> float:
    match = _SCALED.fullmatch(kind)
    return float(match[1]) if match is not None and match[1] else ECS_SCALING_FACTOR
