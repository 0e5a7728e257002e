"""Blocks of addresses: what the emitters for Elastic write, the product takes."""

from __future__ import annotations

import pytest

from converter.errors import QueryError, RefusedError
from converter.plan.simplify import simplified
from converter.products.field_facts import parse_facts
from converter.rules.load import parse_rules
from converter.targets.core.registry import list_targets
from converter.targets.core.target import Context
from converter.targets.eql.engine.execute import run
from converter.targets.esql.engine.execute import run as run_esql

FACTS = b"fields:\n  address: {type: ip, single: true}\n"
RULE = """title: Addresses
logsource: {category: test}
detection:
  selection:
    address|cidr: BLOCK
  condition: selection
"""


def emitted(block: str, target: str = "eql") -> str:
    (plan,) = parse_rules(RULE.replace("BLOCK", block)).plans
    return list_targets()[target].emit(simplified(plan), Context(parse_facts(FACTS, "facts"), options={})).text


@pytest.mark.parametrize("target", ["eql", "esql", "kql", "elastic-toml"])
def test_no_emitter_writes_a_block_of_mapped_addresses(target: str) -> None:
    with pytest.raises(RefusedError, match="mapped into IPv6"):
        emitted("'::ffff:10.0.0.0/104'", target)


def test_no_engine_reads_one() -> None:
    with pytest.raises(QueryError, match="not a block"):
        run_esql('ROW a = TO_IP("10.0.0.1") | EVAL b = CIDR_MATCH(a, "::ffff:a00:0/64")', [])
    with pytest.raises(QueryError, match="ambiguous"):
        run('any where cidrMatch(address, "::ffff:a00:0/104")', [])


def test_other_blocks_are_written_and_read() -> None:
    events = [{"_id": "1", "address": "10.1.2.3"}, {"_id": "2", "address": "2001:db8::7"}]
    assert run(emitted("10.0.0.0/8"), events) == events[:1]
    assert run(emitted("'2001:db8::/32'"), events) == events[1:]
