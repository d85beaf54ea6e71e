"""The experiment file: what it may say, and what is said about what it may not."""

import subprocess
import sys
from pathlib import Path

import pytest

from hms.documents import dump_yaml, load_yaml
from hms.errors import ExperimentError, InputError
from hms.evolution.baselines import TODAY, names
from hms.experiments.plan_file import import_instead, load_plan, parse_plan, seeded
from hms.experiments.steps.scenarios import require_strikable
from hms.scenarios.load import load_scenario

HERE = Path(__file__).resolve().parent
GOOD = (HERE / "tiny.yaml").read_text(encoding="utf-8")


def problems_of(text: str) -> list[str]:
    plan, problems = parse_plan(load_yaml(text, file="x.yaml").data, HERE / "x.yaml")
    assert (plan is None) == bool(problems)
    return [f"{p.what} | {p.expected} | {p.nearest}" for p in problems]


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_the_tiny_experiment_is_read_as_it_stands() -> None:
    plan = load_plan(HERE / "tiny.yaml")
    assert (plan.name, plan.seed) == ("corner-shop", "7")
    assert plan.failures.families == ("crash", "hang")
    assert plan.budgets["small"].incidents == 120
    assert plan.budgets["standard"].incidents == 40_000
    assert plan.compare.baselines == ("today", "envoy", "ladder")
    assert plan.topology.scenario == HERE / "corner-shop.yaml"


def test_the_shipped_experiment_is_found_by_name_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = load_plan("online-boutique")
    assert plan.topology.scenario is not None
    assert plan.topology.scenario.name == "online-boutique.yaml"
    assert [overlay.name for overlay in plan.topology.overlays] == ["three-replicas.overlay.yaml"]
    small = plan.budgets["small"]
    assert (small.train, small.validation, small.held_out) == (98, 56, 140)


def test_without_a_list_of_its_own_a_plan_compares_with_today_and_every_baseline() -> None:
    listed = "  baselines: [today, envoy, ladder]\n"
    plan, _ = parse_plan(load_yaml(changed(listed, ""), file="x.yaml").data, HERE / "x.yaml")
    assert plan is not None
    assert plan.compare.baselines == (TODAY, *names())


