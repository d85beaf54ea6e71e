"""The policy file: the example of docs/formats.md, round trips, identity, mistakes, overrides."""

import copy
import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hms.agents.policy.healing_policy import HealingPolicy, Override, Step
from hms.agents.policy.kinds import ERRORS, LADDER_STEPS, RESTART, SLOW, UNRESPONSIVE
from hms.agents.policy.parameters import table
from hms.agents.policy.policy_file import ISSUES, WHERE

EXAMPLE = {
    "schema": "hms.policy/1",
    "about": {"name": "online-boutique", "made_by": "hms 0.1.0"},
    "breaker": {
        "scope": "edge", "failure_rate": 0.18, "window_kind": "time", "window_s": 12.0,
        "minimum_calls": 15, "consecutive_failures": 0, "slow_call_s": 1.2, "slow_call_rate": 0.6,
        "open_s": 4.0, "open_multiplier": 1.8, "open_max_s": 40.0, "half_open_calls": 3,
        "jitter_share": 0.1,
    },
    "retry": {
        "max_attempts": 2, "retry_on": ["refused", "unavailable", "timeout"], "base_s": 0.08,
        "multiplier": 2.0, "max_s": 1.0, "jitter_kind": "full", "budget_ratio": 0.1,
        "budget_min_rps": 1.0, "budget_max": 10,
    },
    "timeout": {"call_s": 0.9, "total_s": 2.5},
    "concurrency": {"limit": 48, "queue_limit": 24},
    "detection": {
        "error_rate": 0.2, "slow_factor": 4.0, "memory_share": 0.85, "silence_s": 3.0,
        "way_back": 0.7,
    },
    "guard": {"at_once": 1, "acts_per_10_min": 3, "acts_per_day": 10},
    "recovery": {
        "unresponsive": [
            {"act": "reconnect", "patience_s": 2.0},
            {"act": "restart", "patience_s": 20.0, "cool_down_s": 45.0},
        ],
        "errors": [
            {"act": "fallback", "patience_s": 5.0},
            {"act": "custom", "name": "roll_back", "patience_s": 30.0},
        ],
        "slow": [
            {"act": "adjust", "set": {"concurrency.limit": 24}, "patience_s": 5.0},
            {"act": "scale", "replicas": 1, "patience_s": 30.0},
        ],
        "memory": [{"act": "restart", "patience_s": 20.0, "cool_down_s": 120.0}],
        "dependency": [{"act": "none"}],
    },
    "overrides": [
        {"where": {"criticality": "high"}, "set": {"timeout.call_s": 1.4}},
        {"where": {"edge": "soft"}, "set": {"retry.max_attempts": 1}},
    ],
}


def good(data) -> HealingPolicy:
    policy, problems = HealingPolicy.parse(data)
    assert problems == []
    assert policy is not None
    return policy


def changed(path, value):
    data = copy.deepcopy(EXAMPLE)
    here = data
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    return data


def test_the_example_of_the_format_reads_as_it_says():
    p = good(EXAMPLE)
    assert p.value("breaker.failure_rate") == 0.18
    assert p.value("breaker.window_kind") == 1
    assert p.value("retry.retry_on_timeout") is True
    assert p.value("retry.retry_on_error") is False
    assert p.value("retry.budget_max") == 10.0
    recovery = p.for_component({}).recovery
    at = UNRESPONSIVE * LADDER_STEPS + 1
    assert (recovery.act[at], recovery.patience_s[at]) == (float(RESTART), 20.0)
    assert recovery.cool_down_s[at] == 45.0
    assert recovery.amount[SLOW * LADDER_STEPS : SLOW * LADDER_STEPS + 2] == [24.0, 1.0]
    assert recovery.amount[ERRORS * LADDER_STEPS] == 30.0


