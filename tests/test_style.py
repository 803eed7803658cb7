"""What a reader may count on: layers, sizes, names, nothing of anybody's machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAX_MODULE, MAX_FUNCTION, MAX_NESTING, MIN_WORDS = 300, 45, 3, 4

BASE = {"errors", "clock", "names", "config", "settings", "known_keys", "service"}
LINK = BASE | {"protocol"}
NODE = LINK | {"remoting"}
BROKER = NODE | {"broker", "broker.tables", "store", "store.disk"}
MAY_IMPORT: dict[str, set[str]] = {
    **dict.fromkeys(BASE, BASE),
    "protocol": {"errors", "names"},
    "remoting": LINK,
    "store.disk": set(),
    "store": LINK | {"store.disk"},
    "ha": BASE,
    "namesrv": NODE | {"boot", "store", "store.disk"},
    "client": NODE,
    "broker.tables": LINK,
    "broker.handlers": LINK | {"broker", "broker.tables", "store"},
    "broker.services": BROKER | {"broker.handlers", "ha"},
    "broker": BROKER | {"broker.handlers", "broker.services", "ha", "boot"},
    "sim": {"errors", "store.disk"},
    "boot": BASE,
    "health": LINK,
    "mqadmin": LINK | {"client"},
    "testing": NODE | {"boot", "broker", "client", "namesrv", "store", "store.disk"},
    "cli": {"classroom"},
    "pytest_plugin": {"testing", "classroom"},
}
"""By package, or module at the top: what it may import of rmqlab beside itself.

