"""Plan to `tstats` over a data model: the format `data_model`.

    Expr ──split──> terms for the `where` of tstats | conditions for a `where` over its rows
    state of the pipeline (data_model_set, fields) ──> from datamodel=... by ...

A row stands for the events that agree in every field of `by`, and has their count, first and last time. All fields of
the rule are in `by`, so a condition on the rows of tstats says of each of its events what it says of the row. `by`
leaves out events that lack a field, unless `fillnull_value` fills it: that value is taken out again before a condition
sees it.

A data model is not a copy of the event: it writes "unknown" where a value is missing, and works some fields out of
others (data_models.toml). Each comparison of the rule is evaluated on such values; if that can change what it says,
the verdict assumes that the log has none of them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from converter.errors import ConfigurationError, suggest
from converter.plan import nodes as ir
from converter.reference.match import matches
from converter.reference.values import number_of
from converter.targets.core.emission import Emission, check_context, refused
from converter.targets.core.target import free_column
from converter.targets.splunk.emitter.numbers import PlainNumber, as_searched, digits, written_plainly
from converter.targets.splunk.emitter.quoting import search_value
from converter.targets.splunk.emitter.search import is_printable, is_text
from converter.targets.splunk.emitter.where import condition
from converter.verdicts.verdict import Assumption

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from converter.errors import Place
    from converter.targets.core.target import Context, Event, Query

FILL = "(none)"
_BASE = frozenset({"host", "source", "sourcetype", "index"})
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)
_TAG = re.compile(r"tag=(\w+)")


def emit_data_model(plan: ir.Plan, context: Context, formats: Mapping[str, str], options: Mapping[str, str]) -> Query:
    """Return the search over a data model that the pipeline of the rule names.

    Raises:
        RefusedError: no data model, one that is not known, a field that it lacks, or what `tstats` cannot say.
    """
    check_context("splunk", context, formats, options)
    if isinstance(plan, ir.Correlation):
        raise refused(
            "the rows of tstats stand for many events, and a correlation looks at single ones",
            "correlation over a data model",
            plan.place,
            "convert it to the format default",
        )
    emission = Emission(context)
    data_set = _data_set(context.state.get("data_model_set"), plan)
    _check(plan.expr, data_set, emission)
    emission.assume(_tagged(data_set))
    shown, unknown = _shown(context.state.get("fields"), data_set)
    by = list(dict.fromkeys([*shown, *ir.fields_of(plan.expr)]))
    lines = _lines(plan.expr, data_set, by, emission, summaries=_summaries(context, emission))
    query = emission.query(plan, "splunk", "spl", "\n".join(lines))
    warnings = (
        (f"the data model {data_set.model} has no field {', '.join(unknown)}, so no row shows it",) if unknown else ()
    )
    return replace(query, format="data_model", warnings=query.warnings + warnings)


def _summaries(context: Context, emission: Emission) -> bool:
    match context.options.get("summariesonly", "false"):
        case "true":
            message = "every event is in a summary of the data model when the search runs"
            emission.assume(Assumption(message, lambda _raw, _view: False))
            return True
        case "false":
            return False
        case other:
            raise ConfigurationError(f"summariesonly is {other!r}", hint="true or false")


def _lines(expr: ir.Expr, data_set: _DataSet, by: Sequence[str], emission: Emission, *, summaries: bool) -> list[str]:
    items = _conjuncts(as_searched(expr, emission))
    for assumption in written_plainly(filter(_searchable, items), emission):
        emission.assume(_in_data_set(assumption, ir.fields_of(expr)))
    search = [_search(item) for item in items if _searchable(item)]
    rest = [item for item in items if not _searchable(item)]
    if data_set.below:
        search.insert(0, f'nodename="{data_set.prefix[:-1]}"')
    columns = [free_column(name, [field.rpartition(".")[2] for field in by]) for name in _COLUMNS]
    count, first, last = columns
    lines = [
        f"| tstats summariesonly={str(summaries).lower()} allow_old_summaries=false"
        f' fillnull_value="{FILL}" count{"" if count == "count" else f" as {count}"}'
        f" min(_time) as {first} max(_time) as {last} from datamodel={data_set.source}"
        + (f" where {' '.join(search)}" if search else "")
        + f" by {' '.join(by)}"
    ]
    prefixes = sorted({_prefix(name) for name in by} - {""}, key=len, reverse=True)
    lines += [f"| rename {prefix}* as *" for prefix in prefixes]
    if rest:
        lines += _over_rows(ir.And(tuple(rest)), emission)
    return lines


_COLUMNS = ("count", "first_seen", "last_seen")


def _over_rows(expr: ir.Expr, emission: Emission) -> list[str]:
    """Return conditions on rows: fields have lost their prefix, and what was filled in is missing again."""
    names = list(dict.fromkeys(name.rpartition(".")[2] for name in ir.fields_of(expr)))
    for leaf in ir.leaves_of(expr):
        for full in ir.fields_of(leaf):
            emission.assume(_single(full))
            if isinstance(leaf, ir.FieldRef | ir.TimePart) or matches(leaf, {full: FILL}) != matches(leaf, {}):
                emission.assume(_not_the_fill(full))
    bare = _renamed(expr, lambda name: name.rpartition(".")[2])
    restored = ", ".join(f'{name}=if({name}="{FILL}",null(),{name})' for name in names)
    where = condition(bare, emission, inside=False)
    return [f"| eval {restored}", f"| where {where}"]


def _single(name: str) -> Assumption:
    """`by` puts an event into the row of each value, and a condition on rows sees one of them."""
    return Assumption(f"{name} holds at most one value", lambda _raw, view: len(_values(view, name)) > 1)


def _not_the_fill(name: str) -> Assumption:
    return Assumption(
        f"{name} is never the text {FILL}, which stands for a missing value in rows of tstats",
        lambda _raw, view: FILL in _values(view, name),
    )


def _renamed(expr: ir.Expr, rename: Callable[[str], str]) -> ir.Expr:
    match expr:
        case ir.And(items):
            return ir.And(tuple(_renamed(item, rename) for item in items))
        case ir.Or(items):
            return ir.Or(tuple(_renamed(item, rename) for item in items))
        case ir.Not(item):
            return ir.Not(_renamed(item, rename))
        case ir.Keyword() | ir.KeywordRegex() | ir.Unexpanded():
            return expr
        case ir.FieldRef():
            return replace(expr, field=rename(expr.field), other=rename(expr.other))
        case _:
            return replace(expr, field=rename(expr.field))


# ---------------------------------------------------------------------------------------------------- data models


@dataclass(frozen=True, slots=True)
class _DataSet:
    """A data set: where it is, its fields by full name, each with what the model does to it."""

    model: str
    root: str
    prefix: str
    below: bool
    tags: tuple[str, ...]
    fields: Mapping[str, frozenset[str]]

    @property
    def source(self) -> str:
        """What stands after `datamodel=`."""
        return f"{self.model}.{self.root}"


@lru_cache(maxsize=1)
def _known() -> Mapping[str, Any]:
    return tomllib.loads(files("converter.products.splunk").joinpath("data_models.toml").read_text(encoding="utf-8"))


def _data_set(name: object, plan: ir.Plan) -> _DataSet:
    """Return the data set that the pipeline has noted as `data_model_set`.

    Raises:
        RefusedError: none, or one that is not known.
    """
    if not isinstance(name, str) or not name:
        raise refused(
            "no pipeline says which data model the log source is in",
            "data model",
            plan.place,
            "give one that sets data_model_set, such as -p splunk_cim; or convert to the format default",
        )
    known = _known()
    model, dot, _ = name.partition(".")
    if not dot:
        roots = [
            full_name for full_name in known if full_name.startswith(f"{model}.") and "parent" not in known[full_name]
        ]
        if len(roots) == 1:
            (name,) = roots
    if name not in known:
        raise refused(
            f"the data model {name!r} of the pipeline is not known",
            "data model",
            plan.place,
            suggest(name, known) or "a data set of the Common Information Model, such as Endpoint.Processes",
        )
    chain = [name]
    while parent := known[chain[0]].get("parent"):
        chain.insert(0, f"{model}.{parent}")
    kinds_of: dict[str, frozenset[str]] = {}
    path = ""
    for full_name in chain:
        path += full_name.partition(".")[2] + "."
        given = known[full_name]
        kinds = {kind: given.get(kind, "").split() for kind in _KINDS}
        for field in given.get("fields", "").split():
            kinds_of[path + field] = frozenset(kind for kind, names in kinds.items() if field in names)
    tags = tuple(dict.fromkeys(tag for full_name in chain for tag in _plain_tags(known[full_name]["constraint"])))
    return _DataSet(model, chain[0].partition(".")[2], path, len(chain) > 1, tags, kinds_of)


_KINDS = ("unknown", "dash", "zero", "number", "lower", "computed")


def _plain_tags(constraint: str) -> list[str]:
    """Return the tags that every event must have; alternatives and negations are left out."""
    words = constraint.replace("(", " ( ").split()
    return [] if "OR" in words else _TAG.findall(constraint.partition("NOT")[0])


def _tagged(data_set: _DataSet) -> Assumption:
    tags = frozenset(data_set.tags)
    message = f"the events of the log source are tagged for {data_set.source}: {', '.join(data_set.tags)}"
    root = f"{data_set.root}."

    def broken(_raw: Event, view: Event) -> bool:
        return not tags.issubset(_values(view, "tag")) and not any(name.startswith(root) for name in view)

    return Assumption(message, broken)


def _shown(names: object, data_set: _DataSet) -> tuple[list[str], list[str]]:
    """Return the fields that the pipeline wants to see, and those of them that the data set lacks."""
    if isinstance(names, str) or not isinstance(names, Iterable):  # whatever a pipeline has noted
        return [], []
    needed = [str(name) for name in names]
    known = [name for name in dict.fromkeys(needed) if name in data_set.fields]
    return known, [name for name in dict.fromkeys(needed) if name not in data_set.fields]


# ----------------------------------------------------------------------------------------------- what may be said


def _check(expr: ir.Expr, data_set: _DataSet, emission: Emission) -> None:
    """Refuse what a data model cannot tell, and assume what it would tell otherwise.

    Raises:
        RefusedError: a keyword, a field that the data set lacks, letters whose case it does not keep, an empty text, a
            missing value of a field that it always writes.
    """
    for leaf in ir.leaves_of(expr):
        match leaf:
            case ir.Keyword(place=place) | ir.KeywordRegex(place=place):
                raise refused(
                    "a data model has no raw text, so a keyword cannot be looked for",
                    "keyword over a data model",
                    place,
                    "convert to the format default",
                )
            case ir.Unexpanded():
                raise leaf.error
            case _:
                for name in ir.fields_of(leaf):
                    _check_field(leaf, name, leaf.place, data_set, emission)


def _check_field(leaf: ir.Leaf, name: str, place: Place | None, data_set: _DataSet, emission: Emission) -> None:
    if name in _BASE:
        return
    kinds = data_set.fields.get(name)
    if kinds is None or not _PLAIN.fullmatch(name):
        raise refused(
            f"the data set {data_set.source} has no field {name!r}",
            "field of no data model",
            place,
            suggest(name, data_set.fields) or "map the field with a pipeline, or convert to the format default",
        )
    if "lower" in kinds and _needs_case(leaf):
        raise refused(
            f"the data model writes {name} in lower case, so its case cannot be compared",
            "case in a data model",
            place,
            "leave out cased, or convert to the format default",
        )
    if "computed" in kinds:
        emission.assume(_present(name, "", "works it out of others"))
    if kinds & {"zero", "number"}:
        emission.assume(_numeric(name))
    if isinstance(leaf, ir.FieldRef | ir.TimePart):
        if kinds & {"unknown", "dash"}:
            emission.assume(_present(name, "-" if "dash" in kinds else "", 'writes "unknown"'))
        return
    if isinstance(leaf, ir.StringMatch) and leaf.pattern.literal == "":
        raise refused(
            f"whether a data model keeps empty texts is not documented, and {name} is compared with one",
            "empty text in a data model",
            place,
            "convert to the format default",
        )
    if isinstance(leaf, ir.IsNull | ir.Exists) and kinds & {"unknown", "dash", "zero", "computed"}:
        raise refused(
            f"the data model writes something into {name} where an event has no value, so none is ever missing",
            "missing value in a data model",
            place,
            "convert to the format default",
        )
    missing = matches(leaf, {})
    if kinds & {"unknown", "dash"}:
        became = matches(leaf, {name: "unknown"})
        without = [missing, matches(leaf, {name: ""})]
        if "dash" in kinds:
            without.append(matches(leaf, {name: "-"}))
        if any(value != became for value in without):
            emission.assume(_present(name, "-" if "dash" in kinds else "", 'writes "unknown"'))
    elif matches(leaf, {name: ""}) != missing:
        emission.assume(Assumption(f"{name} is never an empty text", lambda _raw, view: "" in _values(view, name)))


def _needs_case(leaf: ir.Leaf) -> bool:
    match leaf:
        case ir.StringMatch(cased=cased) | ir.FieldRef(cased=cased):
            return cased
        case ir.Regex(flags=flags):
            return "i" not in flags
        case _:
            return False


def _present(name: str, also: str, does: str) -> Assumption:
    without = {"", also}

    def broken(_raw: Event, view: Event) -> bool:
        values = _values(view, name)
        return not values or any(value in without for value in values)

    return Assumption(f"every event has a value of {name}: where there is none, the data model {does}", broken)


def _numeric(name: str) -> Assumption:
    def broken(_raw: Event, view: Event) -> bool:
        values = _values(view, name)
        return not values or any(number_of(value) is None for value in values)

    return Assumption(f"every event has a number in {name}: the data model keeps nothing else", broken)


def _values(view: Event, name: str) -> list[Any]:
    """Return the values of a field of a data set in an event as Splunk has it: under its full or its plain name."""
    value = view.get(name, view.get(name.rpartition(".")[2]))
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _in_data_set(assumption: Assumption, names: Sequence[str]) -> Assumption:
    """Return an assumption about fields of a data set that is checked on events as Splunk has them."""

    def broken(raw: Event, view: Event) -> bool:
        return assumption.broken(raw, {**view, **{name: _values(view, name) for name in names}})

    return replace(assumption, broken=broken)


def _prefix(name: str) -> str:
    before, dot, _ = name.rpartition(".")
    return before + dot


# ----------------------------------------------------------------------------------------------- the where of tstats


def _conjuncts(expr: ir.Expr) -> list[ir.Expr]:
    if isinstance(expr, ir.And):
        return [inner for item in expr.items for inner in _conjuncts(item)]
    return [expr]


def _searchable(expr: ir.Expr) -> bool:
    """Whether the `where` of tstats, which is that of `search`, can say exactly this."""
    match expr:
        case ir.And(items) | ir.Or(items):
            return bool(items) and all(_searchable(item) for item in items)
        case ir.Not(item):
            # `NOT field=number` may leave out the events without the field: limits.conf.spec, [tstats].
            return _searchable(item) and not any(isinstance(leaf, PlainNumber) for leaf in ir.leaves_of(item))
        case PlainNumber():
            return True
        case ir.StringMatch(cased=False, pattern=pattern):
            return is_text(pattern, is_printable)
        case _:
            return False


def _search(expr: ir.Expr) -> str:
    """Return a term; brackets are around all that holds several, since NOT, OR and AND bind as nobody expects."""
    match expr:
        case ir.And(items):
            return f"({' '.join(map(_search, items))})"
        case ir.Or(items):
            return f"({' OR '.join(map(_search, items))})"
        case ir.Not(item):
            return f"NOT {_search(item)}"
        case ir.StringMatch(name, pattern):
            return f"{name}={search_value(pattern)}"
        case PlainNumber(name, number):
            return f"{name}={digits(number)}"
        case _:
            raise AssertionError(expr)  # `_searchable` lets nothing else through
