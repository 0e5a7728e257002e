"""Measure the slow paths, each as a ratio to a floor or a peer that is measured in the same run.

    python benchmarks/run.py [--repeat N]

    start-up     `sigma-convert --version`            to `python -c "import click"`
    reading      read_events on the busy sample log   to orjson.loads on its lines
    reference    both first rules on that log         to orjson.loads on its lines
    views        each product's view of that log      to orjson.loads on its lines
    engines      each target's query of the first rule on that log   to orjson.loads on its lines
    converting   the first rules to each target       to pySigma's backend of that language

Ratios, because seconds say nothing on another machine. No test depends on them.
"""

from __future__ import annotations

import argparse
import gzip
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from converter.conversion import convert_rules
from converter.errors import RefusedError
from converter.products.core import get_product
from converter.readers.log_source import LogSource
from converter.readers.logs import read_events
from converter.reference.evaluate import evaluate_plans
from converter.rules.load import load_rules
from converter.targets.core.registry import get_target

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
LOG = ROOT / "samples" / "aws_iam_principal_enumeration_update_assume_role_policy" / "background.ndjson.gz"
PEERS = {"splunk": "pysigma:splunk", "esql": "pysigma:esql", "eql": "pysigma:eql"}


def best(work: Callable[[], object], repeat: int) -> float:
    """Return the shortest of several CPU times, in seconds."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def command(*words: str) -> Callable[[], object]:
    """Return a program's run as work; it is measured by the clock, as it is another process."""
    return lambda: subprocess.run([sys.executable, *words], check=True, capture_output=True)  # noqa: S603  our own words


def wall(work: Callable[[], object], repeat: int) -> float:
    """Return the shortest of several wall-clock times, in seconds."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def show(what: str, seconds: float, floor: float, name: str) -> None:
    """Print one figure."""
    print(f"{what:34} {seconds:8.3f} s {seconds / floor:8.1f} x {name}")  # noqa: T201


def main() -> None:
    """Measure everything and print a line each."""
    parser = argparse.ArgumentParser(description="ratios to floors and peers, measured in the same run")
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat

    floor = wall(command("-c", "import click"), repeat)
    show("start-up: --version", wall(command("-m", "converter.cli", "--version"), repeat), floor, "import click")

    lines = gzip.decompress(LOG.read_bytes()).splitlines()
    parse = best(lambda: [orjson.loads(line) for line in lines], repeat)
    print(f"{len(lines)} events; orjson.loads alone {parse:.3f} s")  # noqa: T201
    show("reading the log", best(lambda: list(read_events(LOG)), repeat), parse, "orjson.loads")
    events = list(read_events(LOG))
    rules = load_rules([ROOT / "sigma"])
    show("reference, both rules", best(lambda: evaluate_plans(rules.plans, events), repeat), parse, "orjson.loads")
    source = LogSource("aws", None, "cloudtrail")
    seen = {}
    for product in ("splunk", "elastic"):
        look = get_product(product).view(source)
        show(f"view of {product}", best(lambda look=look: [look(one) for one in events], repeat), parse, "orjson.loads")
        seen[product] = [{**look(one), "_id": str(number)} for number, one in enumerate(events)]
    for name in ("splunk", "esql", "eql", "elastic-toml"):
        target = get_target(name)
        query = convert_rules(rules.only(rules.plans[0]), target)[0]
        work = best(lambda target=target, query=query: target.replay(query, seen[target.product]), repeat)
        show(f"engine of {name}", work, parse, "orjson.loads")
    for name, peer in PEERS.items():
        try:
            ours, theirs = (best(lambda one=one: convert_rules(rules, get_target(one)), repeat) for one in (name, peer))
        except RefusedError as refused:
            print(f"converting to {name}: {refused.message}")  # noqa: T201
            continue
        show(f"converting to {name}", ours, theirs, peer)


if __name__ == "__main__":
    main()