`classroom` stands above them all; name server, broker and client meet on the wire, and
only `testing` has them in one process.
`sim` stands beside them: of all the system it knows the seam to the disk.
"""

ONLY_THERE = {
    "time": {"rmqlab.clock", "rmqlab.testing.waiting"},
    "datetime": {
        "rmqlab.client.place",
        "rmqlab.client.unique_ids",
        "rmqlab.mqadmin.times",
        "rmqlab.store.index",
    },
    "threading": {"rmqlab.client.blocking.thread"},
    "concurrent.futures": {"rmqlab.store.real_disk", "rmqlab.client.blocking.thread"},
    "fcntl": {"rmqlab.store.real_disk"},
}
"""The few modules of the system that touch clock and threads, so that it can be
simulated."""


EXACT = {"ceil", "floor", "inf", "isfinite", "isqrt", "nan", "sqrt", "trunc"}
"""Of `math`."""
INEXACT_RANDOM = {
    f"{name}variate"
    for name in "beta expo gamma lognorm normal pareto vonmises weibull".split()
} | {"gauss"}


class Module:
    """One Python file of the repository."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text("utf-8")
        self.tree = ast.parse(self.text)
        parts = path.relative_to(ROOT).with_suffix("").parts
        self.name = ".".join(parts).removesuffix(".__init__")

    @property
    def layer(self) -> str:
        """The package that the table speaks of."""
        return layer_of(self.name)

    def imports(self) -> Iterator[str]:
        """Yield what is imported, each as the module that it comes from."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (one.name for one in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name}: relative import"
                whole = (f"{node.module}.{one.name}" for one in node.names)
                yield from (one if one in names() else node.module for one in whole)

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Yield all functions, inner ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


def layer_of(name: str) -> str:
    """Return what the table calls the package of a module."""
    parts = name.split(".")[1:]
    inner = ".".join(parts[:2])
    return inner if inner in MAY_IMPORT else parts[0] if parts else ""


@cache
def tracked() -> list[Path]:
    """Return the files of the repository, or of its unpacked source."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    found = subprocess.run(asked, cwd=ROOT, capture_output=True, check=False)
    if found.returncode:
        pytest.skip("this is no git repository")
    paths = [ROOT / name for name in found.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


@cache
def modules(folder: str) -> list[Module]:
    """Return the Python files below a folder."""
    top = ROOT / folder
    return [
        Module(path)
        for path in tracked()
        if path.suffix == ".py" and path.is_relative_to(top)
    ]


@cache
def names() -> set[str]:
    """Return the names of rmqlab's modules."""
    return {module.name for module in modules("rmqlab")}


def system() -> list[Module]:
    """Return the modules outside the classroom."""
    return [one for one in modules("rmqlab") if one.layer != "classroom"]


# Layers


def test_every_module_of_the_system_has_a_layer():
    layers = {one.layer for one in system()} - {""}
    assert layers == set(MAY_IMPORT)


def test_imports_go_down_the_layers_only():
    upward = {
        (module.name, name)
        for module in system()
        for name in module.imports()
        if name.startswith("rmqlab.")
        and layer_of(name) not in MAY_IMPORT[module.layer] | {module.layer}
    }
    assert upward == set()


def test_the_table_of_layers_allows_no_circle_among_packages():
    allowed = {key: below - BASE - {key} for key, below in MAY_IMPORT.items()}
    allowed["broker.handlers"] -= {"broker"}  # `call` and `gate` lie at its top
    allowed["broker.services"] -= {"broker"}
    assert circles(allowed) == []


def test_no_module_imports_itself_by_a_detour():
    known = names()
    wanted = {one.name: set(one.imports()) & known for one in modules("rmqlab")}
    assert circles(wanted) == []


def circles(wanted: dict[str, set[str]]) -> list[str]:
    """Return the names that are left when all that wants nothing left is taken away."""
    left = {name: below - {name} for name, below in wanted.items()}
    while ready := [name for name, below in left.items() if not below & left.keys()]:
        for name in ready:
            del left[name]
    return sorted(left)


def test_the_system_needs_the_standard_library_alone():
    foreign = {
        (module.name, name)
        for module in system()
        for name in module.imports()
        if name.split(".")[0] not in {"rmqlab", *sys.stdlib_module_names}
    }
    assert foreign == {("rmqlab.pytest_plugin", "pytest")}


def test_clock_and_threads_are_touched_in_few_places():
    touched = {
        (module.name, name)
        for module in system()
        for name in module.imports()
        if module.name not in ONLY_THERE.get(name, {module.name})
    }
    assert touched == set()


def test_a_simulation_uses_no_function_whose_last_digit_differs_between_systems():
    """WebAssembly's exp() and log() are not those of a C library."""
    used = {
        (module.name, node.lineno)
        for module in [*system(), *modules("rmqlab/classroom/simulated")]
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and (
            node.attr in INEXACT_RANDOM
            or (getattr(node.value, "id", "") == "math" and node.attr not in EXACT)
        )
    }
    assert used == set()


def test_modules_of_the_system_import_at_their_top_and_by_name():
    hidden = {
        (module.name, node.lineno)
        for module in system()
        if module.layer not in ("cli", "pytest_plugin")
        for function in module.functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    starred = {
        (module.name, node.lineno)
        for module in modules("rmqlab")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
    }
    assert hidden | starred == set()


# Sizes


def test_no_module_is_longer_than_a_reader_will_bear():
    lines = {one.name: len(one.text.splitlines()) for one in modules("rmqlab")}
    assert {name: n for name, n in lines.items() if n > MAX_MODULE} == {}


def test_no_function_is_longer_than_a_screen():
    long = {
        (module.name, function.name): lines
        for module in modules("rmqlab")
        for function in module.functions()
        if (lines := function.end_lineno - function.lineno + 1) > MAX_FUNCTION
    }
    assert long == {}


def test_no_function_decides_within_decisions_within_decisions_and_more():
    deep = {
        (module.name, function.name): depth
        for module in modules("rmqlab")
        for function in module.functions()
        if (depth := nesting(function)) > MAX_NESTING
    }
    assert deep == {}


DECIDES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.Match)
INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def nesting(node: ast.AST) -> int:
    """Return how deep loops and conditions lie in each other; an elif is no deeper."""
    depths = [0]
    for child in ast.iter_child_nodes(node):
        if isinstance(child, INNER):
            continue
        is_elif = isinstance(node, ast.If) and node.orelse == [child]
        is_deeper = isinstance(child, DECIDES) and not (
            is_elif and isinstance(child, ast.If)
        )
        depths.append(nesting(child) + is_deeper)
    return max(depths)


@pytest.mark.parametrize(
    ("body", "depth"),
    [
        ("pass", 0),
        ("if a:\n  pass\n elif b:\n  pass\n else:\n  pass", 1),
        ("if a:\n  pass\n else:\n  if b:\n   pass\n  c", 2),
        ("for a in b:\n  with c:\n   if d:\n    try:\n     e\n    finally:\n     f", 3),
        ("def inner():\n  if a:\n   if b:\n    pass\n if c:\n  pass", 1),
    ],
)
def test_nesting_is_counted_as_a_reader_counts_it(body, depth):
    (function,) = ast.parse(f"def f():\n {body}").body
    assert nesting(function) == depth


# Tests


def all_tests() -> Iterator[tuple[str, str]]:
    """Yield each test's module and name."""
    for module in modules("tests"):
        for function in module.functions():
            if function.name.startswith("test_"):
                yield module.name, function.name


def test_the_name_of_every_test_is_a_sentence():
    short = {
        one for one in all_tests() if len(one[1].strip("_").split("_")) < MIN_WORDS + 1
    }
    assert short == set()


def test_no_test_hides_another_of_its_name():
    found = list(all_tests())
    assert {one for one in found if found.count(one) > 1} == set()


def test_no_two_files_of_tests_have_one_name():
    """Pytest could not tell them apart."""
    found = [path.name for path in tracked() if path.match("test_*.py")]
    assert {one for one in found if found.count(one) > 1} == set()


MAY_SLEEP = ("tests.support", "tests.simulated", "tests.sim.")
"""`until` looks again and again; in a simulation it is virtual time that passes."""


def test_tests_wait_for_facts_and_never_for_a_time():
    """A sleep of 0 lets others run."""
    asleep = {
        (module.name, node.lineno)
        for module in modules("tests")
        if not module.name.startswith(MAY_SLEEP)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) == "sleep"
        and ast.unparse(node.args[0]) != "0"
    }
    assert asleep == set()


