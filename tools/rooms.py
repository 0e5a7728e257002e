"""Count the rooms of the package, the arrows between them, and the circles, from its imports.

    python tools/rooms.py [--arrows] [FOLDER]

    converter/**/*.py ──imports, lazy ones and those for types only included──> modules ──by folder──> rooms

A room is a folder with modules; the loose modules in the root of the package are a room each. A circle is a set of
modules, or of rooms, that reach one another. A floor is the longest way down from a room to one that imports nothing.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "converter"
Graph = dict[str, set[str]]


def modules(root: Path) -> dict[str, Path]:
    """Return the file of each module of the package, by its dotted name."""
    named = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def imports(path: Path, known: Iterable[str]) -> set[str]:
    """Return the modules among `known` that a file imports, anywhere in it."""
    names = set(known)
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(aliases):
                imported.update(alias.name for alias in aliases)
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                whole = {f"{module}.{alias.name}" for alias in aliases}
                imported.update(whole & names)
                if whole - names:  # a name in the module itself
                    imported.add(module)
            case _:
                pass
    return imported & names


def module_graph(root: Path = ROOT) -> Graph:
    """Return which module imports which."""
    files = modules(root)
    return {name: imports(path, files) - {name} for name, path in files.items()}


def room_of(module: str, files: Mapping[str, Path]) -> str:
    """Return the room of a module: its folder, or the module itself if it stands in the root of the package."""
    if files[module].name == "__init__.py":
        return module
    parent = module.rpartition(".")[0]
    return module if parent == PACKAGE else parent


def room_graph(root: Path = ROOT) -> Graph:
    """Return which room imports which."""
    files = modules(root)
    graph: Graph = {}
    for module, targets in module_graph(root).items():
        room = room_of(module, files)
        graph.setdefault(room, set()).update(room_of(target, files) for target in targets)
    return {room: targets - {room} for room, targets in graph.items()}


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the sets of nodes that reach one another, largest first (Tarjan's strongly connected components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    components: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in graph.get(node, ()):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            at = stack.index(node)
            component, stack[at:] = sorted(stack[at:]), []
            if len(component) > 1:
                components.append(component)

    for node in graph:
        if node not in index:
            visit(node)
    return sorted(components, key=len, reverse=True)


def floors(graph: Mapping[str, set[str]]) -> int:
    """Return the number of floors; rooms of a circle are on one floor."""
    together = {node: component[0] for component in circles(graph) for node in component}
    heights: dict[str, int] = {}

    def height(node: str) -> int:
        node = together.get(node, node)
        if node not in heights:
            heights[node] = 0
            members = [other for other in graph if together.get(other, other) == node]
            below = {together.get(target, target) for member in members for target in graph[member]} - {node}
            heights[node] = 1 + max(map(height, below), default=0)
        return heights[node]

    return max(map(height, graph), default=0)


def arrows(root: Path = ROOT) -> list[str]:
    """Return a line for each room: the rooms that it imports, without the name of the package."""
    graph = room_graph(root)
    short = {room: room.removeprefix(f"{PACKAGE}.") for room in graph}
    return [f"{short[room]} -> {' '.join(sorted(short[target] for target in graph[room]))}" for room in sorted(graph)]


def main() -> int:
    """Print the figures; the status is 1 if there is a circle."""
    parser = argparse.ArgumentParser(description="Count rooms, arrows and circles.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT, help="of a checkout")
    parser.add_argument("--arrows", action="store_true", help="print every arrow")
    options = parser.parse_args()
    files = modules(options.folder)
    by_module, by_room = module_graph(options.folder), room_graph(options.folder)
    lines = Counter({name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in files.items()})
    loose = [name for name in files if name.count(".") == 1 and files[name].name != "__init__.py"]
    out = sys.stdout.write
    out(f"{len(files)} modules, {lines.total()} lines, {len(loose)} loose in the root of the package\n")
    out(f"{len(by_room)} rooms, {sum(map(len, by_room.values()))} arrows, {floors(by_room)} floors\n")
    for kind, graph in (("modules", by_module), ("rooms", by_room)):
        found = circles(graph)
        out(f"{len(found)} circles of {kind}\n")
        for circle in found:
            out(f"  {len(circle)}: {' '.join(name.removeprefix(f'{PACKAGE}.') for name in circle)}\n")
    if options.arrows:
        out("".join(f"{line}\n" for line in arrows(options.folder)))
    return 1 if circles(by_module) or circles(by_room) else 0


if __name__ == "__main__":
    sys.exit(main())
