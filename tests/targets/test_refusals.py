"""What a target refuses it declares, in `refuses`, by the name that the refusal has; and it refuses what it declares.

Each mark is strict: it has to go once the target says the construct.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from converter.errors import RefusedError
from tests.support.constructs import RULES, emitted
from tests.support.targets import VARIANTS, declared_refusals, target_of, variant_key

if TYPE_CHECKING:
    from converter.harness.target_spec import TargetName


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("label", RULES)
def test_a_construct_is_said_or_declared(label: str, variant: TargetName) -> None:
    query = emitted(label, variant)
    if isinstance(query, RefusedError):
        assert query.construct in declared_refusals(variant), f"{query.message}: `refuses` of the target lacks it"


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_what_is_declared_is_refused(variant: TargetName) -> None:
    refused = {query.construct for label in RULES if isinstance(query := emitted(label, variant), RefusedError)}
    assert declared_refusals(variant) <= refused, "the target says these: take them out of its `refuses`"


@pytest.mark.parametrize("name", dict.fromkeys(variant.name for variant in VARIANTS))
def test_only_formats_and_variants_have_refusals(name: str) -> None:
    variants = [variant for variant in VARIANTS if variant.name == name]
    assert set(getattr(target_of(variants[0]), "refuses", {})) <= set(map(variant_key, variants))
