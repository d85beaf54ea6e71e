"""Real systems beside the checkout, the shipped bookshop, and a scenario small enough to read."""

from pathlib import Path

import pytest
from scenario_places import LIBRARY, TOPOLOGIES
from scenario_shop import SHOP

from hms.scenarios.load import load_scenario


@pytest.fixture
def shop_text() -> str:
    """A scenario of four components, as its file."""
    return SHOP


@pytest.fixture
def write(tmp_path):
    """Writes a text to a file below a folder of the test's own."""

    def write_file(text: str, name: str = "shop.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def shop(write):
    """A scenario of four components."""
    return load_scenario(write(SHOP))


@pytest.fixture
def bookshop() -> Path:
    """The shipped example system."""
    return LIBRARY / "bookshop"


@pytest.fixture
def online_boutique() -> Path:
    """The unmodified manifests of Online Boutique."""
    return _real("online-boutique")


@pytest.fixture
def sock_shop() -> Path:
    """The unmodified manifests of Sock Shop."""
    return _real("sock-shop")


def _real(name: str) -> Path:
    folder = TOPOLOGIES / name
    if not folder.is_dir():
        pytest.skip(f"the manifests of {name} are not beside this checkout (shared/topologies)")
    return folder
