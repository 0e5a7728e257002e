"""The tree of an SPL search: commands of a pipeline, search expressions, eval expressions.

    text ──parse──> Pipeline(commands) ──execute──> rows

Every node knows the `Span` of text that it came from. Spans take no part in equality, so that two texts that differ
only in spacing give equal trees.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal, TypeAlias

ComparisonOperator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">="]
LogicalOperator: TypeAlias = Literal["AND", "OR", "XOR"]
BinaryOperator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">=", "LIKE", "+", "-", "*", "/", "%", "."]
SortKind: TypeAlias = Literal["auto", "num", "str", "ip"]
TimeUnit: TypeAlias = Literal["us", "ms", "cs", "ds", "s", "m", "h", "d", "mon", "q", "y"]


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node stands: 0-based offset of its first character, and its length."""

    start: int
    length: int = 1


NOWHERE = Span(0, 0)


# --- search expressions ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pattern:
    """A value of a search: literal pieces with a wildcard between each two of them.

    `("a", "b")` is `a*b`; `("a",)` has no wildcard. `cased` is set by `CASE()`.
    """

    parts: tuple[str, ...]
    cased: bool = False


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word or phrase that is looked for in `_raw`; `term` is set by `TERM()`."""

    pattern: Pattern
    term: bool = False
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field=value`, `field!=value`, `field<value` ..."""

    field: str
    operator: ComparisonOperator
    value: Pattern
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Membership:
    """`field IN (value, ...)`."""

    field: str
    values: tuple[Pattern, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class And:
    """All of the items; no item at all is always true."""

    items: tuple[SearchExpression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of the items."""

    items: tuple[SearchExpression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not the item."""

    item: SearchExpression


@dataclass(frozen=True, slots=True)
class TimeBound:
    """`earliest=...` or `latest=...`: a bound of `_time`, as written; what it is depends on when the search runs."""

    edge: Literal["earliest", "latest"]
    modifier: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Subsearch:
    """`[search ...]` in an expression: stands for the text that its results are formatted to."""

    pipeline: Pipeline
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


SearchExpression: TypeAlias = Keyword | Comparison | Membership | And | Or | Not | TimeBound | Subsearch


# --- eval expressions -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    value: int | float
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class String:
    """A text in double quotes, its escapes resolved."""

    value: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Field:
    """A field: a bare name, or any name in single quotes."""

    name: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; the name is as written."""

    function: str
    arguments: tuple[Expression, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`NOT x` or `-x`."""

    operator: Literal["NOT", "-"]
    operand: Expression
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and an operator; the span is the operator's."""

    operator: BinaryOperator
    left: Expression
    right: Expression
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Logical:
    """Two or more boolean operands of one operator; the span is the first operator's."""

    operator: LogicalOperator
    operands: tuple[Expression, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


Expression: TypeAlias = Number | String | Field | Call | Unary | Binary | Logical | Subsearch


# --- commands -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Search:
    """`search <expression>`, or the implied first command."""

    expression: SearchExpression


@dataclass(frozen=True, slots=True)
class AddInfo:
    """`addinfo`: the time range of the search in each row."""

    span: Span


@dataclass(frozen=True, slots=True)
class Where:
    """`where <boolean expression>`."""

    expression: Expression
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Assignment:
    """`field=expression` of an eval."""

    name: str
    expression: Expression
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Eval:
    """`eval a=..., b=...`: from left to right, each seeing the ones before it."""

    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`function(argument) as name`; `percent` is the number of a percentile.

    A field as argument may hold one `*`, for every field of such a name; then the `*` of the name is what it stood for.
    """

    function: str
    argument: str | Expression | None
    name: str
    percent: float | None = None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Stats:
    """`stats ... by ...`: one row a group; `distinct_keys` counts equal values of a multivalue `by` field once."""

    aggregates: tuple[Aggregate, ...]
    by: tuple[str, ...]
    distinct_keys: bool = False


@dataclass(frozen=True, slots=True)
class EventStats:
    """`eventstats ... by ...`: every row keeps its fields and gains those of its group."""

    aggregates: tuple[Aggregate, ...]
    by: tuple[str, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StreamStats:
    """`streamstats`: running statistics over a window of the rows so far; `window` 0 is no limit."""

    aggregates: tuple[Aggregate, ...]
    by: tuple[str, ...]
    window: int
    current: bool
    shared: bool
    time_window: float | None
    reset_on_change: bool = False
    reset_before: Expression | None = None
    reset_after: Expression | None = None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """A number of time units."""

    count: int
    unit: TimeUnit


@dataclass(frozen=True, slots=True)
class Bin:
    """`bin field span=... as target`; a plain number is a numeric span."""

    field: str
    size: TimeSpan | int
    target: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SortKey:
    """One field of a sort."""

    field: str
    descending: bool
    kind: SortKind
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Sort:
    """`sort`; `limit` 0 keeps every row, None as many as the limits say; `flipped` is the trailing `desc`."""

    limit: int | None
    keys: tuple[SortKey, ...]
    flipped: bool


@dataclass(frozen=True, slots=True)
class Head:
    """`head N`."""

    count: int


@dataclass(frozen=True, slots=True)
class Tail:
    """`tail N`: the last rows, last first."""

    count: int


@dataclass(frozen=True, slots=True)
class Reverse:
    """`reverse`."""


@dataclass(frozen=True, slots=True)
class Dedup:
    """`dedup N fields`: the first N rows of each combination of values."""

    count: int
    fields: tuple[str, ...]
    keep_empty: bool
    consecutive: bool
    keep_events: bool = False
    order: tuple[SortKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Fields:
    """`fields + list` or `fields - list`; names may hold wildcards."""

    keep: bool
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`table list`; names may hold wildcards."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rename:
    """`rename a as b, c as d`."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Regex:
    """`regex field="..."`; negated by `!=`."""

    field: str
    pattern: str
    negated: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rex:
    """`rex field=... "(?<name>...)"`; `max_match` 0 is no limit."""

    field: str
    pattern: str
    max_match: int
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FillNull:
    """`fillnull value=... fields`; no fields means every field of the rows."""

    value: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MvExpand:
    """`mvexpand field limit=N`; 0 is no limit."""

    field: str
    limit: int


@dataclass(frozen=True, slots=True)
class MakeMv:
    """`makemv delim="..." field`, or `tokenizer="..."` with an expression whose first group is a value."""

    field: str
    delimiter: str
    allow_empty: bool
    tokenizer: str | None = None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Spath:
    """`spath input=... path=... output=...`; no path means every leaf."""

    source: str
    path: str | None
    output: str | None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


ConvertFunction: TypeAlias = Literal[
    "auto", "ctime", "dur2sec", "memk", "mktime", "mstime", "none", "num", "rmcomma", "rmunit"
]


@dataclass(frozen=True, slots=True)
class Conversion:
    """`function(field) as target` of a convert; the field and its target may hold wildcards; no target is in place."""

    function: ConvertFunction
    field: str
    target: str | None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Convert:
    """`convert timeformat=... function(field) as target ...`."""

    time_format: str
    conversions: tuple[Conversion, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Lookup:
    """`lookup table field as ours OUTPUT column as theirs`.

    Attributes:
        table: the name of the table.
        matches: column of the table, field of the row: all of them must be equal.
        outputs: column of the table, field of the row; None is every column that is not matched by.
        overwrite: false for OUTPUTNEW.
    """

    table: str
    matches: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...] | None
    overwrite: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class InputLookup:
    """`inputlookup append=... start=... max=... table where ...`; no maximum is every row."""

    table: str
    append: bool
    start: int
    maximum: int | None
    where: SearchExpression | None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Transaction:
    """`transaction fields options`.

    Attributes:
        fields: what the events of a transaction share.
        max_span, max_pause, max_events: None is no limit.
        starts, ends: the filters of the first and the last event; None if none is given.
        connected: an event that shares no field with any transaction opens one.
        unify_ends: also the events at the ends must share a field.
        keep_orphans: events of no transaction pass, marked.
        keep_evicted: transactions that are not closed pass.
        max_open, max_open_events: None is the limit of limits.conf.
        lists: fields that keep every value in order; True is all of them.
        null: what a list has for an event without the field.
        delimiter: what stands between values where they become one text.
        raw_list: `_raw` keeps every value.
    """

    fields: tuple[str, ...]
    max_span: float | None = None
    max_pause: float | None = None
    max_events: int | None = 1000
    starts: Search | Where | None = None
    ends: Search | Where | None = None
    connected: bool = True
    unify_ends: bool = True
    keep_orphans: bool = False
    keep_evicted: bool = False
    max_open: int | None = None
    max_open_events: int | None = None
    lists: bool | tuple[str, ...] = False
    null: str = "NULL"
    delimiter: str | None = None
    raw_list: bool = False
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Series:
    """The columns of a chart: one for each value of a field, and what becomes of the others.

    Attributes:
        field: the field whose values are the columns.
        size: the span its numbers are put into; None keeps them.
        limit: how many columns; 0 is all.
        bottom: keep the lowest, not the highest.
        null, other: names of the columns for rows without the field, and for the values beyond the limit; None is none.
        separator, form: how several statistics and the value make a name; `form` has `$AGG$` and `$VAL$`.
    """

    field: str
    size: TimeSpan | int | None
    limit: int
    bottom: bool
    null: str | None
    other: str | None
    separator: str
    form: str | None


@dataclass(frozen=True, slots=True)
class Chart:
    """`chart` and `timechart`: a row for each value of one field, a column for each of another.

    Attributes:
        command: the name of the command.
        aggregates: the statistics.
        row: the field of the rows; None is one row for everything. `_time` for timechart.
        size: the span of the row's field; None keeps its values.
        series: the columns; None is one for each statistic.
        continuous: rows without events between the first and the last are filled in.
    """

    command: Literal["chart", "timechart"]
    aggregates: tuple[Aggregate, ...]
    row: str | None
    size: TimeSpan | int | None
    series: Series | None
    continuous: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Top:
    """`top` and `rare`: the most or least frequent combinations of values.

    Attributes:
        fields: the combination.
        by: groups, each with a list of its own.
        limit: combinations of a group; 0 is all.
        rare: the least frequent.
        count_name, percent_name: the names of the columns; None shows none.
        other: the value of a row for the combinations beyond the limit; None is no such row.
    """

    fields: tuple[str, ...]
    by: tuple[str, ...]
    limit: int
    rare: bool
    count_name: str | None
    percent_name: str | None
    other: str | None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FillDown:
    """`filldown fields`: a missing value is the last one before it; no fields means every field."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MvCombine:
    """`mvcombine field`: rows that differ in one field only become one."""

    field: str
    delimiter: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NoMv:
    """`nomv field`: several values become one text."""

    field: str


@dataclass(frozen=True, slots=True)
class MakeResults:
    """`makeresults count=N`: rows that have the time of the search only."""

    count: int
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Sed:
    """`rex mode=sed "s/pattern/replacement/flags"`; `occurrence` 0 is every match, N the Nth only."""

    field: str
    pattern: str
    replacement: tuple[str | int, ...]
    occurrence: int
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Transliterate:
    """`rex mode=sed "y/abc/xyz/"`: each character of the first becomes the one of the second at its place."""

    field: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class HeadWhile:
    """`head (condition) limit=N null=... keeplast=...`; no limit keeps every row for as long as the condition holds."""

    condition: Expression
    limit: int | None
    null: bool
    keep_last: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AddTotals:
    """`addtotals`, `addcoltotals`: sums along the rows, along the columns, or both; no names means every field."""

    rows: bool
    columns: bool
    names: tuple[str, ...]
    target: str
    label_field: str | None
    label: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Accum:
    """`accum field as target`: a running total."""

    field: str
    target: str


@dataclass(frozen=True, slots=True)
class Delta:
    """`delta field as target p=N`: the difference to the row N before."""

    field: str
    target: str
    distance: int


@dataclass(frozen=True, slots=True)
class AutoRegress:
    """`autoregress field p=first-last`: values of rows before, each in a field of its own."""

    field: str
    targets: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class XySeries:
    """`xyseries x name values`: rows of one x become one row, with a column for each name."""

    x: str
    name: str
    values: tuple[str, ...]
    separator: str
    form: str | None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Untable:
    """`untable x name value`: every other field of a row becomes a row."""

    x: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Transpose:
    """`transpose N column_name=... header_field=... include_empty=...`; 0 is every row."""

    limit: int
    column: str
    header: str | None
    include_empty: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Uniq:
    """`uniq`: a row that equals the one before it is dropped."""


@dataclass(frozen=True, slots=True)
class FieldFormat:
    """`fieldformat name=expression`: how a field is shown; its value stays."""

    assignment: Assignment


@dataclass(frozen=True, slots=True)
class StrCat:
    """`strcat parts target`: fields and texts one after the other."""

    parts: tuple[String | Field, ...]
    target: str
    all_required: bool


@dataclass(frozen=True, slots=True)
class Replace:
    """`replace old with new, ... in fields`; no fields means every field."""

    pairs: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ForEach:
    """`foreach patterns [template]`: the template runs once for each field that matches.

    Attributes:
        patterns: names with wildcards.
        template: the text between the square brackets.
        tokens: what is replaced in the template: the whole name, what the wildcards matched, the first, second, third.
    """

    patterns: tuple[str, ...]
    template: str
    tokens: tuple[str, str, str, str, str]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class MultiSearch:
    """`multisearch [search ...] [search ...]`: the results of all of them."""

    searches: tuple[Pipeline, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A name as written, and where."""

    name: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class DataModel:
    """A data model and one of its data sets; None is its only root."""

    model: str
    dataset: str | None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Tstats:
    """`tstats ... from datamodel=... where ... by ...`; without a source it is over the fields of the index."""

    aggregates: tuple[Aggregate, ...]
    source: DataModel | None
    where: SearchExpression | None
    by: tuple[Named, ...]
    size: TimeSpan | None
    fillnull: str | None
    summaries_only: bool
    prestats: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FromDataModel:
    """`datamodel X Y search`, `from datamodel:X.Y`: events with the fields of a data set; `flat` without prefixes."""

    source: DataModel
    flat: bool
    strict: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Append:
    """`append maxout=N [...]`: the results of a search after the rows."""

    pipeline: Pipeline
    limit: int | None


@dataclass(frozen=True, slots=True)
class AppendPipe:
    """`appendpipe [...]`: the rows, and what commands make of them."""

    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class AppendCols:
    """`appendcols override=... maxout=N [...]`: the fields of the Nth result go to the Nth row."""

    pipeline: Pipeline
    override: bool
    limit: int | None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Union:
    """`union maxout=N [...] [...]`: the results of all searches; after other commands, behind the rows."""

    searches: tuple[Pipeline, ...]
    limit: int | None


@dataclass(frozen=True, slots=True)
class SetOperation:
    """`set union|diff|intersect [...] [...]`: two sets of results, in which equal rows are one."""

    operation: Literal["union", "diff", "intersect"]
    left: Pipeline
    right: Pipeline


@dataclass(frozen=True, slots=True)
class Join:
    """`join type=... max=N overwrite=... fields [...]`.

    Attributes:
        fields: what must be equal; none is refused when compiling.
        pipeline: the search whose results are joined.
        keep_unmatched: type left, or outer: a row without a match stays.
        matches: results that one row joins with; 0 is all.
        overwrite: fields of the results win.
        by_time: usetime, which is refused when compiling.
    """

    fields: tuple[str, ...]
    pipeline: Pipeline
    keep_unmatched: bool
    matches: int
    overwrite: bool
    by_time: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Format:
    """`format`: all rows as the text of a search, in the field `search`.

    Attributes:
        marks: row prefix, column prefix, column separator, column end, row separator, row end.
        values: what stands between values of one field.
        limit: rows; 0 is all.
        empty: the text for no rows.
        quote: the text is put into quotes.
    """

    marks: tuple[str, str, str, str, str, str] = ("(", "(", "AND", ")", "OR", ")")
    values: str = "OR"
    limit: int = 0
    empty: str = "NOT ( )"
    quote: bool = False
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Returned:
    """An item of `return`: `field`, `alias=field`, or `$field`, whose value alone is returned; then `alias` is None."""

    field: str
    alias: str | None


@dataclass(frozen=True, slots=True)
class Return:
    """`return N items`: the first rows as the text of a search, in the field `search`."""

    count: int
    items: tuple[Returned, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A command of Splunk that this engine parses and does not run: its name and the text of its arguments.

    `construct` says what is not supported if that is less than the command.
    """

    name: str
    arguments: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)
    construct: str = ""


Command: TypeAlias = (
    Search
    | AddInfo
    | Where
    | Eval
    | Stats
    | EventStats
    | StreamStats
    | Bin
    | Sort
    | Head
    | Tail
    | Reverse
    | Dedup
    | Fields
    | Table
    | Rename
    | Regex
    | Rex
    | FillNull
    | MvExpand
    | MakeMv
    | Spath
    | Convert
    | Lookup
    | InputLookup
    | Transaction
    | Chart
    | Top
    | FillDown
    | MvCombine
    | NoMv
    | MakeResults
    | Sed
    | Transliterate
    | HeadWhile
    | AddTotals
    | Accum
    | Delta
    | AutoRegress
    | XySeries
    | Untable
    | Transpose
    | Uniq
    | FieldFormat
    | StrCat
    | Replace
    | ForEach
    | MultiSearch
    | Tstats
    | FromDataModel
    | Append
    | AppendPipe
    | AppendCols
    | Union
    | SetOperation
    | Join
    | Format
    | Return
    | Unsupported
)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands in the order in which they run."""

    commands: tuple[Command, ...]
