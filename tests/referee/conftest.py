"""What the tests against the referee share: the node, and how many random pairs to try.

Without a node (`make referee` starts one) they are skipped.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from referee import EXAMPLES, URL, Node

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """Give the node that runs."""
    url = os.environ.get(URL)
    if not url:
        pytest.skip("no referee runs: make referee")
    found = Node(url)
    yield found
    found.close()


@pytest.fixture(scope="session")
def examples() -> int:
    """Return how many random pairs a test of random pairs tries."""
    return int(os.environ.get(EXAMPLES, "400"))
