"""Change the reference evaluator one small step at a time, and see whether the tests notice.

    source ──ast──> mutants ──a sample──> each in a forked process, against the fast tests ──> killed, or survived

    python tools/mutate.py [--sample N] [--seed N] [--only TEXT] [--module NAME] [--list] [--seconds N]

A mutant is killed if a test fails, if it cannot be imported, or if it takes too long. The conformance cases judge
first, in the same process and with rules that were read once; what survives them is tried on the tests of times and on
the property tests, with few examples and always the same. docs/testing.md explains the mutants that survive.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib.util
import os
import random
import resource
import signal
import sys
import time
from collections import Counter
from functools import cache
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import CodeType

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "converter.reference"
SOURCES = sorted(path for path in (ROOT / "converter" / "reference").glob("*.py") if path.stem != "__init__")
CONFORMANCE = "tests.conformance.test_conformance"
MORE_TESTS = (
    "reference/test_time.py",
    "reference/test_alerts.py",
    "plan/test_plan_properties.py",
    "reference/test_correlation_properties.py",
)
# Long, and about how fast the reference is or about reading rules, not about what it says.
DESELECTED = ("test_a_long_burst_in_a_long_window_is_one_episode", "test_an_odd_value_anywhere_is_a_placed_error")
EXAMPLES = 25
MEMORY = 4 << 30
SURVIVED, KILLED = 0, 1
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.BitOr: ast.BitAnd,
}


class Mutant(NamedTuple):
    """A change of one node of a module: where it is, what it does, and how it is made."""

    module: str
    line: int
    column: int
    before: str
    after: str
    make: Callable[[], None]

    def __str__(self) -> str:
        return f"{self.module}.py:{self.line}:{self.column}: {self.before} -> {self.after}"


class Module:
    """A module of the reference, as a tree that its mutants change in place (each in a process of its own)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.stem
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self._types: set[int] = set()  # nodes that only type checkers read
        for node in ast.walk(self.tree):
            for part in _unread(node):
                self._types.update(map(id, ast.walk(part)))

    def mutants(self) -> Iterator[Mutant]:
        """Yield every mutant, in the order of the source."""
        found = [
            mutant
            for parent in ast.walk(self.tree)
            if id(parent) not in self._types
            for name, index, node in _children(parent)
            if id(node) not in self._types
            for mutant in self._of(parent, name, index, node)
        ]
        return iter(sorted(found, key=lambda mutant: (mutant.line, mutant.column, mutant.after)))

    def _of(self, parent: ast.AST, name: str, index: int | None, node: ast.AST) -> Iterator[Mutant]:
        for after in _changed(parent, name, node):
            line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0) + 1
            shown = f"`{_shown(node)}`", f"`{_shown(after)}`"

            def make(after: ast.AST = after) -> None:
                ast.copy_location(after, node)
                if index is None:
                    setattr(parent, name, after)
                else:
                    getattr(parent, name)[index] = after

            yield Mutant(self.name, line, column, *shown, make)


def _shown(node: ast.AST) -> str:
    return ast.unparse(node).split("\n", maxsplit=1)[0]


