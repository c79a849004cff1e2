"""The layer rule as a test: a wrong import fails within a second, with the file's name."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "comfyui_bridge"

# Room -> the rooms of ours it may import besides itself.
ROOMS = {
    "version": set(),
    "core": {"version"},
    "settings": {"core", "version"},
    "comfy": {"core", "version"},
    "store": {"core", "version"},
    "sandbox": {"version"},
    "engine": {"core", "store", "settings", "version"},
    "client": {"core", "comfy", "engine", "version"},
    "ui": {"core", "engine", "store", "settings", "version"},
    "sandbox_process": set(),
    "bootstrap": {
        "sandbox_process",
        "core",
        "comfy",
        "engine",
        "store",
        "settings",
        "sandbox",
        "ui",
        "client",
        "version",
    },
    "cli": {"core", "comfy", "engine", "store", "settings", "sandbox", "client", "version"},
    "__main__": {"cli"},
    "__init__": {"core", "comfy", "client", "version"},
}

# Third-party (or threading) module -> the rooms that may import it.
KEPT_IN = {
    "gradio": {"ui"},
    "starlette": {"ui"},
    "requests": {"comfy"},
    "websocket": {"comfy"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "aiohttp": {"sandbox"},
    "numpy": {"sandbox"},
    "rich": {"cli"},
}

PURE_FORBIDS = {"time", "random", "threading", "socket", "os", "pathlib", "requests", "secrets"}


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Every absolute module name a file imports, function-level and type-only imports included."""
    package = ("comfyui_bridge", *path.relative_to(PACKAGE).parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {_meant(module, alias.name) for alias in node.names}
    return frozenset(found)


def _meant(module: str, name: str) -> str:
    """The module that `from module import name` imports: the submodule of that name, if there is one."""
    folder = ROOT / module.replace(".", "/")
    is_module = module == "comfyui_bridge" or (folder / f"{name}.py").is_file() or (folder / name).is_dir()
    return f"{module}.{name}" if is_module else module


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_the_rooms_below_it(path: Path) -> None:
    room = room_of(path)
    assert room in ROOMS, f"{path.relative_to(ROOT)} stands in no known room"
    ours = {name.split(".")[1] for name in imports_of(path) if name.startswith("comfyui_bridge.")}
    wrong = ours - ROOMS[room] - {room}
    assert not wrong, (
        f"{path.relative_to(ROOT)} imports {', '.join(sorted(wrong))}, which stands above or beside it"
    )


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_library_stays_in_its_room(path: Path) -> None:
    tops = {name.split(".")[0] for name in imports_of(path)}
    wrong = {lib for lib, rooms in KEPT_IN.items() if lib in tops and room_of(path) not in rooms}
    assert not wrong, f"{path.relative_to(ROOT)} imports {', '.join(sorted(wrong))}"


@pytest.mark.parametrize("path", sorted((PACKAGE / "core").rglob("*.py")), ids=lambda p: p.name)
def test_core_is_pure(path: Path) -> None:
    tops = {name.split(".")[0] for name in imports_of(path)} - {"comfyui_bridge"}
    assert not tops & PURE_FORBIDS, f"{path.name} reaches for {tops & PURE_FORBIDS}"
    assert tops <= sys.stdlib_module_names, f"{path.name} needs {tops - sys.stdlib_module_names}"
    asked = {
        node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)
    }
    assert not asked & {"now", "today", "utcnow"}, f"{path.name} asks a clock"


def test_no_module_of_ours_imports_itself_in_a_circle() -> None:
    graph = {}
    for path in FILES:
        name = ".".join(("comfyui_bridge", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
            ".__init__"
        )
        graph[name] = {i for i in imports_of(path) if i.startswith("comfyui_bridge")}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name in done:
            return
        for target in sorted(graph.get(name, ()) & graph.keys()):
            visit(target, (*trail, name))
        done.add(name)

    for name in sorted(graph):
        visit(name, ())
