"""`datamodel` and `from datamodel`: the events that are in a data set, with its fields.

    datamodel Endpoint Processes search  ──>  FromDataModel(DataModel("Endpoint", "Processes"), flat=False)

Other kinds of data sets, and the forms that describe a model, are refused by name.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.errors import suggest
from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.commands.data_sets import BASE_FIELDS, UncomputedError, data_models, tree_of
from converter.targets.splunk.engine.commands.unsupported import read_unsupported
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.syntax import CommandNode, Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.commands.data_sets import DataSet
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.values import Row

_NAME = re.compile(r"[A-Za-z0-9_ -]+")


@dataclass(frozen=True, slots=True)
class DataModel:
    """A data model and one of its data sets; None is its only root."""

    model: str
    dataset: str | None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FromDataModel(CommandNode):
    """`datamodel X Y search`, `from datamodel:X.Y`: events with the fields of a data set; `flat` without prefixes."""

    source: DataModel
    flat: bool
    strict: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


def read_model(scanner: Scanner) -> DataModel:
    """Read `A`, `A.B`, or these in quotes."""
    scanner.skip()
    start = scanner.offset
    text = scanner.value("the name of a data model")
    model, dot, name = text.partition(".")
    if not _NAME.fullmatch(model) or (dot and not _NAME.fullmatch(name.rpartition(".")[2])):
        raise scanner.error(f"expected the name of a data model, found {text!r}", scanner.span(start))
    return DataModel(model, name.rpartition(".")[2] if dot else None, scanner.span(start))


def _read_datamodel(scanner: Scanner, span: Span) -> FromDataModel | Unsupported:
    """Read `datamodel X Y search` or `flat`; in other forms it describes a model, which this engine does not.

    Raises:
        QueryError: an unknown option.
    """
    scanner.skip()
    start = scanner.offset
    words: list[str] = []
    flags = {"allow_old_summaries": False, "summariesonly": False, "strict_fields": True}
    while not scanner.at_command_end():
        option = DATAMODEL.option(scanner)
        if option:
            flags[option] = scanner.boolean(option)
        else:
            words.append(scanner.value("a name"))
    if len(words) != 3 or words[2] not in ("search", "flat"):  # noqa: PLR2004
        return Unsupported("datamodel", " ".join(words), span)
    source = DataModel(words[0], words[1], scanner.span(start))
    return FromDataModel(source, words[2] == "flat", flags["strict_fields"], span)


def _read_from(scanner: Scanner, span: Span) -> FromDataModel | Unsupported:
    """Read `from datamodel:X.Y`; the colon may be a space. Other kinds of data sets are not supported.

    Raises:
        QueryError: the name is none of a data model.
    """
    kind = scanner.word()
    if kind.lower() != "datamodel":
        return read_unsupported(scanner, span, "from")
    scanner.offset += len(kind)
    scanner.accept(":")
    return FromDataModel(read_model(scanner), flat=True, strict=False, span=span)


def _compile_from(command: FromDataModel, context: SearchContext) -> Stage:
    """Return the stage of `datamodel X Y search` and `from datamodel:X.Y`: events with the fields of the data set.

    Raises:
        QueryError: an unknown data model; when run: see `compile_tstats`.
    """
    data_set = find_data_set(command.source, context)
    tree = tree_of(data_set)
    inside = [other for other in tree.sets if data_set.path[: len(other.path)] == other.path]
    names = [other.prefix + field.name for other in inside for field in other.fields if "computed" not in field.kinds]
    computed = [other.prefix + field.name for other in inside for field in other.fields if "computed" in field.kinds]
    read = tree.reader([*names, *BASE_FIELDS], data_set)
    whole = [tree.reader([name], data_set) for name in computed]

    def run(events: Iterable[Row]) -> Iterator[Row]:
        for event in events:
            row = read(event)
            if row is None:
                continue
            for read_computed in whole:
                try:
                    row.update(read_computed(event) or {})
                except UncomputedError as missing:
                    current().note(f"{missing} is left out where the data model works it out of other fields")
            plain = {name.rpartition(".")[2]: value for name, value in row.items()} if command.flat else row
            own = {name: value for name, value in event.items() if not command.strict or name.startswith("_")}
            yield {**own, **plain}

    return run


def find_data_set(source: DataModel, context: SearchContext) -> DataSet:
    """Return the data set that a search names.

    Raises:
        QueryError: there is none of that name, or the model has several roots and none is named.
    """
    models = data_models()
    sets = models.get(source.model)
    if sets is None:
        hint = suggest(source.model, models) or f"known: {', '.join(models)}"
        raise context.error(f"unknown data model {source.model!r}", source.span, hint)
    if source.dataset is not None:
        for data_set in sets:
            if data_set.name == source.dataset:
                return data_set
        names = [data_set.name for data_set in sets]
        hint = suggest(source.dataset, names) or f"known: {', '.join(names)}"
        raise context.error(f"the data model {source.model} has no data set {source.dataset!r}", source.span, hint)
    roots = [data_set for data_set in sets if len(data_set.path) == 1]
    if len(roots) > 1:
        names = [data_set.name for data_set in roots]
        hint = f"write datamodel={source.model}.{names[0]}, or one of: {', '.join(names)}"
        raise context.error(f"the data model {source.model} has several root data sets", source.span, hint)
    return roots[0]


def _refuse_later(command: FromDataModel, context: SearchContext) -> None:
    raise context.error("a command that reads a data model must be the first command of a search", command.span)


DATAMODEL = Command(
    "datamodel",
    _read_datamodel,
    _compile_from,
    (FromDataModel,),
    arguments="a data model, a data set, and `search` or `flat`",
    options=("allow_old_summaries", "summariesonly", "strict_fields"),
    generating=True,
    check_later=_refuse_later,
)
FROM = Command(
    "from",
    _read_from,
    _compile_from,
    (FromDataModel,),
    arguments="`datamodel:model.dataset`",
    generating=True,
    check_later=_refuse_later,
)

COMMANDS: tuple[Command[Any], ...] = (DATAMODEL, FROM)
