"""Who may import whom, beyond what import-linter's contracts can say."""

import ast
import subprocess
import sys
from pathlib import Path

from source_tree import ROOT, imported_names, named, python_files, tree_of

POLICY = ROOT / "agents" / "policy"
CLUSTER = ROOT / "agents" / "mac" / "cluster.py"


def product_files(folder: str = ".") -> list[Path]:
    top = (ROOT / folder).resolve()
    return [path for path in python_files(tests=False) if top in path.parents]


def test_the_contracts_of_import_linter_hold() -> None:
    script = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [script, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_decisions_import_the_standard_library_and_each_other_only() -> None:
    found = [
        f"{named(path)}:{line}: {name}"
        for path in product_files("agents/policy")
        for name, line in imported_names(tree_of(path))
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not name.startswith("hms.agents.policy")
    ]
    assert found == []


def test_no_import_is_relative_or_by_a_second_name() -> None:
    """`agents.x` and `hms.agents.x` would be two modules with two states."""
    rooms = {"agents", "evolution", "scenarios", "experiments"}
    found = [
        f"{named(path)}:{node.lineno}"
        for path in python_files(tests=False) + python_files(tests=True)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom)
        and (node.level or (node.module or "").partition(".")[0] in rooms)
    ]
    assert found == []


def starts_ray(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr in ("init", "shutdown")
        and isinstance(node.value, ast.Name | ast.Attribute)
        and ast.unparse(node.value).rpartition(".")[2] == "ray"
    )


def test_only_the_cluster_starts_and_stops_ray() -> None:
    starting = [
        path for path in product_files() if any(starts_ray(n) for n in ast.walk(tree_of(path)))
    ]
    assert starting == [CLUSTER]


def imports_at_start(path: Path, package: str) -> bool:
    """Whether importing the module imports the package: not in a function, nor for types only."""
    waiting: list[ast.AST] = list(tree_of(path).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = ast.Module([node], [])
            if any(name.partition(".")[0] == package for name, _ in imported_names(module)):
                return True
        waiting.extend(ast.iter_child_nodes(node))
    return False


def test_nobody_imports_ray_or_mlflow_before_their_settings_stand() -> None:
    """Both read the environment while they are imported."""
    early = [
        f"{named(path)}: {package}"
        for path in product_files()
        for package in ("ray", "mlflow")
        if imports_at_start(path, package)
    ]
    assert early == []


def test_yaml_is_read_in_one_place() -> None:
    """Limits, lines and YAML 1.2 hold only there; writing is another matter."""
    reading = {"load", "load_all", "safe_load", "safe_load_all", "full_load", "unsafe_load",
               "compose", "compose_all", "parse"}  # fmt: skip
    found = [
        f"{named(path)}:{node.lineno}"
        for path in product_files()
        if path.parent != ROOT / "hms"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute)
        and node.attr in reading
        and isinstance(node.value, ast.Name)
        and node.value.id == "yaml"
    ]
    assert found == []


def test_nothing_is_swallowed() -> None:
    found = [
        f"{named(path)}:{node.lineno}"
        for path in product_files()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler)
        and all(isinstance(each, ast.Pass) for each in node.body)
    ]
    assert found == []
