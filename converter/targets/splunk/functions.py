"""The functions of eval expressions: their names, how many arguments they take, and how a call is compiled.

    Call ──FUNCTIONS[name].build(compiler, call)──> Compiled

Null in gives null out, unless a function is about null. What a function of single values would make of a multivalue
field is documented for few of them; the others refuse it when it happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.targets.splunk import (
    functions_logic,
    functions_multivalue,
    functions_number,
    functions_text,
    functions_time,
)

if TYPE_CHECKING:
    from converter.targets.splunk.functions_base import Function

like = functions_text.like

FUNCTIONS: dict[str, Function] = {
    **functions_logic.FUNCTIONS,
    **functions_text.FUNCTIONS,
    **functions_number.FUNCTIONS,
    **functions_multivalue.FUNCTIONS,
    **functions_time.FUNCTIONS,
}

_CLOCK = "it depends on the clock; write a fixed time"
_CHANCE = "it gives another value each time"

# Functions that Splunk has and this engine has not.
_NAMES = """
acos acosh asin asinh atan atan2 atanh avg bit_and bit_not bit_or bit_shift_left bit_shift_right bit_xor cluster
commands cos cosh getfields hypot ipmask isarray isobject json json_append json_array json_array_to_mv
json_delete json_entries json_extend json_extract json_extract_exact json_has_key_exact json_keys json_object
json_set json_set_exact json_valid lookup mv_to_json_array mvrange mvzip printf sigfig sin sinh spath sum tan
tanh toarray tobool todouble toint tomv toobject urldecode validate
"""
# ... each with a hint.
UNSUPPORTED: dict[str, str] = {
    "now": _CLOCK,
    "time": _CLOCK,
    "random": _CHANCE,
    **dict.fromkeys(_NAMES.split(), ""),
}
