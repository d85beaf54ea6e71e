"""Every mistake of a scenario file, at its line, with what was expected and the nearest name."""

import random

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scenario_mistakes import MISTAKES
from scenario_shop import SHOP

from hms.errors import ScenarioError
from hms.scenarios.load import load_scenario, parse_scenario


@pytest.mark.parametrize(("old", "new", "line", "told"), MISTAKES)
def test_a_mistake_is_told_with_its_line(shop_text, write, old, new, line, told):
    assert old in shop_text
    path = write(shop_text.replace(old, new, 1))
    with pytest.raises(ScenarioError) as refused:
        load_scenario(path)
    text = str(refused.value)
    assert f"shop.yaml:{line}: " in text, text
    for part in told:
        assert part in text, text
    assert refused.value.exit_code == 2


def test_all_mistakes_are_told_at_once_in_the_files_order(shop_text, write):
    text = shop_text.replace("replicas: 3", "replicas: -3").replace(
        "timeout_ms: 10000", "tiemout_ms: 1"
    )
    text = text.replace("kind: hang", "kind: hagn").replace("latency_ms: 800", "latency_s: 1")
    with pytest.raises(ScenarioError) as refused:
        load_scenario(write(text))
    lines = [problem.line for problem in refused.value.problems]
    assert len(lines) == 4
    assert lines == sorted(lines)


def test_a_missing_file_is_told_with_its_nearest_neighbour(shop_text, write, tmp_path):
    write(shop_text)
    with pytest.raises(ScenarioError, match=r"nearest: `shop\.yaml`"):
        load_scenario(tmp_path / "shpo.yaml")


@pytest.mark.parametrize("data", [None, [], "shop", 3, {}, {"schema": "hms.scenario/1"}])
def test_a_file_that_is_no_scenario_is_refused(data):
    scenario, problems = parse_scenario(data)
    assert scenario is None
    assert problems


def test_more_than_ten_thousand_components_are_refused():
    data = {
        "schema": "hms.scenario/1",
        "name": "crowd",
        "components": {f"c{number}": {} for number in range(10_001)},
    }
    scenario, problems = parse_scenario(data)
    assert scenario is None
    assert any("10001 components" in problem.what for problem in problems)


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["web", "db", "people", "web -> db", "none", "k8s:3", "hang", "restart"]),
)
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["is", "between", "from", "kind", "component"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@given(seed=st.integers(0, 2**32), anything=_ANYTHING)
def test_a_mutated_file_gives_a_scenario_or_problems_and_nothing_else(seed, anything):
    chance = random.Random(seed)
    data = yaml.safe_load(SHOP)
    for _ in range(chance.randint(1, 3)):
        _mutate(data, chance, anything)
    scenario, problems = parse_scenario(data)
    assert (scenario is None) == bool(problems)


def _mutate(data, chance, anything):
    """Put something else at a random place."""
    here = data
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = chance.choice(keys) if keys else None
        if key is None:
            return
        if isinstance(here[key], dict | list) and here[key] and chance.random() < 0.7:
            here = here[key]
            continue
        if isinstance(here, dict) and chance.random() < 0.3:
            here["".join(chance.choice("abcdefg_") for _ in range(4))] = anything
        here[key] = anything
        return
