"""Who may import whom: every import runs down the house, and each side keeps to its own packages."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path
    for top in ("geoseg_plugin", "algorithms", "models", "__init__.py")
    for path in ([ROOT / top] if top.endswith(".py") else (ROOT / top).rglob("*.py"))
)

# Part of the house -> the parts that it may import, besides itself.
MAY_IMPORT = {
    "contract": set(),
    "models": {"contract"},
    "host": {"contract"},
    "engine": {"contract", "models"},
    "algorithms": {"contract", "host"},
    "provider": {"contract", "host", "algorithms"},
    "plugin": {"contract", "host", "provider"},
    "cli": {"contract", "host", "engine"},
    "__main__": {"cli"},
    "root": {"plugin"},
}
QGIS_PARTS = {"host", "algorithms", "provider", "plugin"}
QGIS_FREE_MODULES = {"environment", "install", "job", "process", "lock", "base_python", "install_log"}
ENGINE_PARTS = {"engine", "models"}
OLD_PYTHON_PARTS = {"contract", "host", "algorithms", "provider", "plugin", "root"}


def part_of(parts):
    """Return the part of the house that a module (a tuple of names below the root) belongs to."""
    if parts and parts[0] == "geoseg_plugin":
        return parts[1] if len(parts) > 1 else "geoseg_plugin"
    return parts[0] if parts else "root"


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imports_of(path):
    """Yield (level, module names) of every import; level is 0 for other packages, else the names are from the root."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield 0, tuple(alias.name.split("."))
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield 0, tuple(node.module.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            module = tuple(node.module.split(".")) if node.module else ()
            for alias in node.names:
                yield node.level, (*base, *module) if module else (*base, alias.name)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_keep_to_the_plan(path):
    part = part_of(module_of(path))
    for level, names in imports_of(path):
        if level:
            imported = part_of(names)
            assert imported == part or imported in MAY_IMPORT[part], f"{part} imports {imported}"
            continue
        package = names[0]
        if package == "geoseg":
            assert part == "__main__", "import relatively"
        elif package == "qgis":
            assert part in QGIS_PARTS and path.stem not in QGIS_FREE_MODULES, "qgis has no business here"
        elif package not in sys.stdlib_module_names:
            assert part in ENGINE_PARTS, f"{package} has no business here"


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if part_of(module_of(path)) in OLD_PYTHON_PARTS], ids=lambda path: path.stem
)
def test_qgis_side_keeps_to_python_3_9(path):
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Match)]
    if any(isinstance(node, (ast.AnnAssign, ast.FunctionDef)) for node in ast.walk(tree)):
        imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
        assert "annotations" in imported, "newer annotations need `from __future__ import annotations`"


def test_guard_sees_all_parts():
    assert {part_of(module_of(path)) for path in SOURCES} >= set(MAY_IMPORT)
