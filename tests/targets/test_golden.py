"""The emitted text of every shipped rule and target, as files in `golden`, so that a change shows in review.

Golden text says what is emitted, not that it is right: replay says that.
`UPDATE_GOLDEN=1 pytest tests/targets -k golden` writes the files anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.golden import check_golden
from tests.support.targets import VARIANTS

if TYPE_CHECKING:
    from converter.harness.target_spec import TargetName


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_the_emitted_text_is_the_golden_one(variant: TargetName) -> None:
    form = () if variant.format == "default" else (variant.format,)
    check_golden("-".join([variant.name, *form, *dict(variant.options).values()]), variant)
