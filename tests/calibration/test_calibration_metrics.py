"""Times, calls and load from metrics whose truth is known, and wrong files."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from measured_shop import CALLS, GUESSED, RATE_RPS, TRUTH_CV, TRUTH_MS, true_metrics

from hms.errors import ManifestError
from hms.experiments.calibration.metrics import calibrate_metrics
from hms.scenarios.load import load_scenario


@pytest.fixture
def fit(tmp_path):
    def fitted(text):
        scenario, metrics = tmp_path / "shop.yaml", tmp_path / "metrics.csv"
        scenario.write_text(GUESSED, encoding="utf-8")
        metrics.write_text(text, encoding="utf-8")
        return calibrate_metrics(load_scenario(scenario), metrics)

    return fitted


def without(text, metric):
    return "\n".join(line for line in text.splitlines() if f",{metric}," not in line)


@pytest.mark.parametrize("name", ["web", "cart", "db"])
def test_cpu_and_rate_give_the_service_time_and_latency_its_spread(fit, name):
    station = fit(true_metrics()).stations[name]
    assert station.service.value == pytest.approx(TRUTH_MS[name] / 1e3, rel=0.001)
    assert station.cv.value == pytest.approx(TRUTH_CV[name], rel=0.1)


@pytest.mark.parametrize("name", ["web", "cart"])
def test_latency_alone_gives_the_service_time_if_the_spread_is_known(fit, name):
    station = fit(without(true_metrics(), "cpu_utilisation")).stations[name]
    assert station.service.value == pytest.approx(TRUTH_MS[name] / 1e3, rel=0.1)
    assert station.service.low <= station.service.value <= station.service.high


def test_rates_give_calls_for_each_request_and_the_load(fit):
    found = fit(true_metrics())
    assert found.calls["web", "cart"].value == pytest.approx(CALLS, rel=0.001)
    assert found.calls["cart", "db"].value == pytest.approx(1.0, rel=0.001)
    assert found.loads["web"].value == pytest.approx(RATE_RPS * 0.79, rel=0.001)


def test_rates_of_an_edge_win_over_what_follows_from_components(fit):
    text = true_metrics() + "".join(f"{15 * i},web -> cart,rate_rps,50\n" for i in range(20))
    assert fit(text).calls["web", "cart"].value == pytest.approx(50 / (RATE_RPS * 0.79), rel=0.01)


def test_a_component_without_times_is_told(fit):
    lines = [
        line for line in true_metrics().splitlines() if "cart" not in line or "rate" in line
    ]
    found = fit("\n".join(lines))
    assert found.stations["cart"].service is None
    assert any(note.startswith("cart: neither CPU nor latency") for note in found.notes)
    assert any("cannot be taken apart, that of cart" in note for note in found.notes)


def test_errors_are_told_since_rates_may_hold_retries(fit):
    text = true_metrics() + "".join(f"{15 * i},db,error_share,0.1\n" for i in range(20))
    assert "db: 10% errors: rates behind it may hold retries" in fit(text).notes


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("0,crat,rate_rps,1", "nearest: `cart`"),
        ("0,cart,rate,1", "nearest: `rate_rps`"),
        ("0,cart,rate_rps,many", "rate_rps is `many`"),
        ("0,cart,rate_rps,nan", "rate_rps is `nan`"),
        ("0,cart,cpu_utilisation,65", "a number from 0 to 1.5"),
        ("-1,cart,rate_rps,1", "t_s is `-1`"),
        ("0,cart,rate_rps", "3 values"),
    ],
)
def test_a_wrong_row_is_told_with_its_line(fit, row, told):
    with pytest.raises(ManifestError) as caught:
        fit(true_metrics(2) + row)
    assert told in str(caught.value)
    assert "metrics.csv:20: " in str(caught.value)


@given(st.text(alphabet='t_s,component\n0.web"-> \r;\x00é', max_size=80))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_fitted_or_refused(fit, text):
    try:
        found = fit("t_s,component,metric,value\n0,web,rate_rps,1\n" + text)
    except ManifestError as refused:
        assert str(refused)
    else:
        assert set(found.stations) <= {"web", "cart", "db"}


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "t_s,component,metric,value\n", '"\n'])
def test_a_file_of_another_form_is_refused(fit, text):
    with pytest.raises(ManifestError):
        fit(text)
