"""The functions of EQL as one table, by their names in lower case: the checker and the compilers know no others.

name ──FUNCTIONS──> Function
name ──UNSUPPORTED──> an error that names it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.targets.eql.engine.functions import addresses, numbers, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.targets.eql.engine.functions.base import Function

FUNCTIONS: Mapping[str, Function] = {
    function.name.lower(): function for function in (*text.FUNCTIONS, *numbers.FUNCTIONS, *addresses.FUNCTIONS)
}

# Elasticsearch's own, and those that only Endgame's EQL has. Source: docs "EQL function reference", and "EQL syntax
# reference", section "Differences from Endgame EQL syntax".
_NAMES = (
    "add",
    "arrayContains",
    "arrayCount",
    "arraySearch",
    "between",
    "cidrMatch",
    "concat",
    "divide",
    "endsWith",
    "indexOf",
    "length",
    "match",
    "modulo",
    "multiply",
    "number",
    "startsWith",
    "string",
    "stringContains",
    "substring",
    "subtract",
)
UNSUPPORTED: Mapping[str, str] = {name.lower(): name for name in _NAMES if name.lower() not in FUNCTIONS}
"""The functions that EQL has and this engine has not, as the documentation writes them."""
