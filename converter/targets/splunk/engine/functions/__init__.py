"""The functions of eval expressions: their names, how many arguments they take, and how a call is compiled.

    Call ──FUNCTIONS[name].build(compiler, call)──> Compiled

Null in gives null out, unless a function is about null. What a function of single values would make of a multivalue
field is documented for few of them; the others refuse it when it happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.targets.splunk.engine.functions import arrays as functions_arrays
from converter.targets.splunk.engine.functions import convert as functions_convert
from converter.targets.splunk.engine.functions import json as functions_json
from converter.targets.splunk.engine.functions import logic as functions_logic
from converter.targets.splunk.engine.functions import lookup as functions_lookup
from converter.targets.splunk.engine.functions import math as functions_math
from converter.targets.splunk.engine.functions import multivalue as functions_multivalue
from converter.targets.splunk.engine.functions import number as functions_number
from converter.targets.splunk.engine.functions import strftime as functions_strftime
from converter.targets.splunk.engine.functions import text as functions_text
from converter.targets.splunk.engine.functions import time as functions_time

if TYPE_CHECKING:
    from converter.targets.splunk.engine.functions.base import Function

like = functions_text.like

FUNCTIONS: dict[str, Function] = {
    **functions_logic.FUNCTIONS,
    **functions_text.FUNCTIONS,
    **functions_convert.FUNCTIONS,
    **functions_number.FUNCTIONS,
    **functions_math.FUNCTIONS,
    **functions_multivalue.FUNCTIONS,
    **functions_strftime.FUNCTIONS,
    **functions_time.FUNCTIONS,
    **functions_json.FUNCTIONS,
    **functions_arrays.FUNCTIONS,
    **functions_lookup.FUNCTIONS,
}

_UNDOCUMENTED = "what it gives is not documented"

# Functions that Splunk has and this engine has not, each with the reason.
UNSUPPORTED: dict[str, str] = {
    "random": "it gives another value each time",
    "sigfig": "its result depends on how many digits the numbers were written with; use round()",
    "commands": "it is about the text of searches",
    "cluster": _UNDOCUMENTED,
    "getfields": _UNDOCUMENTED,
    "json_has_key": "use json_has_key_exact()",
}