def test_overrides_hold_where_they_say_and_the_later_wins():
    p = good(EXAMPLE)
    assert p.for_edge({"criticality": "normal", "edge": "hard"}).timeout.call_s == 0.9
    assert p.for_edge({"criticality": "high", "edge": "hard"}).timeout.call_s == 1.4
    soft = p.for_edge({"criticality": "high", "edge": "soft"})
    assert (soft.timeout.call_s, soft.retry.max_attempts) == (1.4, 1)
    assert p.for_edge({"edge": "soft"}) is p.for_edge({"edge": "soft"})
    later = p.with_overrides([*p.overrides, Override({"criticality": "high"},
                                                     {"timeout.call_s": 2.0})])
    assert later.for_edge({"criticality": "high"}).timeout.call_s == 2.0


def test_both_parts_of_a_where_must_hold():
    p = HealingPolicy(overrides=(
        Override({"criticality": "high", "kind": "store"}, {"detection.error_rate": 0.4}),
    ))
    assert p.for_component({"criticality": "high"}).detection.error_rate == 0.2
    where = {"criticality": "high", "kind": "store", "level": "full"}
    assert p.for_component(where).detection.error_rate == 0.4


def test_identity_leaves_about_out_and_knows_one_number_in_two_dresses():
    p = good(EXAMPLE)
    assert good(changed(["about"], {"name": "other"})).sha256 == p.sha256
    assert good(changed(["breaker", "open_s"], 4)).sha256 == p.sha256
    assert good(changed(["breaker", "open_s"], 4.5)).sha256 != p.sha256
    without = copy.deepcopy(EXAMPLE)
    del without["recovery"]["dependency"]
    del without["guard"]
    assert good(without).sha256 == p.sha256
    assert '"about"' not in p.canonical_json()
    assert json.loads(p.canonical_json())["breaker"]["window_kind"] == "time"


def test_identity_is_the_same_in_another_process_with_another_hash_seed():
    code = (
        "import json,sys; from hms.agents.policy.healing_policy import HealingPolicy;"
        "print(HealingPolicy.parse(json.load(sys.stdin))[0].sha256)"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], input=json.dumps(EXAMPLE), text=True, check=True,
            capture_output=True, env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        )
        assert done.stdout.strip() == good(EXAMPLE).sha256


def value_of(row):
    if row.kind is bool:
        return st.booleans()
    if row.kind is int:
        legal = st.integers(int(row.least), int(min(row.most, 10_000)))
    else:
        legal = st.floats(row.least, row.most)
    return legal if row.off is None else st.one_of(legal, st.just(row.kind(row.off)))


ROWS = table()
values = st.fixed_dictionaries({}, optional={row.path: value_of(row) for row in ROWS})
timed = {
    "patience_s": st.floats(0.0, 100.0), "cool_down_s": st.floats(0.0, 100.0),
    "delay_first_s": st.floats(0.0, 100.0), "delay_reset_s": st.floats(1.0, 600.0),
}
steps = st.one_of(
    st.builds(Step, act=st.sampled_from(["restart", "reconnect"]), **timed),
    st.builds(Step, act=st.just("scale"), replicas=st.integers(1, 9), **timed),
    st.builds(Step, act=st.just("fallback"), duration_s=st.floats(1.0, 99.0), **timed),
    st.builds(Step, act=st.just("custom"), name=st.sampled_from(["roll_back", "drain"])),
    st.builds(
        Step, act=st.just("adjust"), value=st.integers(1, 5).map(float),
        target=st.sampled_from(["concurrency.limit", "retry.max_attempts"]),
    ),
)
where = st.dictionaries(st.sampled_from(["criticality", "level", "kind", "edge"]), st.just(""),
                        min_size=1).flatmap(
    lambda keys: st.fixed_dictionaries({key: st.sampled_from(WHERE[key]) for key in keys}))
policies = st.builds(
    lambda about, changes, recovery, overrides: HealingPolicy(
        about=about, recovery=recovery, overrides=tuple(overrides)
    ).with_values(changes),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
    values,
    st.dictionaries(st.sampled_from(ISSUES), st.lists(steps, max_size=3).map(tuple), max_size=4),
    st.lists(st.builds(Override, where, values), max_size=4),
)


