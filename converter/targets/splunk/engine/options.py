"""The options that this engine reads, by command: what a misspelled one is compared with.

A test parses each of them, so that none is listed that the command does not take.
"""

from __future__ import annotations

_TOP = ("limit", "showcount", "showperc", "useother", "countfield", "percentfield", "otherstr")
_CHART = ("span", "limit", "cont", "useother", "usenull", "otherstr", "nullstr", "sep", "format", "dedup_splitvals")

OPTIONS: dict[str, tuple[str, ...]] = {
    "addcoltotals": ("labelfield", "label"),
    "addtotals": ("row", "col", "fieldname", "labelfield", "label"),
    "bin": ("span",),
    "chart": _CHART,
    "convert": ("timeformat",),
    "dedup": ("keepempty", "keepevents", "consecutive"),
    "fillnull": ("value",),
    "foreach": ("mode", "fieldstr", "matchstr", "matchseg1", "matchseg2", "matchseg3"),
    "head": ("limit", "null", "keeplast"),
    "inputlookup": ("append", "start", "max", "strict"),
    "lookup": ("local", "update"),
    "makemv": ("delim", "tokenizer", "allowempty"),
    "makeresults": ("count", "annotate"),
    "mvcombine": ("delim",),
    "mvexpand": ("limit",),
    "rare": _TOP,
    "rex": ("field", "max_match", "mode"),
    "spath": ("input", "path", "output"),
    "strcat": ("allrequired",),
    "timechart": (*_CHART, "fixedrange", "partial"),
    "top": _TOP,
    "transaction": (
        "maxspan", "maxpause", "maxevents", "maxopentxn", "maxopenevents", "startswith", "endswith", "connected",
        "keeporphans", "keepevicted", "mvlist", "mvraw", "nullstr", "delim",
    ),
    "transpose": ("column_name", "header_field", "include_empty"),
    "xyseries": ("sep", "format", "grouped"),
}  # fmt: skip
