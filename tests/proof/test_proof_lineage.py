"""Looks are counted over a lineage: no flip, rename, copy or child buys a fresh first look."""

from __future__ import annotations

import pytest

from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import InputError
from hms.evolution.baselines import load
from hms.evolution.genome import Space
from hms.evolution.proof.lineage import differing, flat, kin_of, look_number, phenotype
from hms.evolution.randomness import generator
from hms.experiments.proof.looks import earlier_looks, files_of, take_look
from hms.experiments.proof.subject import subject_of

SPACE = Space()


def evolved(seed: str) -> HealingPolicy:
    """Any policy of the search space."""
    return SPACE.decode(SPACE.random(generator(seed), 1)[0])


def named(policy: HealingPolicy, **about: object) -> HealingPolicy:
    return HealingPolicy(about, policy.groups, policy.recovery, policy.overrides)


def test_two_searches_that_met_nowhere_are_two_lineages():
    one, other = kin_of(evolved("a")), kin_of(evolved("b"))
    assert not one.of_one_lineage(other)
    assert look_number(other, [one, one]) == 1


def test_an_unused_setting_changed_by_hand_is_the_same_lineage_however_many_are():
    base = load("restart-at-once").policy  # its breaker and its retries are off
    flipped = base.with_values(
        {
            "breaker.open_s": 7.0, "breaker.failure_rate": 0.3, "breaker.minimum_calls": 31,
            "breaker.half_open_calls": 4, "retry.base_s": 0.3, "retry.budget_ratio": 0.3,
        }
    )  # fmt: skip
    assert flipped.sha256 != base.sha256
    assert differing(flat(flipped.to_mapping()), flat(base.to_mapping())) > 4
    assert phenotype(flipped) == phenotype(base)
    first = kin_of(base)
    assert look_number(kin_of(flipped), [first]) == 2


def test_a_few_settings_that_do_something_are_a_near_copy():
    policy = load("ladder").policy
    near = policy.with_values({"timeout.call_s": 0.7, "retry.max_attempts": 3})
    assert look_number(kin_of(near), [kin_of(policy)]) == 2


def test_parents_warm_starts_and_siblings_of_a_run_count():
    parent, child, sibling = evolved("p"), evolved("c"), evolved("s")
    run = "20261125T074736Z-shop"
    looks = [kin_of(parent, [{"id": run}])]
    assert look_number(kin_of(named(child, parents=[parent.sha256])), looks) == 2
    assert look_number(kin_of(named(child, name="x", note=f"from {parent.sha256}.")), looks) == 2
    assert look_number(kin_of(sibling, [{"id": run}]), looks) == 2
    assert look_number(kin_of(sibling), looks) == 1


def test_a_common_start_from_a_baseline_ties_nobody():
    ladder = load("ladder").policy.sha256
    one = kin_of(named(evolved("one"), parents=[ladder]))
    other = kin_of(named(evolved("other"), parents=[ladder]))
    assert not one.of_one_lineage(other)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HMS_RUNS", raising=False)
    return tmp_path


def written(folder, name: str, policy: HealingPolicy) -> None:
    from hms.documents import dump_yaml

    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(dump_yaml(policy.to_mapping()))


def test_a_copy_in_another_folder_finds_the_looks_at_the_original(folder):
    policy = evolved("copied")
    written(folder, "one.yaml", policy)
    written(folder, "elsewhere/two.yaml", policy.with_values({"breaker.open_s": 9.25}))
    for number in (1, 2):
        look, before = take_look(subject_of("one.yaml"), ("shop",), "7", 400, None)
        assert (look.number, look.draw, before) == (number, number, number - 1)
    look, before = take_look(subject_of("elsewhere/two.yaml"), ("shop",), "7", 400, None)
    assert (look.number, before) == (3, 2)
    assert len(earlier_looks(files_of(subject_of("one.yaml")))) == 3


def test_a_look_that_is_logged_is_repeated_for_nothing_and_no_other_is(folder):
    written(folder, "one.yaml", evolved("repeated"))
    subject = subject_of("one.yaml")
    first, _ = take_look(subject, ("shop",), "7", 400, None)
    take_look(subject, ("shop",), "7", 400, None)
    again, before = take_look(subject, ("shop",), "7", 400, 1)
    assert again.id == first.id and (again.number, before) == (1, 0)
    other, before = take_look(subject, ("shop",), "8", 400, 1)  # other failures: a new look
    assert (other.number, other.draw, before) == (3, 1, 2)
    assert len(earlier_looks(files_of(subject))) == 3


def test_a_damaged_log_is_told_by_line_and_never_counted_as_empty(folder):
    written(folder, "one.yaml", evolved("damaged"))
    subject = subject_of("one.yaml")
    take_look(subject, ("shop",), "7", 400, None)
    file = files_of(subject)[0]
    file.write_text(file.read_text() + "{}\n")
    with pytest.raises(InputError, match=r"one\.looks\.jsonl:2: not a look"):
        take_look(subject, ("shop",), "7", 400, None)


def test_looks_at_a_runs_policy_are_kept_in_the_run_and_change_none_of_its_files(folder):
    from datetime import UTC, datetime

    from hms.documents import dump_yaml
    from hms.experiments.run_directory import RunDirectory, changed_files

    policy = evolved("of a run")
    started = datetime(2026, 11, 25, tzinfo=UTC)
    directory = RunDirectory.create(folder / "runs", "shop", started)
    directory.write("policy.yaml", dump_yaml(policy.to_mapping()))
    run = directory.finish({"policy_sha256": policy.sha256})
    subject = subject_of("latest")
    assert {run.name, policy.sha256} <= subject.kin.names
    take_look(subject, ("shop",), "7", 400, None)
    assert (run / "proof" / "looks.jsonl").is_file()
    assert changed_files(run) == []


def test_baselines_that_a_run_tuned_meet_its_champion_and_two_of_one_name_are_refused(folder):
    from datetime import UTC, datetime

    from hms.documents import dump_yaml
    from hms.experiments.proof.stacks import CHAMPION, stacks_of
    from hms.experiments.run_directory import RunDirectory

    directory = RunDirectory.create(folder / "runs", "shop", datetime(2026, 11, 25, tzinfo=UTC))
    directory.write("policy.yaml", dump_yaml(evolved("champion").to_mapping()))
    tuned = evolved("tuned")
    directory.write("tuned/ladder-tuned.yaml", dump_yaml(tuned.to_mapping()))
    directory.finish({})
    found = stacks_of(subject_of("latest"), (), ())
    assert found[0].name == CHAMPION
    by_name = {stack.name: stack for stack in found}
    assert by_name["ladder-tuned"].policy.sha256 == tuned.sha256
    assert {"ladder", "platform", "envoy"} < set(by_name)
    with pytest.raises(InputError, match="two policies are called ladder"):
        stacks_of(subject_of("latest"), (), ("ladder",))
