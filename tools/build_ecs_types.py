"""Build converter/products/elastic/ecs_types.json, the types of ECS fields, from the table that Elastic publishes.

    python tools/build_ecs_types.py FIELDS.csv

FIELDS.csv is generated/csv/fields.csv of https://github.com/elastic/ecs. Run by hand when ECS has a new version;
nothing at run time goes to the network. Objects have no type, and a keyword is what a field is anyway: both are left
out.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

TARGET = Path(__file__).parent.parent / "converter" / "products" / "elastic" / "ecs_types.json"
LEFT_OUT = frozenset({"keyword", "constant_keyword", "object", "nested"})


def main(source: Path) -> None:
    """Write the table, one name a line, so that a new version shows as a readable diff."""
    with source.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    names: dict[str, list[str]] = {}
    for row in rows:
        if row["Type"] not in LEFT_OUT:
            names.setdefault(row["Type"], []).append(row["Field"])
    (version,) = {row["ECS_Version"] for row in rows}
    table = {
        "source": f"generated/csv/fields.csv of github.com/elastic/ecs, version {version}",
        "license": "Apache-2.0, Copyright 2018-2021 Elasticsearch B.V.",
        "types": {kind: sorted(fields) for kind, fields in sorted(names.items())},
    }
    TARGET.write_text(json.dumps(table, indent=0) + "\n", encoding="utf-8")
    print(f"{sum(map(len, names.values()))} of {len(rows)} fields of ECS {version}")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