@settings(max_examples=60, deadline=None)
@given(policies, st.booleans())
def test_what_is_written_reads_back_equal(policy, sparse):
    data = json.loads(json.dumps(policy.to_mapping(sparse=sparse)))
    back, problems = HealingPolicy.parse(data)
    if back is None:
        assert all("never fit a window" in problem.what for problem in problems)
    else:
        assert back == policy
        assert back.sha256 == policy.sha256
        assert hash(back) == hash(policy)


def test_sparse_writes_only_what_differs():
    p = HealingPolicy().with_values({"breaker.open_s": 7.0, "breaker.failure_rate": "off"})
    assert p.to_mapping(sparse=True) == {
        "schema": "hms.policy/1", "breaker": {"failure_rate": "off", "open_s": 7.0}
    }
    assert p.value("breaker.failure_rate") == 2.0


MISTAKES = [
    (["schema"], "hms.policy/2", "newer", ""),
    (["schema"], "hms.scenario/1", "not a policy's schema", ""),
    (["breaker", "open_time"], 3, "unknown key `open_time`", "open_s"),
    (["breaker", "open_ms"], 500, "wrong unit: key `open_ms`", "open_s"),
    (["breaker", "open"], 5, "wrong unit: key `open`", "open_s"),
    (["breaker", "failure_rate_percent"], 18, "wrong unit", "failure_rate"),
    (["retry", "budget_min_s"], 1, "wrong unit", "budget_min_rps"),
    (["recovery", "slow"], [{"act": "restart", "patience_ms": 3}], "wrong unit", "patience_s"),
    (["overrides"], [{"where": {"edge": "soft"}, "set": {"timeout.call_ms": 900}}],
     "wrong unit: parameter `timeout.call_ms`", "timeout.call_s"),
    (["brekaer"], {}, "unknown key `brekaer`", "breaker"),
    (["breaker", "open_s"], -1, "out of range", ""),
    (["breaker", "open_s"], float("nan"), "not a finite number", ""),
    (["breaker", "open_s"], float("inf"), "not a finite number", ""),
    (["breaker", "open_s"], True, "True is not legal", ""),
    (["breaker", "open_s"], "5s", "'5s' is not legal", ""),
    (["breaker", "open_s"], "off", "'off' is not legal", ""),
    (["breaker", "failure_rate"], 1.5, "out of range", ""),
    (["breaker", "half_open_calls"], 2.5, "not a whole number", ""),
    (["breaker", "window_kind"], "tiem", "unknown choice `tiem`", "time"),
    (["breaker", "always_eject_one"], 1, "1 is not legal", ""),
    (["breaker"], [], "is no mapping", ""),
    (["retry", "retry_on"], ["timeuot"], "unknown outcome", "timeout"),
    (["retry", "retry_on"], "timeout", "is no list", ""),
    (["retry", "retry_on_timeout"], True, "unknown key", "retry_on"),
    (["recovery", "slwo"], [], "unknown issue `slwo`", "slow"),
    (["recovery", "slow"], {}, "is no list", ""),
    (["recovery", "slow"], [{"act": "restart"}] * 4, "too long", ""),
    (["recovery", "slow"], [{"act": "restrat"}], "unknown act", "restart"),
    (["recovery", "slow"], ["restart"], "unknown act", "restart"),
    (["recovery", "slow"], [{"act": "none"}, {"act": "restart"}], "`none` ends", ""),
    (["recovery", "slow"], [{"act": "restart", "replicas": 2}], "unknown key", ""),
    (["recovery", "slow"], [{"act": "restart", "patience_s": -1}], "out of range", ""),
    (["recovery", "slow"], [{"act": "adjust"}], "exactly one parameter", ""),
    (["recovery", "slow"], [{"act": "adjust", "set": {"concurrency.limits": 3}}],
     "unknown parameter to adjust", "concurrency.limit"),
    (["recovery", "slow"], [{"act": "adjust", "set": {"concurrency.limit": -3}}], "out of", ""),
    (["recovery", "slow"], [{"act": "custom"}], "needs a name", ""),
    (["recovery"], [], "is no mapping", ""),
    (["overrides"], [{}] * 5, "5 overrides", ""),
    (["overrides"], [{"where": {"edge": "soft"}}], "is no override", ""),
    (["overrides"], [{"where": {}, "set": {}}], "says not where", ""),
    (["overrides"], [{"where": {"edge": "sfot"}, "set": {}}], "unknown edge", "soft"),
    (["overrides"], [{"where": {"critical": "high"}, "set": {}}], "unknown key", "criticality"),
    (["overrides"], [{"where": {"edge": "soft"}, "set": {"timeout.cal_s": 1}}],
     "unknown parameter", "timeout.call_s"),
    (["about"], "x", "no mapping", ""),
]


