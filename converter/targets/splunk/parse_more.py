"""The commands whose arguments have files of their own, by name.

name ──COMMANDS──> function that reads the arguments
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.targets.splunk.parse_convert import convert
from converter.targets.splunk.parse_lookup import inputlookup, lookup
from converter.targets.splunk.parse_transaction import transaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.targets.splunk.lex import Scanner
    from converter.targets.splunk.syntax import Command, Span

COMMANDS: dict[str, Callable[[Scanner, Span], Command]] = {
    "convert": convert,
    "inputlookup": inputlookup,
    "lookup": lookup,
    "transaction": transaction,
}
# Those that look at one row at a time.
STREAMING = frozenset({"convert", "lookup"})
