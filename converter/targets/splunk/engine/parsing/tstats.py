"""The commands that read data models: `tstats`, `datamodel`, `from datamodel`.

count min(_time) as first from datamodel=A.B where B.c=1 by B.d  ──>  Tstats(aggregates, source, where, by)

The grammar is that of searchbnf.conf. Namespaces and `sid` (tscollect), and `PREFIX()`, are refused by name: they read
files of the index that a list of events has not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from converter.errors import suggest
from converter.targets.splunk.engine.commands.aggregates import FUNCTIONS, by_name
from converter.targets.splunk.engine.commands.unsupported import unsupported
from converter.targets.splunk.engine.language.lex import Scanner
from converter.targets.splunk.engine.language.search_parser import parse_search
from converter.targets.splunk.engine.language.syntax import (
    Aggregate,
    DataModel,
    FromDataModel,
    Named,
    Span,
    Tstats,
    Unsupported,
)
from converter.targets.splunk.engine.language.time_spans import time_span

if TYPE_CHECKING:
    from converter.targets.splunk.engine.language.syntax import SearchExpression, TimeSpan

_OPTIONS = (
    "prestats",
    "local",
    "append",
    "summariesonly",
    "include_reduced_buckets",
    "allow_old_summaries",
    "use_summary_index_values",
)
_PERCENTILE = re.compile(r"(?:exactperc|perc|p)([0-9]{1,2}(?:\.[0-9]{1,15})?|100)")
_FUNCTION = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_PREFIX = re.compile(r"PREFIX\s*\(", re.IGNORECASE)
# The pieces of a WHERE that matter for where it ends: a quoted text, a comment, a bracket, a word.
_PIECE = re.compile(r'"(?:\\.|[^"\\])*"|```.*?```|[()\[\]|]|[^\s"()\[\]|`]+|\s+|.', re.DOTALL)
_BY = frozenset({"by", "groupby"})
_NAME = re.compile(r"[A-Za-z0-9_ -]+")
# What the Search Reference does not list for tstats.
_NOT_HERE = frozenset({"list", "sparkline"})


class _Part(Scanner):
    """A scanner for which the command ends at an offset; it begins where another one stands."""

    def __init__(self, scanner: Scanner, stop: int) -> None:
        super().__init__(scanner.text)
        self.__dict__.update(scanner.__dict__)
        self.stop = stop

    def at_command_end(self) -> bool:
        return super().at_command_end() or self.pos >= self.stop


class _Reading:
    """What has been read of a tstats."""

    def __init__(self) -> None:
        self.flags = dict.fromkeys(_OPTIONS, False)
        self.fillnull: str | None = None
        self.aggregates: list[Aggregate] = []
        self.source: DataModel | None = None
        self.where: SearchExpression | None = None
        self.by: list[Named] = []
        self.size: TimeSpan | None = None


def tstats(scanner: Scanner, span: Span) -> Tstats:
    """Read the arguments of `tstats`.

    Raises:
        QueryError: they are none, or hold what this engine does not know.
    """
    read = _Reading()
    while not scanner.at_command_end():
        _argument(scanner, read)
    if not read.aggregates:
        raise scanner.error("tstats without a statistic", span, "for example: count")
    flags = read.flags
    for name in ("append", "use_summary_index_values"):
        if flags[name]:
            raise scanner.error(f"the option {name} of tstats is not supported", span)
    times = [one for one in read.by if one.name == "_time"]
    return Tstats(
        tuple(read.aggregates),
        read.source,
        read.where,
        tuple(read.by),
        read.size if times else None,
        read.fillnull,
        flags["summariesonly"],
        flags["prestats"],
        span,
    )


def _argument(scanner: Scanner, read: _Reading) -> None:
    start = scanner.pos
    match scanner.option():
        case "":
            if scanner.accept_word("from"):
                _once(scanner, start, "from", taken=read.source is not None)
                read.source = _source(scanner)
            elif scanner.accept_word("where"):
                _once(scanner, start, "where", taken=read.where is not None)
                read.where = _where(scanner)
            elif scanner.accept_word(*_BY):
                _once(scanner, start, "by", taken=bool(read.by))
                _by(scanner, read)
            else:
                _aggregate(scanner, read.aggregates)
        case "fillnull_value":
            read.fillnull = scanner.value("a text")
        case "chunk_size":
            scanner.integer("a number")
        case option if option in _OPTIONS:
            read.flags[option] = scanner.boolean(option)
        case option:
            hint = suggest(option, [*_OPTIONS, "fillnull_value", "chunk_size"])
            if option in ("datamodel", "sid"):
                hint = f"write FROM {option}="
            raise scanner.error(f"the option {option} of tstats is not supported", Span(start, len(option)), hint)


def _once(scanner: Scanner, start: int, word: str, *, taken: bool) -> None:
    if taken:
        raise scanner.error(f"a second {word} in tstats", scanner.span_from(start))


def _source(scanner: Scanner) -> DataModel:
    scanner.skip()
    start = scanner.pos
    match scanner.option():
        case "datamodel":
            return _model(scanner)
        case "sid":
            raise scanner.error("FROM sid= is not supported", Span(start, 3), "only data models are")
    raise scanner.error("FROM a namespace of tscollect is not supported", hint="write FROM datamodel=...")


def _model(scanner: Scanner) -> DataModel:
    """Read `A`, `A.B`, or these in quotes."""
    scanner.skip()
    start = scanner.pos
    text = scanner.value("the name of a data model")
    model, dot, name = text.partition(".")
    if not _NAME.fullmatch(model) or (dot and not _NAME.fullmatch(name.rpartition(".")[2])):
        raise scanner.error(f"expected the name of a data model, found {text!r}", scanner.span_from(start))
    return DataModel(model, name.rpartition(".")[2] if dot else None, scanner.span_from(start))


def _where(scanner: Scanner) -> SearchExpression:
    part = _Part(scanner, _end_of_where(scanner))
    if part.at_command_end():
        raise scanner.error(f"expected a condition after where, found {scanner.found()}")
    expression = parse_search(part)
    scanner.pos = part.pos
    return expression


def _end_of_where(scanner: Scanner) -> int:
    """Return the offset of the `by` outside brackets and quotes that ends a WHERE, or of the end of the command."""
    depth = 0
    for piece in _PIECE.finditer(scanner.text, scanner.pos):
        match piece.group():
            case "(" | "[":
                depth += 1
            case ")" | "]" if depth > 0:
                depth -= 1
            case "|" | ")" | "]" if depth <= 0:
                return piece.start()
            case word if depth <= 0 and word.lower() in _BY:
                return piece.start()
    return len(scanner.text)


def _by(scanner: Scanner, read: _Reading) -> None:
    names = {one.name for one in read.by}
    while not scanner.at_command_end():
        scanner.skip()
        start = scanner.pos
        if scanner.option() == "span":
            if scanner.word().lower() == "auto":
                raise scanner.error("span=auto depends on the time range, which a list of events has not")
            read.size = time_span(scanner)
            scanner.accept(",")
            continue
        scanner.pos = start
        _refuse_prefix(scanner)
        name = by_name(scanner, names)
        names.add(name)
        read.by.append(Named(name, scanner.span_from(start)))
        scanner.accept(",")
    if not read.by:
        raise scanner.error(f"expected a field to group by, found {scanner.found()}")


def _refuse_prefix(scanner: Scanner) -> None:
    scanner.skip()
    if _PREFIX.match(scanner.text, scanner.pos):
        raise scanner.error("PREFIX() of tstats, which reads the terms of an index", Span(scanner.pos, len("PREFIX")))


def _aggregate(scanner: Scanner, into: list[Aggregate]) -> None:
    """Read one statistic: `count`, or a function of a field; expressions are not for tstats."""
    scanner.skip()
    start = scanner.pos
    match = _FUNCTION.match(scanner.text, start)
    if match is None:
        raise scanner.error(f"expected a statistic, found {scanner.found()}")
    written = match.group(0)
    function, percent = _function(scanner, written, Span(start, len(written)))
    scanner.pos = match.end()
    argument: str | None = None
    if scanner.accept("("):
        if scanner.peek() != ")":
            argument = _field(scanner)
        scanner.expect(")", f"to close {written}")
    if argument is None and function != "count":
        raise scanner.error(f"{written} without a field", Span(start, len(written)), f"write {written}(field)")
    span = scanner.span_from(start)
    name = written if argument is None else f"{written}({argument})"
    if scanner.accept_word("as"):
        name = scanner.name("a name")
        if "*" in name:
            raise scanner.error("a wildcard in the name of a statistic", span)
    if name in (aggregate.name for aggregate in into):
        raise scanner.error(f"two statistics with the name {name!r}", span, "rename one with as")
    into.append(Aggregate(function, argument, name, percent, span))
    scanner.accept(",")


def _field(scanner: Scanner) -> str:
    _refuse_prefix(scanner)
    start = scanner.pos
    if scanner.word() == "eval":
        raise scanner.error("an expression in a statistic of tstats", Span(start, 4), "put | stats after tstats")
    name = scanner.name("a field")
    if "*" in name:
        raise scanner.error("a wildcard as the field of a statistic", scanner.span_from(start), "name the fields")
    return name


def _function(scanner: Scanner, written: str, span: Span) -> tuple[str, float | None]:
    lower = written.lower()
    if lower in FUNCTIONS and lower not in _NOT_HERE:
        return FUNCTIONS[lower], None
    if match := _PERCENTILE.fullmatch(lower):
        return "percentile", float(match.group(1))
    known = [name for name in FUNCTIONS if name not in _NOT_HERE]
    raise scanner.error(f"the statistic {written} is not supported in tstats", span, suggest(lower, known))


def datamodel(scanner: Scanner, span: Span) -> FromDataModel | Unsupported:
    """Read `datamodel X Y search` or `flat`; in other forms it describes a model, which this engine does not.

    Raises:
        QueryError: an unknown option.
    """
    scanner.skip()
    start = scanner.pos
    words: list[str] = []
    flags = {"allow_old_summaries": False, "summariesonly": False, "strict_fields": True}
    while not scanner.at_command_end():
        here = scanner.pos
        option = scanner.option()
        if option in flags:
            flags[option] = scanner.boolean(option)
        elif option:
            raise scanner.error(
                f"the option {option} of datamodel is not supported", Span(here, len(option)), suggest(option, flags)
            )
        else:
            words.append(scanner.value("a name"))
    if len(words) != 3 or words[2] not in ("search", "flat"):  # noqa: PLR2004
        return Unsupported("datamodel", " ".join(words), span)
    source = DataModel(words[0], words[1], scanner.span_from(start))
    return FromDataModel(source, words[2] == "flat", flags["strict_fields"], span)


def from_dataset(scanner: Scanner, span: Span) -> FromDataModel | Unsupported:
    """Read `from datamodel:X.Y`; the colon may be a space. Other kinds of data sets are not supported.

    Raises:
        QueryError: the name is none of a data model.
    """
    kind = scanner.word()
    if kind.lower() != "datamodel":
        return unsupported(scanner, span, "from")
    scanner.pos += len(kind)
    scanner.accept(":")
    return FromDataModel(_model(scanner), flat=True, strict=False, span=span)
