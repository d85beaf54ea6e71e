"""Adapters are loaded when they are used, and say what they need."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("httpx", "starlette", "sqlalchemy", "uvicorn")


def loaded_by(module: str) -> set[str]:
    """Packages that importing a module brings, in a fresh process."""
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_library_loads_no_adapter() -> None:
    code = "import sys, hms.agents.healing; print(*(n for n in sys.modules if 'adapters' in n))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("adapter", ["asgi", "functions", "health_answer", "traffic"])
def test_these_need_no_package(adapter: str) -> None:
    assert not loaded_by(f"hms.agents.healing.adapters.{adapter}") & set(HEAVY)


@pytest.mark.parametrize(("adapter", "needs"), [("httpx", "httpx"), ("sqlalchemy", "SQLAlchemy")])
def test_what_is_not_installed_is_named(adapter: str, needs: str) -> None:
    code = (
        f"import sys; sys.modules[{adapter!r}] = None\n"
        "from hms.errors import MissingError\n"
        f"try:\n    import hms.agents.healing.adapters.{adapter}\n"
        "except MissingError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{needs} is not installed")
    assert "pip install" in done.stdout
