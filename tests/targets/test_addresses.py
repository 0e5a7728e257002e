"""Blocks of addresses: what the emitters write, the product takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from converter.errors import RefusedError
from converter.plan.simplify import simplified
from converter.products.field_facts import parse_facts
from converter.rules.load import parse_rules
from converter.targets.core.target import Context
from tests.support.targets import VARIANTS, alerting_events, product_of, target_of

if TYPE_CHECKING:
    from converter.harness.target_spec import TargetName
    from converter.targets.core.target import Query

FACTS = parse_facts(b"fields:\n  source.ip: {type: ip, single: true}\n", "facts")
RULE = """title: Addresses
logsource: {category: test}
detection:
  selection:
    source.ip|cidr: BLOCK
  condition: selection
"""
# Elasticsearch takes no block of IPv4 addresses mapped into IPv6: tests/targets/*/engine/*.toml have its errors.
WITHOUT_MAPPED = [variant for variant in VARIANTS if product_of(variant) == "elastic"]


def emitted(block: str, variant: TargetName) -> Query:
    (plan,) = parse_rules(RULE.replace("BLOCK", block)).plans
    context = Context(FACTS, format=variant.format, options=dict(variant.options))
    return target_of(variant).emit(simplified(plan), context)


@pytest.mark.parametrize("variant", WITHOUT_MAPPED, ids=str)
def test_no_emitter_writes_a_block_of_mapped_addresses(variant: TargetName) -> None:
    with pytest.raises(RefusedError, match="mapped into IPv6"):
        emitted("'::ffff:10.0.0.0/104'", variant)


@pytest.mark.parametrize("variant", [variant for variant in VARIANTS if variant not in WITHOUT_MAPPED], ids=str)
def test_a_block_of_mapped_addresses_is_one_where_it_is_written(variant: TargetName) -> None:
    events = [
        {"source": {"ip": "::ffff:10.1.2.3"}},
        {"source": {"ip": "::ffff:11.1.2.3"}},
        {"source": {"ip": "2001:db8::7"}},
    ]
    assert alerting_events(emitted("'::ffff:10.0.0.0/104'", variant), variant, events) == {"0"}


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize(("block", "expected"), [("10.0.0.0/8", "0"), ("'2001:db8::/32'", "1")])
def test_other_blocks_are_written_and_read(block: str, expected: str, variant: TargetName) -> None:
    events = [{"source": {"ip": "10.1.2.3"}}, {"source": {"ip": "2001:db8::7"}}]
    assert alerting_events(emitted(block, variant), variant, events) == {expected}
