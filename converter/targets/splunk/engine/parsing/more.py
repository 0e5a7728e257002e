"""The commands whose arguments have files of their own, by name.

name ──COMMANDS──> function that reads the arguments
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.targets.splunk.engine.parsing import chart as parse_chart
from converter.targets.splunk.engine.parsing import rows as parse_rows
from converter.targets.splunk.engine.parsing import tables as parse_tables
from converter.targets.splunk.engine.parsing import text as parse_text
from converter.targets.splunk.engine.parsing.convert import convert
from converter.targets.splunk.engine.parsing.lookup import inputlookup, lookup
from converter.targets.splunk.engine.parsing.transaction import transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.syntax import Command, Span

COMMANDS: dict[str, Callable[[Scanner, Span], Command]] = {
    "accum": parse_rows.accum,
    "addcoltotals": parse_tables.addcoltotals,
    "addtotals": parse_tables.addtotals,
    "autoregress": parse_rows.autoregress,
    "chart": parse_chart.chart,
    "convert": convert,
    "delta": parse_rows.delta,
    "fieldformat": parse_text.fieldformat,
    "filldown": parse_rows.filldown,
    "foreach": parse_text.foreach,
    "inputlookup": inputlookup,
    "lookup": lookup,
    "makeresults": parse_rows.makeresults,
    "mvcombine": parse_rows.mvcombine,
    "nomv": parse_rows.nomv,
    "rare": parse_chart.rare,
    "replace": parse_text.replace,
    "strcat": parse_text.strcat,
    "timechart": parse_chart.timechart,
    "top": parse_chart.top,
    "transaction": transaction,
    "transpose": parse_tables.transpose,
    "uniq": parse_rows.uniq,
    "untable": parse_tables.untable,
    "xyseries": parse_tables.xyseries,
}
# Other names of some of them.
ALIASES = {"ar": "autoregress", "common": "top", "maketable": "xyseries", "transam": "transaction"}
# Those that look at one row at a time.
STREAMING = frozenset({"convert", "fieldformat", "foreach", "lookup", "nomv", "replace", "strcat"})
