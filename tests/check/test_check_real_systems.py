"""Real manifests, reviewed as their teams would: kept beside the checkout, not shipped."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from hms.experiments.check.cost import FEWEST_DRAWS, MOST_WORK, plan
from hms.experiments.check.review import DRAWS, find, review
from hms.experiments.check.subject import read_system
from hms.experiments.check.text import WIDTH, review_lines
from hms.experiments.cli.check import command

TOPOLOGIES = Path(__file__).resolve().parents[3] / "shared" / "topologies"
BOUTIQUE = TOPOLOGIES / "online-boutique" / "release" / "kubernetes-manifests.yaml"
SCREEN = 40


@pytest.mark.skipif(not BOUTIQUE.exists(), reason="Online Boutique is not beside the checkout")
def test_online_boutiques_manifests_name_file_and_line() -> None:
    system, _ = read_system([str(BOUTIQUE)])
    lines = BOUTIQUE.read_text(encoding="utf-8").splitlines()
    found = {(each.rule, each.subject): each.where for each in find(system)}
    tcp = found["probe-cannot-see-hang", "redis-cart"]
    assert tcp.file == BOUTIQUE.name
    assert "tcpSocket" in "".join(lines[tcp.line - 1 : tcp.line + 4])
    alone = [subject for rule, subject in found if rule == "single-replica"]
    assert len(alone) == 11
    for name in alone:
        assert lines[found["single-replica", name].line - 1].strip() == f"name: {name}"


@pytest.mark.skipif(not TOPOLOGIES.exists(), reason="no topologies beside the checkout")
@pytest.mark.parametrize(
    ("folder", "components"),
    [("sock-shop/deploy", 12), ("opentelemetry-demo/compose.yaml", 16)],
)
def test_other_systems_are_read_whatever_their_format(folder: str, components: int) -> None:
    system, _ = read_system([str(TOPOLOGIES / folder)])
    assert len(system.components) == components
    assert {each.rule for each in find(system)} >= {"single-replica", "no-liveness-probe"}


@pytest.mark.slow
def test_the_shipped_online_boutique_is_reviewed_on_one_screen() -> None:
    system, _ = read_system(["online-boutique"])
    found = review(system)
    lines = list(review_lines(found))
    assert len(lines) <= SCREEN
    assert max(map(len, lines)) <= WIDTH + 50  # a manifest's path may be long
    assert [each.rule for each in found.proven][:1] == ["probe-cannot-see-hang"]
    assert {each.where.file for each in found.findings} == {"release/kubernetes-manifests.yaml"}
    costs = [each.cost.saved.mean for each in found.proven if each.cost]
    assert costs == sorted(costs, reverse=True)


@pytest.mark.slow
def test_bookinfos_known_mismatch_of_time_outs_is_found_and_mended() -> None:
    """Istio's fault injection task: productpage waits 3 s for reviews, which wait 10 s."""
    system, _ = read_system(["bookinfo"])
    found = [each for each in review(system, draws=12).proven if each.rule == "timeout-nesting"]
    assert [each.subject for each in found] == [
        "reviews-v2 -> ratings-v1",
        "reviews-v3 -> ratings-v1",
    ]
    for finding in found:
        assert "waits 10 s for ratings-v1, but productpage-v1 gives it up after 3 s" in finding.says
        assert finding.severity == "high"


def test_of_very_many_findings_some_of_each_rule_are_simulated(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(120)]
    data = {
        "schema": "hms.scenario/1",
        "name": "wide",
        "workload": [{"entry": "c0", "client": "people", "rate_rps": 10}],
        "components": {"people": {"kind": "client"}} | {name: {} for name in names},
        "edges": {"people -> c0": {}} | {f"c0 -> {name}": {"calls": 0.1} for name in names[1:]},
    }
    path = tmp_path / "wide.yaml"
    path.write_text(json.dumps(data))
    system, _ = read_system([str(path)])
    findings = find(system)
    simulated, draws = plan(findings, len(system.components))
    assert len(findings) == 240
    assert 0 < 2 * len(simulated) * draws * 120 <= MOST_WORK
    assert draws >= FEWEST_DRAWS


def test_a_file_name_in_a_scenario_cannot_steer_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "sly.yaml"
    path.write_text(
        r"""
schema: hms.scenario/1
name: sly
sources: {k8s: {file: "a\e[2Jb\nc.yaml"}}
workload: [{entry: web, client: people, rate_rps: 60}]
components: {people: {kind: client}, web: {from: "k8s:7"}}
edges: {people -> web: {}}
"""
    )
    system, _ = read_system([str(path)])
    assert {str(each.where) for each in find(system)} == {"a?[2Jb?c.yaml:7"}


def test_what_the_engine_cannot_run_is_found_without_a_cost(tmp_path: Path) -> None:
    path = tmp_path / "lifo.yaml"
    path.write_text(
        """
schema: hms.scenario/1
name: lifo
workload: [{entry: web, client: people, rate_rps: 60}]
components: {people: {kind: client}, web: {discipline: lifo}}
edges: {people -> web: {}}
"""
    )
    told = CliRunner().invoke(command, [str(path), "--strict"])
    assert told.exit_code == 0
    assert "cannot be simulated" in told.output
    assert "single-replica: web" in told.output


def test_a_system_too_small_for_its_load_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(
        """
schema: hms.scenario/1
name: small
workload: [{entry: web, client: people, rate_rps: 60}]
components: {people: {kind: client}, web: {service_time_ms: 40}}
edges: {people -> web: {}}
"""
    )
    told = CliRunner().invoke(command, [str(path), "--json"])
    assert json.loads(told.output)["draws_unwell_at_rest"] == 2 * DRAWS
    text = CliRunner().invoke(command, [str(path)]).output
    assert f"at rest: {2 * DRAWS} of {2 * DRAWS} draws break" in text