def test_reading_a_plan_needs_neither_numpy_nor_the_rest_of_the_lab() -> None:
    heavy = ("numpy", "numba", "pandas", "ray", "mlflow", "sqlalchemy", "deap")
    code = (
        "import sys; from hms.experiments.plan_file import load_plan; load_plan('online-boutique');"
        f"print(sorted(set({heavy}) & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("hms.experiment/1", "hms.experiment/2", "newer than this version"),
        ("schema: hms.experiment/1\n", "", "`schema` is missing"),
        ("name: corner-shop", "name: Corner Shop", "small letters"),
        ('seed: "7"', "seed: true", "`seed` is true"),
        ("corner-shop.yaml", "corner-shot.yaml", "corner-shop.yaml"),
        ("{scenario: corner-shop.yaml}", "{}", "needs `scenario` or `import`"),
        (
            "{scenario: corner-shop.yaml}",
            "{scenario: corner-shop.yaml, import: {compose: [tiny.yaml]}}",
            "has both `scenario` and `import`",
        ),
        (
            "{scenario: corner-shop.yaml}",
            "{import: {kubernetes: [tiny.yaml], compose: [tiny.yaml]}}",
            "`import` has 2 formats",
        ),
        ("population: 8", "population: 8, objectives: [downtime_s]", "one objective | two"),
        (
            "compare:",
            "replay: {incidents: [held_out_median, held_out_worst]}\ncompare:",
            "2 incidents to replay | one of",
        ),
        ("population: 8", "population: 8, racing: [16, 8]", "rising"),
        ("population: 8", "population: 8, racing: [0.5]", "`racing` is 0.5"),
        ("population: 8", "population: 8, rotation_share: 0", "`rotation_share` is 0"),
        ("population: 8", "population: 8, overrides: 1", "`overrides` is 1"),
        ("incidents: 120", "incidents_per_genom: 3, incidents: 120", "| incidents_per_genome"),
        ("families: [crash, hang]", "families: [crash, hnag]", "| hang"),
        ("never_trained: [slow]", "never_trained: [hang]", "trained too"),
        ("{1: 1.0}", "{1: 0.5}", "shares sum to 0.5"),
        ("between: [30, 50]", "between: [50, 30]", "from 50 down to 30"),
        ("incidents: 120", "incidents: -120", "`incidents` is -120"),
        ("incidents: 120", "incidents: .inf", "`incidents` is inf"),
        ("incidents: 120", "incidents: 12.5", "a whole number"),
        ("incidents: 120, ", "", "`incidents` is missing"),
        ("population: 8", "poplation: 8", "| population"),
        ("finalists: 4", "finalists: 0", "`finalists` is 0"),
        ("[today, envoy, ladder]", "[today, envoi]", "| envoy"),
        ("[today, envoy, ladder]", "[today, today]", "there twice"),
        ("[today, envoy, ladder]", "[]", "is empty"),
        ("[today, envoy, ladder]", "[oracle]", "only the oracle"),
        ("resamples: 200}", "resamples: 200}\n  also: {baselines: [tpee]}", "| tpe"),
        (
            "resamples: 200}",
            "resamples: 200}\n  also: {from_incidents: -1}",
            "`from_incidents` is -1",
        ),
        ("resamples: 200", "resamples: 200, level: 2", "`level` is 2"),
        ("compare:", "comparee:", "| compare"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(old: str, new: str, said: str) -> None:
    assert any(said in problem for problem in problems_of(changed(old, new)))


@pytest.mark.parametrize("seed", ["", "line\nbreak", "x" * 65])
def test_a_seed_that_a_file_may_not_say_is_refused_on_the_command_line_too(seed: str) -> None:
    with pytest.raises(InputError, match="--seed"):
        seeded(load_plan("online-boutique"), seed)


def test_a_seed_of_the_command_line_takes_the_place_of_the_files() -> None:
    assert seeded(load_plan("online-boutique"), "8").seed == "8"


def test_a_system_that_an_experiment_cannot_strike_is_told_with_its_lines(tmp_path: Path) -> None:
    shop = (HERE / "corner-shop.yaml").read_text(encoding="utf-8")
    (tmp_path / "corner-shop.yaml").write_text(shop, encoding="utf-8")
    path = tmp_path / "late.yaml"
    path.write_text(changed("between: [30, 50]", "between: [30, 500]"), encoding="utf-8")
    plan = load_plan(path)
    with pytest.raises(ExperimentError) as told:
        require_strikable(load_scenario(tmp_path / "corner-shop.yaml"), plan)
    assert f"{path}:7: failures start as late as 500 s" in str(told.value)
    assert "before the horizon of 120 s" in str(told.value)


def test_all_mistakes_of_a_file_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        changed("population: 8", "population: 2").replace("[crash, hang]", "[crash, hnag]"),
        encoding="utf-8",
    )
    with pytest.raises(ExperimentError) as told:
        load_plan(path)
    text = str(told.value)
    assert f"{path}:9: unknown family of faults `hnag`" in text
    assert f"{path}:13: `population` is 2" in text
    assert f"{path}:5: no file `corner-shop.yaml`" in text


def test_search_and_budget_say_how_to_search() -> None:
    told = "racing: [], rotation_share: 0.5, polish_share: 0, overrides: true, population: 8"
    text = changed("population: 8", told)
    text = text.replace("incidents: 120", "overrides: false, incidents: 120")
    plan, problems = parse_plan(load_yaml(text, file="x.yaml").data, HERE / "x.yaml")
    assert plan is not None, problems
    search = plan.search
    assert (search.racing, search.rotation_share, search.polish_share) == ((), 0.5, 0)
    assert search.overrides is True and plan.budgets["small"].overrides is False
    assert plan.budgets["standard"].incidents_per_genome == 64


@pytest.mark.parametrize(
    ("budget", "seen", "slots"), [("small", 16, []), ("standard", 64, ["store"])]
)
def test_larger_budgets_see_more_and_search_overrides(
    budget: str, seen: int, slots: list[str]
) -> None:
    """The demo has a store, but no queue, nothing soft and nothing critical."""
    from hms.experiments.steps.evolve import search_settings, search_space

    plan = load_plan("online-boutique")
    chosen = plan.budgets[budget]
    assert plan.topology.scenario is not None
    topology = load_scenario(plan.topology.scenario)
    settings = search_settings(plan.search, chosen, ("any",) * chosen.train)
    assert settings.scenarios == seen
    found = [slot.name for slot in search_space(plan.search, chosen, topology).slots]
    assert found == slots


def test_a_number_shrinks_the_smallest_budget_to_a_scenario_a_family() -> None:
    plan = load_plan("online-boutique")
    tiny = plan.budget("500")
    assert (tiny.incidents, tiny.train, tiny.validation, tiny.held_out) == (500, 7, 7, 7)
    assert tiny.held_out_never_trained == 2
    half = plan.budget("5000")
    assert (half.train, half.held_out) == (49, 70)


def test_a_number_takes_the_sets_of_the_budget_that_it_reaches() -> None:
    plan = load_plan("online-boutique")
    more = plan.budget("50000")
    assert (more.incidents, more.train) == (50_000, plan.budgets["standard"].train)


@pytest.mark.parametrize("wanted", ["smal", "0", "-5", "1.5", ""])
def test_a_budget_that_is_neither_name_nor_number_is_refused(wanted: str) -> None:
    from hms.experiments.run import chosen_budget

    with pytest.raises(InputError, match="small, standard, large"):
        chosen_budget(load_plan("online-boutique"), wanted)


def test_a_plan_written_down_reads_back_equal() -> None:
    plan = load_plan("online-boutique")
    assert plan.topology.scenario is not None
    text = dump_yaml(plan.to_mapping(plan.topology.scenario.name))
    again, problems = parse_plan(
        load_yaml(text, file="again.yaml").data, plan.topology.scenario.parent / "again.yaml"
    )
    assert problems == []
    assert again is not None
    for part in ("name", "seed", "failures", "budgets", "search", "choose", "compare", "prices"):
        assert getattr(again, part) == getattr(plan, part), part


def test_manifests_take_the_place_of_the_scenario(tmp_path: Path) -> None:
    plan = import_instead(load_plan("online-boutique"), "kubernetes", str(tmp_path))
    assert plan.topology.scenario is None
    assert (plan.topology.importer, plan.topology.manifests) == ("kubernetes", (tmp_path,))


@pytest.mark.parametrize(("kind", "said"), [("kubernets", "kubernetes"), ("compose", "no where")])
def test_a_wrong_import_is_refused(kind: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        import_instead(load_plan("online-boutique"), kind, "where")


def test_what_a_run_makes_itself_is_compared_with_at_large_budgets_only() -> None:
    compare = load_plan("online-boutique").compare
    made = {"ladder-tuned", "tpe", "oracle", "last-champion"}
    assert made.isdisjoint(compare.stacks(10_000))
    assert made <= set(compare.stacks(40_000))


def test_whoever_lists_baselines_gets_those_and_no_more() -> None:
    compare = load_plan(Path(__file__).parent / "tiny.yaml").compare
    assert compare.stacks(200_000) == ("today", "envoy", "ladder")