@pytest.mark.parametrize(("path", "value", "what", "near"), MISTAKES)
def test_each_mistake_is_named_with_its_place_and_the_nearest_name(path, value, what, near):
    policy, problems = HealingPolicy.parse(changed(path, value))
    assert policy is None
    assert len(problems) == 1
    assert what in problems[0].what
    assert problems[0].nearest == near
    assert list(problems[0].path)[: len(path)] == path or problems[0].path[0] == path[0]


def test_a_wrong_unit_names_the_right_key_and_its_unit():
    def expected(key, value):
        return HealingPolicy.parse(changed(["breaker", key], value))[1][0].expected

    assert expected("open_ms", 500) == "`open_s`, in seconds"
    assert expected("open", 5) == "`open_s`, in seconds"
    assert expected("window", 12) == "`window_s`, in seconds or `window_calls`, in calls"
    assert expected("jitter_percent", 5) == "`jitter_share`, a share from 0 to 1"
    overrides = [{"where": {"edge": "soft"}, "set": {"timeout.call_ms": 900}}]
    (problem,) = HealingPolicy.parse(changed(["overrides"], overrides))[1]
    assert problem.expected == "`timeout.call_s`, in seconds"


def test_all_mistakes_come_at_once():
    data = changed(["breaker", "open_s"], -1)
    data["retry"]["max_attempts"] = 99
    data["recovery"]["slow"] = 3
    assert len(HealingPolicy.parse(data)[1]) == 3
    assert HealingPolicy.parse([])[1][0].expected == "schema: hms.policy/1"


def test_a4_more_calls_than_the_window_holds_are_refused():
    data = changed(["breaker"], {"window_calls": 4, "minimum_calls": 5})
    (problem,) = HealingPolicy.parse(data)[1]
    assert "never fit a window of 4" in problem.what
    by_override = HealingPolicy(overrides=(
        Override({"edge": "soft"}, {"breaker.window_calls": 5}),
    ))
    assert "overrides" in by_override.problems()[0].path


def test_values_are_set_by_word_or_index_and_refused_by_name():
    p = HealingPolicy().with_values({"breaker.window_kind": "time", "retry.jitter_kind": 2})
    assert (p.value("breaker.window_kind"), p.value("retry.jitter_kind")) == (1, 2)
    on = p.with_values({"retry.retry_on": ["error"]})
    assert on.groups["retry"].retry_on_error
    assert not on.groups["retry"].retry_on_timeout
    with pytest.raises(ValueError, match=r"breaker\.opens_s.*breaker\.open_s"):
        p.with_values({"breaker.opens_s": 1.0})
    with pytest.raises(ValueError, match="out of range"):
        p.with_values({"breaker.open_s": -1.0})
    with pytest.raises(KeyError):
        p.value("breaker.opens_s")


def test_a_ladder_is_replaced_or_taken_away():
    p = good(EXAMPLE).with_ladder("slow", [Step("restart")])
    assert p.recovery["slow"] == (Step("restart"),)
    assert "slow" not in p.with_ladder("slow", []).recovery


def test_without_recovery_nothing_is_ever_done():
    assert set(HealingPolicy().for_component({}).recovery.act) == {0.0}


def test_a_policy_needs_only_the_standard_library():
    code = (
        "import sys; import hms.agents.policy.healing_policy, hms.agents.policy.component;"
        "print(sorted(set(sys.modules) & {'yaml','numpy','numba','ray','pydantic'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], text=True, check=True, capture_output=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.strip() == "[]"
