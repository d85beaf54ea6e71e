"""docs/experiment-format.md says what the reader of experiment files knows, and no less."""

import re
from pathlib import Path

from hms.documents import load_yaml
from hms.experiments import plan, plan_file, plan_topology
from hms.experiments.run_directory import MANIFEST

PAGE = Path(__file__).resolve().parents[2] / "docs" / "experiment-format.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_every_key_is_on_the_page() -> None:
    tables = (
        plan_file.BUDGET_KEYS, plan_file.SEARCH_KEYS, plan_file.CHOOSE_KEYS,
        plan_file.INTERVAL_KEYS, plan_file.PRICE_KEYS, plan_file.REPLAY_KEYS,
    )  # fmt: skip
    keys = {key for table in tables for key in table}
    keys |= {*plan_file.TOP_KEYS, *plan_topology.TOPOLOGY_KEYS, *plan.BASELINES, *plan.REPLAYED}
    keys |= {"start_from", "objectives", "incidents", *plan.OBJECTIVES, *plan_topology.IMPORTERS}
    words = set(re.findall(r"[A-Za-z0-9_-]+", TEXT))
    assert sorted(keys - words) == []


def test_the_example_is_a_legal_experiment(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert example is not None
    for name in ("shop.yaml", "three-replicas.overlay.yaml"):
        (tmp_path / name).write_text("", encoding="utf-8")
    data = load_yaml(example[1], file="example.yaml").data
    found, problems = plan_file.parse_plan(data, tmp_path / "example.yaml")
    assert problems == []
    assert found is not None
    assert found.failures.never_trained == ("slow",)


def test_the_budgets_of_the_page_are_those_of_the_code() -> None:
    counts = [f"{budget.incidents:,}" for budget in plan.STANDARD_BUDGETS.values()]
    assert f"| {' '.join(counts)} incidents |" in TEXT
    assert MANIFEST in TEXT