# Machines


OF_A_MACHINE = {
    "a path of one machine": re.compile(
        r"(?<![\w.}\-])/(?:work/|root/(?!store\b|logs\b))"
    ),
    "a registry on this host": re.compile(r"localhost:\d+/\w|https?://localhost:\d+/"),
    "a mirror": re.compile(r"--(?:extra-)?index-url|index-url\s*=|GOPROXY="),
}
"""In a container the broker's home is /root: ~/store and ~/logs lie below it."""


def test_no_file_names_a_path_or_a_registry_of_somebodys_machine():
    own = Path(__file__)
    found = {
        (str(path.relative_to(ROOT)), number, what)
        for path in tracked()
        if path != own and b"\0" not in (data := path.read_bytes())
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1)
        for what, pattern in OF_A_MACHINE.items()
        if pattern.search(line)
    }
    assert found == set()


@pytest.mark.parametrize(
    "line",
    [
        "cd /wo" + "rk/main",
        "'/ro" + "ot/.cache'",
        "pip install --index-" + "url x",
        "image: localhost:5000" + "/rmqlab",
    ],
)
def test_what_belongs_to_a_machine_is_recognised(line):
    assert any(pattern.search(line) for pattern in OF_A_MACHINE.values())


@pytest.mark.parametrize(
    "line",
    [
        "rmqlab/wo" + "rk/x",
        "/ro" + "ot/store",
        "localhost:" + "8080",
        "/usr/lo" + "cal/rocketmq",
    ],
)
def test_what_belongs_to_no_machine_is_let_through(line):
    assert not any(pattern.search(line) for pattern in OF_A_MACHINE.values())
