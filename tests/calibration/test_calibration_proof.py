"""Service times within 10 % from traces that the request engine wrote, under load and retries."""

import json

import pytest
from measured_shop import CALLS, GUESSED, RATE_RPS, TRUE, TRUTH_CV, TRUTH_MS, true_metrics

from hms.evolution.baselines import today_policy
from hms.experiments.calibration.trace_writer import write_traces
from hms.experiments.cli.main import run as hms
from hms.scenarios.compile import compile_scenario
from hms.scenarios.engines.request import run
from hms.scenarios.load import load_scenario
from hms.scenarios.policy_tables import tables
from hms.scenarios.provenance import MEASURED, origin_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The shop as it is guessed, and traces of the true one: 20 s, utilisation 0.5, retries."""
    at = tmp_path_factory.mktemp("measured")
    (at / "true.yaml").write_text(TRUE, encoding="utf-8")
    (at / "shop.yaml").write_text(GUESSED, encoding="utf-8")
    (at / "metrics.csv").write_text(true_metrics(), encoding="utf-8")
    true = load_scenario(at / "true.yaml")
    compiled = compile_scenario(true, 3)
    outcome = run(compiled, tables(today_policy(true).policy, true), spans=100_000)
    retried = outcome.calls["web", "cart"]
    assert retried["made"] > 1.05 * retried["first"], "the traces shall hold retries"
    assert write_traces(at / "spans.json", outcome, compiled.edge_names) > 10_000
    return at


def calibrate(folder, capsys, *more):
    code = hms(["calibrate", str(folder / "shop.yaml"), *more])
    said = capsys.readouterr()
    assert code == 0, said.err
    return said.out


@pytest.mark.parametrize("sampled", ["1.0", "0.999"], ids=["all traces", "a sample"])
def test_service_times_calls_and_load_are_found_within_a_tenth(folder, capsys, sampled):
    told = json.loads(
        calibrate(folder, capsys, "--traces", str(folder / "spans.json"), "--sampled", sampled,
                  "--json", "-o", str(folder / "out.yaml"))
    )  # fmt: skip
    for name, milliseconds in TRUTH_MS.items():
        found = told["components"][name]
        assert found["service_s"]["value"] == pytest.approx(milliseconds / 1e3, rel=0.1)
        assert found["service_s"]["count"] > 800
        assert found["service_cv"]["value"] == pytest.approx(TRUTH_CV[name], rel=0.2)
    assert told["calls"]["web -> cart"]["value"] == pytest.approx(CALLS, rel=0.05)
    assert told["calls"]["cart -> db"]["value"] == pytest.approx(1.0, rel=0.05)
    assert told["loads"]["web"]["value"] == pytest.approx(RATE_RPS, rel=0.05)
    assert told["network_s"]["web -> cart"]["value"] == pytest.approx(0.001, rel=0.01)


def test_the_overlay_says_where_its_values_were_measured_and_the_text_what_failed(folder, capsys):
    overlay = folder / "measured.overlay.yaml"
    told = calibrate(folder, capsys, "--traces", str(folder / "spans.json"), "-o", str(overlay))
    assert "next: hms simulate" in told
    assert "note: db: 10% of its requests failed" in told  # the model runs without failures
    scenario = load_scenario(folder / "shop.yaml", [overlay])
    assert list(scenario.ranges()) == []
    origin = origin_of(scenario.components["db"], "service_time_ms")
    assert origin.sure == MEASURED
    assert scenario.sources[origin.source].file == "spans.json"
    assert "spans of 20 s of traces" in scenario.sources[origin.source].rule


def test_the_error_that_is_left_is_small_where_the_model_is_right(folder, capsys):
    told = json.loads(
        calibrate(folder, capsys, "--metrics", str(folder / "metrics.csv"), "--json")
    )
    assert set(told["error_left"]) == set(TRUTH_MS)
    for left in told["error_left"].values():
        assert abs(left["error"]) < 0.1


def test_a_system_that_is_not_as_the_scenario_says_shows_in_the_error_left(folder, capsys):
    wrong = folder / "wrong.yaml"
    # two requests at once are more than one worker takes that also waits for its calls
    wrong.write_text(GUESSED.replace("{replicas: 2,", "{replicas: 2, workers: 1,"), "utf-8")
    asked = ("--metrics", str(folder / "metrics.csv"), "-o", str(folder / "w.yaml"))
    assert hms(["calibrate", str(wrong), *asked]) == 0
    told = capsys.readouterr().out
    assert "* more than 15% off: " in told
    assert "web" in told.split("* more than 15% off: ")[1].splitlines()[0]


def test_simulate_writes_traces_that_calibrate_reads(folder, capsys):
    spans = folder / "simulated.json"
    asked = ("--engine", "request", "--traces", str(spans), "--spans", "8000")
    assert hms(["simulate", str(folder / "true.yaml"), *asked]) == 0
    assert "spans to" in capsys.readouterr().err
    told = calibrate(folder, capsys, "--traces", str(spans), "-o", str(folder / "p.yaml"))
    assert "requests that met no other at their replica" in told
    assert hms(["simulate", str(folder / "true.yaml"), "--traces", str(spans)]) == 2


def test_traces_of_another_system_exit_2(folder, capsys):
    other = folder / "other.json"
    text = (folder / "spans.json").read_text(encoding="utf-8").splitlines()[0]
    other.write_text(text.replace('"people"', '"a"').replace('"web"', '"b"'), encoding="utf-8")
    other.write_text(other.read_text().replace('"stringValue":"', '"stringValue":"x'))
    assert hms(["calibrate", str(folder / "shop.yaml"), "--traces", str(other)]) == 2
    assert "no service of the traces is in the scenario" in capsys.readouterr().err
    assert hms(["calibrate", str(folder / "shop.yaml")]) == 2
