"""Waiting in closed form, and back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hms.experiments.calibration.queues import Replica


@pytest.mark.parametrize(
    ("rate", "service", "cv", "servers", "wait"),
    [
        (0.8, 1.0, 1.0, 1, 4.0),  # M/M/1
        (0.9, 1.0, 0.0, 1, 4.5),  # M/D/1
        (0.8, 1.0, 2.0, 1, 10.0),  # M/G/1
        (1.6, 1.0, 1.0, 2, 1.77778),  # M/M/2
        (90.0, 0.1, 1.0, 10, 0.06687),  # M/M/10
    ],
)
def test_mean_waits_are_those_of_the_textbooks(rate, service, cv, servers, wait):
    assert Replica(rate, servers).wait_s(service, cv) == pytest.approx(wait, rel=1e-3)


def test_the_variance_of_a_wait_in_m_m_1_is_exact():
    # rho (2 - rho) S² / (1 - rho)²
    assert Replica(0.8, 1).wait_variance(1.0, 1.0) == pytest.approx(0.8 * 1.2 / 0.04)


def test_beyond_capacity_a_wait_has_no_end():
    assert Replica(2.0, 1).wait_s(1.0, 1.0) == float("inf")


@given(
    load=st.floats(0.05, 0.9), servers=st.integers(1, 4), cv=st.floats(0.2, 3.0),
    service=st.floats(1e-4, 1.0),
)  # fmt: skip
@settings(max_examples=15, deadline=None)
def test_a_service_time_is_found_again_behind_its_waiting(load, servers, cv, service):
    replica = Replica(load * servers / service, servers)
    stay = service + replica.wait_s(service, cv)
    variance = (service * cv) ** 2 + replica.wait_variance(service, cv)
    assert replica.service_s(stay, cv) == pytest.approx(service, rel=1e-6)
    found, found_cv = replica.service_and_cv(stay, variance)
    assert found == pytest.approx(service, rel=0.02)
    assert found_cv == pytest.approx(cv, rel=0.05, abs=0.05)


def test_a_cv_is_found_again_behind_a_mean_wait():
    replica = Replica(50.0, 1, 0.5)
    assert replica.cv_of_wait(replica.wait_s(0.01, 1.7), 0.01) == pytest.approx(1.7)
    assert Replica(0.1, 1).cv_of_wait(0.0, 0.01) is None