def _children(node: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield name, None, value
        elif isinstance(value, list):
            yield from ((name, index, one) for index, one in enumerate(value) if isinstance(one, ast.AST))


def _unread(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a node that mean nothing when it runs: annotations, docstrings, what cannot be reached."""
    match node:
        case ast.If(test=ast.Name("TYPE_CHECKING")):
            yield node
        case ast.ClassDef(bases=[ast.Name("Protocol")]):
            yield node
        case ast.match_case(body=[ast.Expr(ast.Call(ast.Name("assert_never")))]):
            yield node
        case ast.Expr(ast.Constant(str())) | ast.ImportFrom() | ast.Import():
            yield node
        case ast.AnnAssign(annotation=annotation):
            yield annotation
        case ast.arg(annotation=ast.expr() as annotation):
            yield annotation
        case ast.FunctionDef(returns=ast.expr() as returns):
            yield returns
            yield from node.decorator_list
        case ast.ClassDef():
            yield from node.decorator_list
        case ast.Raise():  # the words of a message; the raise itself can still go
            yield from ast.iter_child_nodes(node)
        case _:
            pass


def _changed(parent: ast.AST, name: str, node: ast.AST) -> Iterator[ast.AST]:
    """Yield what may stand in the place of a node."""
    match node:
        case ast.Compare(left, ops, comparators):
            for index, op in enumerate(ops):
                for other in COMPARISONS[type(op)]:
                    yield ast.Compare(left, [*ops[:index], other(), *ops[index + 1 :]], comparators)
        case ast.BoolOp(ast.And(), values):
            yield ast.BoolOp(ast.Or(), values)
        case ast.BoolOp(ast.Or(), values):
            yield ast.BoolOp(ast.And(), values)
        case ast.UnaryOp(ast.Not(), operand):
            yield operand
        case ast.UnaryOp(ast.USub(), operand):
            yield operand
        case ast.BinOp(left, op, right) if type(op) in OPERATORS:
            yield ast.BinOp(left, OPERATORS[type(op)](), right)
        case ast.AugAssign(target, op, value) if type(op) in OPERATORS:
            yield ast.AugAssign(target, OPERATORS[type(op)](), value)
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() as value):
            yield ast.Constant(value + 1)
            yield ast.Constant(value - 1)
        case ast.Constant(float() as value):
            yield ast.Constant(value * 2)
        case ast.Constant(str() as value) if value:
            yield ast.Constant("")
        case ast.Return(ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield ast.Return(ast.Constant(None))
        case ast.Call(ast.Name("any"), arguments):
            yield ast.Call(ast.Name("all", ast.Load()), arguments, [])
        case ast.Call(ast.Name("all"), arguments):
            yield ast.Call(ast.Name("any", ast.Load()), arguments, [])
        case _:
            pass
    test = name in {"test", "guard"} or (isinstance(parent, ast.comprehension) and name == "ifs")
    if test and isinstance(node, ast.expr) and not isinstance(node, ast.Compare | ast.UnaryOp):
        yield ast.UnaryOp(ast.Not(), node)
    if _is_removable(node):
        yield ast.Pass()


def _is_removable(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value):
            return not isinstance(value, ast.Constant)
        case ast.Assign([target]):
            return not isinstance(target, ast.Name | ast.Tuple)  # without a name nothing runs
        case _:
            return isinstance(node, ast.AugAssign | ast.Continue | ast.Raise)


class _Loader(SourceFileLoader):
    """Loads a module from a tree."""

    def __init__(self, module: Module) -> None:
        super().__init__(f"{PACKAGE}.{module.name}", str(module.path))
        self._tree = module.tree

    def get_code(self, fullname: str) -> CodeType:
        return compile(ast.fix_missing_locations(self._tree), fullname, "exec")


class _Finder:
    """Finds one module of the reference as it has been changed."""

    def __init__(self, module: Module) -> None:
        self._module = module

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """Return where the changed module comes from; None for all others."""
        if name != f"{PACKAGE}.{self._module.name}":
            return None
        return importlib.util.spec_from_file_location(name, self._module.path, loader=_Loader(self._module))


class Tests:
    """The tests, prepared as far as mutants cannot change them: rules are read by what is not mutated."""

    def __init__(self) -> None:
        import hypothesis  # noqa: PLC0415  slow to import, and not needed to list mutants
        import pytest  # noqa: PLC0415

        self._pytest = pytest
        settings: Any = hypothesis.settings
        settings.register_profile("few", max_examples=EXAMPLES, derandomize=True, database=None, deadline=None)
        settings.load_profile("few")
        begin = settings.__init__

        def few(self: Any, *parents: Any, **options: Any) -> None:
            if isinstance(asked := options.get("max_examples"), int):
                options["max_examples"] = min(EXAMPLES, asked)
            begin(self, *parents, **options)

        settings.__init__ = few  # the tests that are imported later ask for many
        tests: Any = importlib.import_module(CONFORMANCE)
        tests.parse_rules = cache(tests.parse_rules)
        self._conformance = tests
        self._cases = [case for case in self._conformance.CASES if self._passes(case)]
        random.Random(1).shuffle(self._cases)  # noqa: S311  of all topics, whichever the mutant is about

    def _passes(self, case: Any) -> bool:
        try:
            self._conformance.test_conformance(case)
        except BaseException as bad:  # noqa: BLE001  pytest raises its own
            sys.stderr.write(f"not used, it fails already: {case.label}: {bad}\n")
            return False
        return True

    def kill(self, module: Module) -> str:
        """Return the name of the test that fails; empty if all pass. Works once, in a process of its own."""
        for name in [name for name in sys.modules if name.startswith(f"{PACKAGE}.")]:
            del sys.modules[name]
        sys.meta_path.insert(0, _Finder(module))
        try:
            evaluate = importlib.import_module(f"{PACKAGE}.evaluate")
        except Exception as bad:  # noqa: BLE001  whatever a changed module does
            return f"import: {bad}"
        self._conformance.evaluate_plans = evaluate.evaluate_plans
        for case in self._cases:
            try:
                self._conformance.test_conformance(case)
            except BaseException:  # noqa: BLE001
                return str(case.label)
        chosen = [str(ROOT / "tests" / name) for name in MORE_TESTS]
        left_out = " and ".join(f"not {name}" for name in DESELECTED)
        options = ["-q", "-x", "-k", left_out, "-p", "no:cacheprovider", "--assert=plain"]
        return "other tests" if self._pytest.main([*options, "--rootdir", str(ROOT), *chosen]) else ""


def _judge(tests: Tests, module: Module, mutant: Mutant | None) -> int:
    """Fork, and judge a mutant (or the module as it is) in the child; return its process."""
    process = os.fork()
    if process:
        return process
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    code = KILLED
    with contextlib.suppress(BaseException):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        if mutant is not None:
            mutant.make()
        code = KILLED if tests.kill(module) else SURVIVED
    os._exit(code)


def run(
    tests: Tests, work: Sequence[tuple[Module, Mutant]], *, jobs: int, seconds: float, stop: float
) -> Iterator[tuple[Mutant, str]]:
    """Yield each mutant with its end: killed, timeout or survived."""
    waiting = list(reversed(work))
    running: dict[int, tuple[Mutant, float]] = {}
    while waiting or running:
        if time.monotonic() > stop:
            waiting.clear()
        while waiting and len(running) < jobs:
            module, mutant = waiting.pop()
            running[_judge(tests, module, mutant)] = mutant, time.monotonic() + seconds
        for process, (mutant, deadline) in list(running.items()):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                del running[process]
                yield mutant, "survived" if status == SURVIVED else "killed"
            elif time.monotonic() > deadline:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
                del running[process]
                yield mutant, "timeout"
        time.sleep(0.005)


def main() -> int:
    """Print what survives, and a table of how many of how many do."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--sample", type=int, help="how many mutants to try; all without it")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--module", action="append", help="mutants of this module only: match, time, ...")
    parser.add_argument("--only", help="mutants whose line in the list holds this text")
    parser.add_argument("--these", type=Path, help="the mutants that this file lists, for example those that survived")
    parser.add_argument("--minutes", type=float, default=600, help="when to stop; the table says how many were tried")
    parser.add_argument("--list", action="store_true", help="print the mutants, and try none")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60, help="the limit of each mutant; then it counts as killed")
    options = parser.parse_args()
    modules = [Module(path) for path in SOURCES if not options.module or path.stem in options.module]
    work = [(module, mutant) for module in modules for mutant in module.mutants()]
    work = [(module, mutant) for module, mutant in work if not options.only or options.only in str(mutant)]
    if options.these:
        lines = options.these.read_text(encoding="utf-8")
        work = [(module, mutant) for module, mutant in work if f"{mutant}\n" in lines]
    every = Counter(mutant.module for _, mutant in work)
    if options.sample and options.sample < len(work):
        work = random.Random(options.seed).sample(work, options.sample)  # noqa: S311  to be the same each time
    if options.list:
        sys.stdout.writelines(f"{mutant}\n" for _, mutant in work)
        return 0
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))  # the package `tests`
    tests = Tests()
    unchanged = _judge(tests, modules[0], None)
    if os.waitpid(unchanged, 0)[1] != SURVIVED:
        sys.stderr.write("the tests fail without any mutant\n")
        return 2
    ends: dict[str, Counter[str]] = {module.name: Counter() for module in modules}
    stop = time.monotonic() + 60 * options.minutes
    for mutant, end in run(tests, work, jobs=options.jobs, seconds=options.seconds, stop=stop):
        ends[mutant.module][end] += 1
        if end != "killed":
            sys.stdout.write(f"{end} {mutant}\n")
            sys.stdout.flush()
    sys.stdout.write("\nmodule       mutants  tried  killed  timeout  survived\n")
    for name, counts in [*ends.items(), ("all", sum(ends.values(), Counter()))]:
        total = every[name] if name in ends else sum(every.values())
        row = (counts.total(), counts["killed"], counts["timeout"], counts["survived"])
        sys.stdout.write(f"{name:<12} {total:>7} {row[0]:>6} {row[1]:>7} {row[2]:>8} {row[3]:>9}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
