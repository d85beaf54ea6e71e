"""The files of the project, for the tests that look at how they are written."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("agents", "evolution", "scenarios", "experiments", "hms", "scripts", "tests", "notebooks")
TEXTS = {
    ".cfg", ".css", ".html", ".in", ".ipynb", ".j2", ".js", ".json", ".md", ".py", ".sh", ".svg",
    ".toml", ".txt", ".typed", ".yaml", ".yml", "",
}  # fmt: skip


@cache
def project_files() -> tuple[Path, ...]:
    """Every file that is or will be committed; in an archive without git, every file of ours."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout.split("\0")  # fmt: skip
        paths = [ROOT / name for name in listed if name]
    else:
        paths = [*ROOT.glob("*"), *(path for room in ROOMS for path in (ROOT / room).rglob("*"))]
    return tuple(sorted(path for path in set(paths) if path.is_file() and not is_linked(path)))


def is_linked(path: Path) -> bool:
    """Whether the file is a second name of another: below one of the links in hms/."""
    return ROOT not in path.resolve().parents or path.resolve() != path


def named(path: Path) -> str:
    """The path as messages show it."""
    return str(path.relative_to(ROOT))


def python_files(*, tests: bool) -> list[Path]:
    """The project's Python files: those of the tests, or all the others."""
    return [
        path
        for path in project_files()
        if path.suffix == ".py" and (path.relative_to(ROOT).parts[0] == "tests") == tests
    ]


def text_files() -> list[Path]:
    """The project's files that hold text."""
    return [path for path in project_files() if path.suffix in TEXTS]


@cache
def tree_of(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of the file."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported_names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every module that is imported, also inside functions, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or "", node.lineno
