"""Run the vendor's cases of ES|QL in some folders by our engine, and count what passes, is refused, is wrong.

    FOLDER/*.csv-spec, *.txt, *.csv ──tests.support.esql_vendor──> Judgement ──> counts, and the other cases

    python tools/esql_vendor.py FOLDER... [--quiet]

tests/support/esql_vendor.py says which formats are read. Exit status 1 if a case is wrong, 3 without a case.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # tests.support is not installed

from tests.support.esql_vendor import judge, read_cases, read_tables


def main(arguments: list[str] | None = None) -> int:
    """Print the counts, and return the exit status."""
    parser = argparse.ArgumentParser(description="Run the vendor's cases of ES|QL.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--quiet", action="store_true", help="Print the counts alone.")
    options = parser.parse_args(arguments)
    cases, tables = read_cases(options.folders), read_tables(options.folders)
    if not cases:
        print("no case: a folder has none in *.csv-spec or *.txt", file=sys.stderr)  # noqa: T201
        return 3
    counts: Counter[str] = Counter()
    for case in cases:
        judgement = judge(case, tables)
        counts[judgement.outcome] += 1
        if judgement.outcome != "passes" and not options.quiet:
            print(f"{judgement.outcome}: {case.name}: {judgement.reason}")  # noqa: T201
    print(", ".join(f"{counts[outcome]} {outcome}" for outcome in ("passes", "refused", "wrong")))  # noqa: T201
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
