"""Serial and Ray answer alike, whatever the chunks and the order in which tasks finish."""

import numpy as np
import pytest
from fake_ray import FakeRay
from toy_world import toy_world

from hms.errors import HmsError, InputError
from hms.evolution.backends import (
    CHUNK_INCIDENTS,
    CHUNK_MOST,
    RayBackend,
    SerialBackend,
    all_pairs,
    chunks,
    planned_chunk,
    run_chunk,
)
from hms.evolution.genome import Space

NINE = [float(index) for index in range(9)]


def breaking_world(policies: list, cases: list[float], pairs: np.ndarray) -> np.ndarray:
    raise ZeroDivisionError("float division by zero")


def failing_world(policies: list, cases: list[float], pairs: np.ndarray) -> np.ndarray:
    raise InputError("a scenario that cannot be run")


@pytest.fixture
def policies(space: Space) -> list:
    return [space.decode(genes) for genes in space.random(np.random.default_rng(1), 5)]


@pytest.mark.parametrize("chunk_incidents", [1, 4, 7, 48])
def test_chunks_and_order_of_finishing_change_nothing(policies: list, chunk_incidents: int) -> None:
    serial = SerialBackend({"train": NINE}, toy_world)
    expected = serial.evaluate(policies, [4, 0, 8], "train")
    assert expected.shape[:2] == (5, 3)
    ray = FakeRay(order_seed=chunk_incidents)
    parallel = RayBackend(ray, {"train": NINE}, toy_world, chunk_incidents=chunk_incidents)
    assert (parallel.evaluate(policies, [4, 0, 8], "train") == expected).all()
    assert ray.tasks == -(-15 // chunk_incidents)


def test_a_chunk_is_planned_by_the_size_of_the_system_alone() -> None:
    assert planned_chunk(12, 300.0) == CHUNK_INCIDENTS
    assert planned_chunk(120, 300.0) == 5
    assert planned_chunk(100_000, 300.0) == 1
    assert planned_chunk(2, 10.0) == CHUNK_MOST


def test_pairs_in_any_order_are_answered_in_that_order(policies: list) -> None:
    pairs = np.array([[3, 8], [0, 0], [3, 1], [4, 8], [0, 5]])
    serial = SerialBackend({"train": NINE}, toy_world).evaluate_pairs(policies, pairs, "train")
    parallel = RayBackend(FakeRay(), {"train": NINE}, toy_world, chunk_incidents=2)
    assert (parallel.evaluate_pairs(policies, pairs, "train") == serial).all()
    single = [toy_world(policies, NINE, pairs[[place]])[0] for place in range(5)]
    assert (serial == np.array(single)).all()


def test_a_set_is_shipped_once(policies: list) -> None:
    ray = FakeRay()
    backend = RayBackend(ray, {"train": NINE, "validation": NINE[:3]}, toy_world)
    for _ in range(3):
        backend.evaluate(policies, [0, 1], "train")
    assert ray.puts == 1
    backend.evaluate(policies, [0, 1], "validation")
    assert ray.puts == 2


def test_a_chunk_carries_only_the_policies_it_needs(policies: list) -> None:
    parts = list(chunks(policies, all_pairs(5, [0, 1, 2, 3]), 6))
    assert [len(some) for some, _ in parts] == [2, 2, 2, 1]
    assert parts[1][0] == [policies[1], policies[2]]
    assert parts[1][1].tolist() == [[0, 2], [0, 3], [1, 0], [1, 1], [1, 2], [1, 3]]


def test_a_task_can_write_into_the_cases_it_unpacks(policies: list) -> None:
    import pickle

    packed = np.frombuffer(pickle.dumps([np.zeros(3)]), np.uint8)
    packed.flags.writeable = False

    def writing(some: list, cases: list[np.ndarray], pairs: np.ndarray) -> np.ndarray:
        cases[0][0] = 1.0  # numba compiles read-only arrays as another type
        return np.zeros((len(pairs), 1))

    assert run_chunk("writing", packed, writing, policies, np.array([[0, 0]])).shape == (1, 1)


def test_lost_workers_and_lost_time_are_clear_errors(policies: list) -> None:
    ray = FakeRay()
    backend = RayBackend(ray, {"train": NINE}, toy_world, chunk_incidents=4, timeout_s=5.0)
    ray.failing = ray.exceptions.WorkerCrashedError("worker died unexpectedly")
    with pytest.raises(HmsError, match="lost a worker more often than it retries, set train"):
        backend.evaluate(policies, [0, 1], "train")
    ray.failing = ray.exceptions.GetTimeoutError()
    with pytest.raises(HmsError, match="3 tasks of set train were not done after 5 s"):
        backend.evaluate(policies, [0, 1], "train")
    assert ray.cancelled == 6


def test_ctrl_c_cancels_what_still_runs(policies: list) -> None:
    ray = FakeRay()
    backend = RayBackend(ray, {"train": NINE}, toy_world, chunk_incidents=4)
    ray.failing = KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        backend.evaluate(policies, [0, 1], "train")
    assert ray.cancelled == 3


def test_an_error_of_the_simulation_is_the_same_in_a_task(policies: list) -> None:
    with pytest.raises(InputError, match="cannot be run"):
        SerialBackend({"train": NINE}, failing_world).evaluate(policies, [0], "train")
    with pytest.raises(InputError, match="cannot be run"):
        RayBackend(FakeRay(), {"train": NINE}, failing_world).evaluate(policies, [0], "train")
    with pytest.raises(HmsError, match="incident of set train failed: float division by zero"):
        RayBackend(FakeRay(), {"train": NINE}, breaking_world).evaluate(policies, [0], "train")


@pytest.mark.parametrize("pairs", [[[5, 0]], [[0, 9]], [[-1, 0]], [[0, 0, 0]], []])
def test_indices_outside_the_sets_are_refused(policies: list, pairs: list) -> None:
    array = np.array(pairs, dtype=np.int64)
    for backend in (
        SerialBackend({"train": NINE}, toy_world),
        RayBackend(FakeRay(), {"train": NINE}, toy_world),
    ):
        with pytest.raises(IndexError, match="pair"):
            backend.evaluate_pairs(policies, array, "train")
        with pytest.raises(KeyError, match="no scenario set 'test'"):
            backend.evaluate(policies, [0], "test")
