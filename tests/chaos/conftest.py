"""A shop of four components, and chaos files for it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from chaos_shop import SHOP, mesh

from hms.scenarios.chaos.experiment import read_experiments
from hms.scenarios.chaos.translate import StruckScenario, with_chaos
from hms.scenarios.load import load_scenario
from hms.scenarios.model import Scenario

Strike = Callable[..., StruckScenario]


@pytest.fixture
def shop(tmp_path: Path) -> Scenario:
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP, encoding="utf-8")
    return load_scenario(path).midpoint()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write_file(text: str, name: str = "chaos.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


@pytest.fixture
def strike(shop: Scenario, write: Callable[..., Path]) -> Strike:
    """The shop with the faults of a spec of Chaos Mesh, or of a whole file."""

    def struck(kind_or_text: str, spec: str = "", seed: str = "0") -> StruckScenario:
        text = mesh(kind_or_text, spec) if spec else kind_or_text
        return with_chaos(shop, read_experiments([write(text)]), seed)

    return struck
