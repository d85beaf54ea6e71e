"""Each rule finds the fault planted for it, where it stands; a sound system has none."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from planted import PLANTED, SOUND, Plant, planted, reviewed

from hms.documents import dump_yaml
from hms.experiments.check.findings import Finding
from hms.experiments.check.review import Review, find
from hms.experiments.check.rules import RULES
from hms.experiments.check.subject import read_system


@dataclass(frozen=True)
class Case:
    """One planted fault, reviewed."""

    plant: Plant
    path: Path
    line: int
    review: Review

    @property
    def found(self) -> list[Finding]:
        return [each for each in self.review.findings if each.rule == self.plant.rule]


@pytest.fixture(scope="module", params=PLANTED, ids=lambda plant: plant.rule)
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    path, line = planted(request.param, tmp_path_factory.mktemp("planted"))
    yield Case(request.param, path, line, reviewed(path))


def test_a_sound_system_gives_no_finding() -> None:
    assert reviewed(SOUND).findings == ()


def test_every_rule_has_a_planted_fault_and_a_page() -> None:
    assert {plant.rule for plant in PLANTED} == set(RULES)
    for rule in RULES.values():
        assert rule.page.startswith(f"{rule.name}: {rule.title}\n")
        assert "\nSource  " in rule.page


def test_a_planted_fault_is_found_at_its_line(case: Case) -> None:
    places = [(each.subject, each.where.file, each.where.line) for each in case.found]
    assert places == [(case.plant.subject, str(case.path), case.line)]


def test_it_costs_what_the_change_saves(case: Case) -> None:
    cost = case.found[0].cost
    assert cost is not None
    assert 0.0 < cost.saved.low <= cost.saved.mean <= cost.saved.high
    assert cost.saved.mean == pytest.approx(cost.as_is_s - cost.changed_s, abs=1e-9)


def test_nothing_else_is_found_that_has_a_cost(case: Case) -> None:
    assert {each.rule for each in case.review.proven} - {case.plant.rule} == case.plant.others


def test_what_is_suggested_ends_the_finding(case: Case, tmp_path: Path) -> None:
    overlay = tmp_path / "mend.yaml"
    overlay.write_text(dump_yaml({"schema": "hms.scenario/1", **case.found[0].change}))
    mended, _ = read_system([str(case.path)], [overlay])
    assert [each for each in find(mended) if each.rule == case.plant.rule] == []


def test_three_layers_of_four_attempts_are_64_times_the_load(tmp_path: Path) -> None:
    path = tmp_path / "layers.yaml"
    path.write_text(
        """
schema: hms.scenario/1
name: layers
workload: [{entry: a, client: people, rate_rps: 10}]
defaults:
  edge: {timeout_ms: 100, retry: {max_attempts: 4, budget_kind: none}}
components: {people: {kind: client}, a: {}, b: {}, c: {}, d: {}}
edges: {people -> a: {}, a -> b: {}, b -> c: {}, c -> d: {}}
"""
    )
    system, _ = read_system([str(path)])
    multiplied = [each for each in find(system) if each.rule == "retry-multiplication"]
    assert [each.subject for each in multiplied] == ["c -> d"]
    assert "4 × 4 × 4 = 64 times" in multiplied[0].says


@pytest.mark.parametrize(
    ("breaker", "says"),
    [
        ("{failure_rate: off, slow_call_rate: off}", "no rule opens it"),
        ("{failure_rate: off, slow_call_rate: 0.5, slow_call_s: 2}", "only slow calls open it"),
        ("{minimum_calls: 20, window_calls: 1000}", ""),
        ("{minimum_calls: 1000, window_calls: 1000}", "which take 125 s at 4/s"),
        ("{window_kind: time, window_s: 1, minimum_calls: 20}", "20 results in 1 s, but at 4/s"),
        ("{window_kind: time, window_s: 1, minimum_calls: 20, consecutive_failures: 9}", ""),
        ("{enabled: false, failure_rate: off}", ""),
    ],
)
def test_a_breaker_that_cannot_open_is_told_why(breaker: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "breaker.yaml"
    path.write_text(
        f"""
schema: hms.scenario/1
name: breaker
workload: [{{entry: a, client: people, rate_rps: 4}}]
components: {{people: {{kind: client}}, a: {{}}, b: {{}}}}
edges:
  people -> a: {{}}
  a -> b: {{timeout_ms: 1500, retry: {{max_attempts: 2, budget_kind: none}}, breaker: {breaker}}}
"""
    )
    system, _ = read_system([str(path)])
    told = [each.says for each in find(system) if each.rule == "breaker-never-opens"]
    assert len(told) == bool(says)
    assert all(says in each for each in told)


def test_endpoints_caches_and_published_messages_count_as_they_call(tmp_path: Path) -> None:
    path = tmp_path / "parts.yaml"
    path.write_text(
        """
schema: hms.scenario/1
name: parts
workload: [{entry: web, client: people, rate_rps: 100}]
components:
  people: {kind: client}
  web: {replicas: 2, endpoints: {pay: {weight: 1, calls: {bank: 2, post: 1}}, look: {weight: 9}}}
  bank: {cache: {backing: db, hit_rate: 0.75}}
  db: {}
  post: {}
edges:
  people -> web: {timeout_ms: 1000}
  web -> bank: {timeout_ms: 500}
  bank -> db: {timeout_ms: 400}
  web -> post: {mode: publish, timeout_ms: 9000}
"""
    )
    system, _ = read_system([str(path)])
    rates = {edge.name: round(system.rate_rps(edge), 6) for edge in system.edges}
    assert rates == {
        "people -> web": 100.0, "web -> bank": 20.0, "bank -> db": 5.0, "web -> post": 10.0,
    }  # fmt: skip
    found = find(system)
    assert [each.subject for each in found if each.rule == "timeout-nesting"] == []
    assert {each.subject for each in found if each.rule == "single-replica"} == {"bank", "db"}
