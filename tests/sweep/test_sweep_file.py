"""The `sweep` section: what it may say, and how its mistakes are told."""

import pytest

from hms.errors import ExperimentError
from hms.experiments.plan_file import load_plan
from hms.experiments.run_directory import list_runs
from hms.experiments.sweep.cells import cells
from hms.experiments.sweep.run import start_sweep
from hms.scenarios.load import load_scenario


def test_factors_and_seeds_are_read_and_written_back(experiment):
    plan = load_plan(experiment())
    assert plan.sweep.factors == {"policy": ("today", "ladder"), "workload/0/rate_rps": (20, 40)}
    assert (plan.sweep.seeds, plan.sweep.cells) == (4, 4)
    assert plan.to_mapping("s.yaml")["sweep"] == {
        "factors": {"policy": ["today", "ladder"], "workload/0/rate_rps": [20, 40]}, "seeds": 4,
    }  # fmt: skip


def test_an_experiment_needs_no_sweep_to_be_run(experiment):
    text = experiment().read_text()
    path = experiment()
    path.write_text(text[: text.index("sweep:")])
    assert load_plan(path).sweep is None


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("policy: [today, ladder]", "polcy: [today]", "unknown key `polcy`"),
        ("policy: [today, ladder]", "policy: []", "0 values"),
        ("policy: [today, ladder]", "policy: [today, today]", "`today` is there twice"),
        ("policy: [today, ladder]", "policy: [today, 3]", "a word"),
        ("policy: [today, ladder]", "family: [crahs]", "unknown family `crahs`"),
        ("policy: [today, ladder]", "engine: [fast]", "unknown engine `fast`"),
        ("[20, 40]", "[20, .inf]", "finite"),
        ("[20, 40]", "[{a: 1}]", "a number or a word"),
        ("[20, 40]", "[20, much]", "words and numbers mixed"),
        ("seeds: 4", "seeds: 0", "`seeds` is 0"),
        ("seeds: 4", "sedes: 4", "unknown key `sedes`"),
        ("seeds: 4", "seeds: 100000\n  x: 1", "unknown key `x`"),
    ],
)
def test_a_mistake_is_told_with_its_line(experiment, before, after, told):
    with pytest.raises(ExperimentError) as wrong:
        load_plan(experiment((before, after)))
    assert told in str(wrong.value)
    assert "sweep.yaml:" in str(wrong.value)


def test_too_many_combinations_are_refused(experiment):
    many = ", ".join(str(n) for n in range(1, 101))
    changes = (
        ("[20, 40]", f"[{many}]\n    components/shop/replicas: [{many}]\n    horizon_s: [60, 61]"),
    )
    with pytest.raises(ExperimentError, match="at most 10,000"):
        load_plan(experiment(*changes))


def test_combinations_go_last_factor_first_with_values_in_place(experiment):
    plan = load_plan(experiment())
    system = load_scenario(plan.topology.scenario)
    made = cells(plan.sweep, system, plan.failures.families, plan.file)
    assert [(c.policy, c.scenario.workload[0].rate_rps) for c in made] == [
        ("today", 20.0), ("today", 40.0), ("ladder", 20.0), ("ladder", 40.0),
    ]  # fmt: skip
    assert made[0].scenario is made[2].scenario
    assert made[0].families == ("crash", "hang")


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("components/shpo/replicas", "the scenario has no `components/shpo`"),
        ("workload/3/rate_rps", "the scenario has no `workload/3`"),
        ("workload/0/rate_rpm", "unknown key `rate_rpm`"),
        ("workload/0", "a whole entry of a list"),
        ("horizon_s/x", "nothing can be set inside `horizon_s`"),
    ],
)
def test_what_a_scenario_has_not_is_refused_before_anything_runs(
    experiment, tmp_path, place, told
):
    plan = load_plan(experiment(("workload/0/rate_rps", place)))
    with pytest.raises(ExperimentError) as wrong:
        start_sweep(plan, tmp_path / "runs", lambda *_: None)
    assert told in str(wrong.value)
    assert "sweep.yaml:" in str(wrong.value)
    assert list_runs(tmp_path / "runs") == {}


def test_an_experiment_without_a_sweep_says_what_one_looks_like(experiment, tmp_path):
    path = experiment()
    text = path.read_text()
    path.write_text(text[: text.index("sweep:")])
    with pytest.raises(ExperimentError, match="factors"):
        start_sweep(load_plan(path), tmp_path / "runs", lambda *_: None)
