"""The request engine and queueing theory: closed forms within three standard errors, 20 seeds."""

import pytest
from request_worlds import PATIENT_S, agrees, edge, mean_and_error, queue, seeds, station, world

from hms.scenarios.engines.request.sketch import RELATIVE_ERROR

SERVICE_S = 0.01
SEEDS = 20
MMC = [  # cores, load, time in system and its p99 in services: M/M/c
    (1, 0.8, 5.0, 23.026),
    (2, 0.8, 2.77778, 11.937),
    pytest.param(1, 0.9, 10.0, 46.052, marks=pytest.mark.slow),
    pytest.param(5, 0.8, 1.55411, 6.080, marks=pytest.mark.slow),
    pytest.param(5, 0.9, 2.52499, 10.050, marks=pytest.mark.slow),
    pytest.param(10, 0.8, 1.20459, 4.946, marks=pytest.mark.slow),
]


def services(outcome):
    return outcome.mean_latency_s["server"] / SERVICE_S


@pytest.mark.parametrize(("cores", "load", "time", "p99"), MMC)
def test_time_in_an_mmc_queue(cores, load, time, p99):
    runs = seeds(queue(load, cores), SEEDS)
    assert agrees([services(o) for o in runs], time)
    quantiles = [o.percentile_s(0.99) / SERVICE_S for o in runs]
    mean, error = mean_and_error(quantiles)
    assert abs(mean - p99) <= 3.0 * error + RELATIVE_ERROR * p99


@pytest.mark.parametrize(
    ("load", "cv", "time"),
    [
        (0.8, 0.0, 3.0), (0.9, 0.0, 5.5), (0.8, 0.5, 3.5),
        pytest.param(0.8, 2.0, 11.0, marks=pytest.mark.slow),
    ],
)
def test_time_in_an_mg1_queue_is_pollaczek_khinchines(load, cv, time):
    assert agrees([services(o) for o in seeds(queue(load, service_cv=cv), SEEDS)], time)


@pytest.mark.parametrize("cv", [0.0, 1.0, 2.0])
def test_shared_cores_are_insensitive_to_the_law_of_service(cv):
    """M/G/1-PS: S / (1 - load) for any law."""
    shared = queue(0.7, discipline="ps", service_cv=cv, workers=10**9, horizon_s=120.0)
    assert agrees([services(o) for o in seeds(shared, SEEDS)], 1.0 / 0.3)


@pytest.mark.parametrize(
    ("load", "room", "share"), [(0.9, 10, 0.050814), (1.0, 10, 0.090909), (1.2, 10, 0.192586)]
)
def test_loss_of_an_mm1k_queue(load, room, share):
    runs = seeds(queue(load, queue_limit=room - 1, horizon_s=120.0), SEEDS)
    assert agrees([o.dropped / o.arrived for o in runs], share)


@pytest.mark.parametrize(("load", "share"), [(8, 0.12166), (9, 0.16796)])
def test_loss_of_an_mmcc_queue_is_erlangs(load, share):
    runs = seeds(queue(load / 10, 10, queue_limit=0, horizon_s=30.0), SEEDS)
    assert agrees([o.dropped / o.arrived for o in runs], share)


def test_the_last_come_wait_as_long_in_the_mean_and_vary_more():
    first = seeds(queue(0.8, horizon_s=100.0), SEEDS)
    last = seeds(queue(0.8, discipline="lifo", horizon_s=100.0), SEEDS)
    assert agrees([services(o) for o in last], 5.0)
    tails = [[o.percentile_s(0.999) for o in runs] for runs in (first, last)]
    assert all(later > sooner for sooner, later in zip(*tails, strict=True))


def test_two_stations_in_a_row_have_product_form():
    """Tandem of M/M/1: the caller holds no worker while it waits, so times add up."""
    front = station("front", workers=10**9)
    system = world(
        (front, station("back", service_time_s=0.005)), (edge("front", "back"),), 80.0, 200.0,
        warm_up_s=20.0,
    )  # fmt: skip
    expected_s = 1.0 / (100.0 - 80.0) + 1.0 / (200.0 - 80.0)
    assert agrees([o.mean_latency_s["front"] for o in seeds(system, SEEDS)], expected_s)


@pytest.mark.parametrize(("calls", "share"), [(10, 0.0956), (50, 0.395)])
def test_the_slowest_of_many_calls_at_once(calls, share):
    """Dean and Barroso: of n calls one in a hundred slow, a request is slow with 1 - .99^n."""
    front = station("front", workers=10**9, cores=10**6, service_time_s=1e-6)
    leaf = station("leaf", workers=10**9, cores=10**6, service_time_s=0.01)
    fan = edge("front", "leaf", calls=float(calls), mode="parallel")
    slow_s = 0.01 * 4.605170186 + 1e-5  # exceeded by one in a hundred
    system = world((front, leaf), (fan,), 50.0, 30.0, latency_s=slow_s)
    runs = seeds(system, SEEDS)
    assert agrees([o.bad / o.offered for o in runs], share, errors=3.5)
    assert PATIENT_S > 1e6
