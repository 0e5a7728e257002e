"""Choose the processing pipeline for rules: by their log sources, or by names that the user gives.

    log sources, -p names ──select──> ProcessingPipeline

Without names, the built-in mapping of each log source is used. With names, exactly those pipelines are used; as in
sigma-cli, a name is an installed pipeline, a YAML file, or a folder of YAML files. Nothing here uses the network.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from converter.errors import ConfigurationError, suggest
from converter.pipelines.fields import maps_fields
from converter.pipelines.given import Given, path_of, trust_by_name
from converter.pipelines.growth import guard_queries
from converter.pipelines.installed import PACKAGES, find_installed, package_of
from converter.pipelines.read import load_pipeline
from converter.products.core import get_product, list_products
from converter.readers.folders import list_files
from converter.readers.log_source import LogSource
from converter.readers.scope import Scope, ScopeError, check_named

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sigma.processing.pipeline import ProcessingPipeline

    from converter.pipelines.fields import AnyRule
    from converter.pipelines.given import PipelineSpec

_SUFFIXES = (".yml", ".yaml")


def select(
    product: str, logsources: Iterable[LogSource], *, names: Sequence[PipelineSpec] = (), without: bool = False
) -> ProcessingPipeline:
    """Return a new pipeline for rules of these log sources in a product.

    Args:
        product: `splunk` or `elastic`.
        logsources: of the rules to convert; the built-in mapping of each is used, if there is one.
        names: pipelines to use instead of the built-in mappings: an installed pipeline, a built-in mapping
            (`cloudtrail_splunk`), a YAML file, or a folder of YAML files. Of those that are given for a product or
            a log source, the ones that fit; if none does, the built-in mappings.
        without: whether to return an empty pipeline.

    Several pipelines are chained by priority, lowest first, then by name, as pySigma chains them.

    Raises:
        ConfigurationError: an unknown pipeline, a file that is not valid (with its place), or a pipeline for another
            product.
    """
    from sigma.processing.pipeline import ProcessingPipeline  # noqa: PLC0415  slow to import

    if without:
        return ProcessingPipeline()
    sources = list(logsources)
    if fitting := trust_by_name(names, sources, product):
        chosen = [pair for name, trusted in fitting.items() for pair in _by_name(name, trusted=trusted)]
        for name, pipeline in chosen:
            _check_product(name, pipeline, product)
    else:
        paths = {get_product(product).mapping_file(logsource) for logsource in sources}
        chosen = [(str(path), load_pipeline(path)) for path in sorted(path for path in paths if path is not None)]
    return _chained(chosen)


def for_products(names: Sequence[PipelineSpec], products: Iterable[str]) -> list[PipelineSpec]:
    """Return the pipelines for a run with targets of these products: each target gets those that are made for it.

    Raises:
        ConfigurationError: a pipeline is made for none of the products, or there is none for one of them.
    """
    needed = list(dict.fromkeys(products))
    chosen: list[PipelineSpec] = []
    covered: set[str] = set()
    for spec in names:
        if isinstance(spec, Given) and (spec.product or spec.logsource):
            for name in spec.names:  # what is wrong with one is said before any rule is converted
                list(_by_name(name, trusted=spec.trusted))
            chosen.append(spec)
            covered.update(needed)  # a built-in mapping stands for those that it does not cover
            continue
        given = spec if isinstance(spec, Given) else Given((spec,))
        loaded = [pair for name in given.names for pair in _by_name(name, trusted=given.trusted)]
        made_for = [product for product in needed if all(_fits(pipeline, product) for _, pipeline in loaded)]
        if not made_for:
            for name, pipeline in loaded:
                _check_product(name, pipeline, " or ".join(needed))
            made_for = needed
        covered.update(made_for)
        chosen += [spec] if made_for == needed else [replace(given, product=product) for product in made_for]
    for product in needed if names else ():
        if product not in covered:
            raise ConfigurationError(
                f"none of the pipelines is for {product}",
                None,
                f"give one for {product}, or choose other targets with -t",
            )
    return chosen


def placeholder_pipeline(names: Sequence[PipelineSpec], logsources: Collection[LogSource]) -> ProcessingPipeline:
    """Return only those items of the named pipelines that expand placeholders to values, from whatever source.

    Placeholders are part of a rule's meaning, so these items are applied to the rule that the reference evaluates as
    well; all other items are about a product. Conditions of an item see the rule as it is written.

    Raises:
        ConfigurationError: as `select`.
    """
    from sigma.processing.transformations.placeholder import BasePlaceholderTransformation  # noqa: PLC0415  slow

    named = trust_by_name(names, logsources)
    pipeline = _chained([pair for name, trusted in named.items() for pair in _by_name(name, trusted=trusted)])
    pipeline.items = [item for item in pipeline.items if isinstance(item.transformation, BasePlaceholderTransformation)]
    return pipeline


@cache
def advice_for_unmapped(product: str, logsources: tuple[LogSource, ...], named: bool) -> str:  # noqa: FBT001  cached, so by position
    """Return what a user can do about fields that no mapping has.

    Args:
        product: the product.
        logsources: of the rule.
        named: whether the user named pipelines.
    """
    if named:
        return "add them to a pipeline of -p"
    if any(get_product(product).mapping_file(logsource) for logsource in logsources):
        return "map them with a pipeline (-p)"
    source = " and ".join(dict.fromkeys(map(str, logsources)))
    fitting = sorted({name for logsource in logsources for name in _installed_for(product, logsource)})
    given = f", such as {' or '.join(fitting)}" if fitting else ""
    return f"no mapping for {source} is built in: name a pipeline with -p{given}"


def _installed_for(product: str, logsource: LogSource) -> Iterator[str]:
    """Yield the installed pipelines for a product whose names say that they are about a log source."""
    backends = get_product(product).backends
    installed = find_installed()
    for name in installed.builders:
        if logsource.product and logsource.product.lower() in name.split("_") and not name.endswith("_old"):
            pipeline = installed.build(name)
            if backends & frozenset(pipeline.allowed_backends) and any(map(maps_fields, pipeline.items)):
                yield name


def builtin_mappings() -> Mapping[str, Path]:
    """Return the files of the built-in mappings by name, for example `cloudtrail_splunk`."""
    return {name: path for product in list_products().values() for name, path in product.mappings().items()}


@cache
def builtin_items() -> frozenset[str]:
    """Return the ids of the items of the built-in mappings."""
    return frozenset(str(item.identifier) for path in builtin_mappings().values() for item in load_pipeline(path).items)


def logsources_of(rules: Iterable[AnyRule]) -> list[LogSource]:
    """Return the log sources of detection rules, each once, in order; correlation rules have none of their own."""
    sources = [rule.logsource for rule in rules if hasattr(rule, "logsource")]
    return list(dict.fromkeys(LogSource(source.product, source.category, source.service) for source in sources))


def _by_name(name: str, *, trusted: bool = False) -> Iterator[tuple[str, ProcessingPipeline]]:
    """Yield the pipelines with a name: built-in and installed ones first, then files and folders, as in sigma-cli."""
    path = Path(path_of(name))
    if not name.endswith(_SUFFIXES) and "/" not in name:
        builtin = builtin_mappings()
        if name in builtin:
            yield name, load_pipeline(builtin[name])
            return
        installed = find_installed()
        if name in installed.builders:
            yield name, installed.build(name)
            return
        if not path.exists():
            raise _unknown(name, [*builtin, *installed.builders], installed.broken)
    try:
        check_named(path)
    except ScopeError as error:
        raise ConfigurationError(f"the pipeline {name} {error}", hint=error.hint) from None
    if path.is_dir():
        listing = list_files(path, Scope.of([path]), lambda file: file.suffix == ".yml")
        for below, reason in listing.errors:
            raise ConfigurationError(f"the pipeline {below} {reason}", hint=reason.hint)
        if not listing.files:
            raise ConfigurationError(f"no pipeline (*.yml) in the folder {path}")
        for file in listing.files:
            yield str(file.name), load_pipeline(file.path, trusted=trusted)
    elif path.exists():
        yield name, load_pipeline(path, trusted=trusted)
    else:
        raise ConfigurationError(f"there is no pipeline file {name}", None, _near_file(path))


def _unknown(name: str, known: Sequence[str], broken: Mapping[str, str]) -> ConfigurationError:
    """Return the error for a name that no pipeline has, with the package that has one of that name."""
    if package := package_of(name):
        return ConfigurationError(f"the pipeline {name!r} is not installed", None, f"install the package {package}")
    listed = (listed for names in PACKAGES.values() for listed in names)
    hint = suggest(name, [*known, *listed]) or f"a file, a folder, or one of: {', '.join(sorted(known))}"
    if broken:
        hint += f"; an installed package cannot be used: {'; '.join(f'{key}: {why}' for key, why in broken.items())}"
    return ConfigurationError(f"no pipeline is called {name!r}, and there is no such file", None, hint)


def _near_file(path: Path) -> str:
    folder = path.parent
    return suggest(path.name, [file.name for file in folder.iterdir()]) if folder.is_dir() else ""


def _check_product(name: str, pipeline: ProcessingPipeline, product: str) -> None:
    if not any(_fits(pipeline, part) for part in product.split(" or ")):
        allowed = ", ".join(sorted(pipeline.allowed_backends))
        raise ConfigurationError(
            f"the pipeline {name!r} is for {allowed}, not for {product}", None, "choose another one"
        )


def _fits(pipeline: ProcessingPipeline, product: str) -> bool:
    allowed = frozenset(pipeline.allowed_backends)
    return not allowed or bool(allowed & get_product(product).backends)


def _chained(named: list[tuple[str, ProcessingPipeline]]) -> ProcessingPipeline:
    from sigma.processing.pipeline import ProcessingPipeline  # noqa: PLC0415  slow to import

    chained = ProcessingPipeline()
    for _, pipeline in sorted(named, key=lambda pair: (pair[1].priority, pair[0])):
        chained += pipeline
    mapping = [pipeline for _, pipeline in named if any(map(maps_fields, pipeline.items))]
    if all(pipeline.allowed_backends for pipeline in mapping):  # pySigma drops these when it adds pipelines
        chained.allowed_backends = frozenset(name for pipeline in mapping for name in pipeline.allowed_backends)
    guard_queries(chained)
    return chained
