"""What Envoy lets pass and our validator refuses (docs/export.md, "What proves acceptance")."""

from __future__ import annotations

import copy

import pytest
from export_rows import exported

from hms.documents import dump_yaml
from hms.experiments.export import envoy_check


@pytest.fixture
def config(champion, shop):
    files, _ = exported(champion, shop)
    return copy.deepcopy(files["frontend"])


def parts(config):
    resources = config["static_resources"]
    manager = resources["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    route = manager["route_config"]["virtual_hosts"][0]["routes"][0]["route"]
    return route, resources["clusters"][0]


def attempt_longer_than_the_call(route, cluster):
    route["retry_policy"]["per_try_timeout"] = "3s"


def attempt_longer_than_the_unsaid_15_s(route, cluster):
    del route["timeout"]
    route["retry_policy"]["per_try_timeout"] = "20s"


def misspelt_word(route, cluster):
    route["retry_policy"]["retry_on"] = "connect-failure,refused-streams"


def threshold_of_zero(route, cluster):
    cluster["outlier_detection"]["failure_percentage_threshold"] = 0


def two_thresholds_of_one_priority(route, cluster):
    thresholds = cluster["circuit_breakers"]["thresholds"]
    thresholds.append({"priority": "DEFAULT", "max_requests": 1})


def no_place_to_wait(route, cluster):
    cluster["circuit_breakers"]["thresholds"][0]["max_pending_requests"] = 0


def budget_by_interval(route, cluster):
    budget = cluster["circuit_breakers"]["thresholds"][0]["retry_budget"]
    budget["budget_interval"] = "10s"


MISTAKES = {
    attempt_longer_than_the_call: "longer than timeout 2.5 s",
    attempt_longer_than_the_unsaid_15_s: "longer than timeout 15 s",
    misspelt_word: "unknown retry_on word `refused-streams`",
    threshold_of_zero: "ejects healthy hosts",
    two_thresholds_of_one_priority: "second thresholds of priority DEFAULT",
    no_place_to_wait: "refuses every call",
    budget_by_interval: "budget_interval",
}


def test_our_own_export_has_none_of_them(config):
    assert envoy_check.problems(config) == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.__name__)
def test_mistake_is_found_at_its_path(config, mistake):
    mistake(*parts(config))
    (problem,) = envoy_check.problems(config)
    assert MISTAKES[mistake] in problem.what
    node = config
    for part in problem.path:
        node = node[part]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.__name__)
def test_envoy_itself_lets_it_pass(config, mistake, envoy_says):
    mistake(*parts(config))
    assert envoy_says(dump_yaml(config)).returncode == 0


def test_unknown_word_names_the_nearest(config):
    misspelt_word(*parts(config))
    (problem,) = envoy_check.problems(config)
    assert problem.nearest == "refused-stream"


@pytest.mark.parametrize("text", ["500ms", "3000ms", "0.5", "1e3s", "-1s", 5, None])
def test_only_envoys_durations_are_read(text):
    assert envoy_check.duration_s(text) is None


def test_durations_are_seconds():
    assert envoy_check.duration_s("0.025s") == 0.025
