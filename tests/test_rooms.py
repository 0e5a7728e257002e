"""ARCHITECTURE.md lists the arrows that there are. `UPDATE_GOLDEN=1 pytest tests/test_rooms.py` writes them anew."""

from __future__ import annotations

import os

from rooms import arrows

from tests.support.paths import ROOT

PAGE = ROOT / "ARCHITECTURE.md"
BEGIN, END = "<!-- arrows: tools/rooms.py -->\n\n```text\n", "```\n\n<!-- end of arrows -->"


def test_the_page_has_every_arrow() -> None:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    listed, _, after = rest.partition(END)
    lines = "".join(f"{line}\n" for line in arrows() if not line.endswith("-> "))
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(f"{before}{BEGIN}{lines}{END}{after}", encoding="utf-8")
        listed = lines
    assert listed == lines
