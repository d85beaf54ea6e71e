"""The same on a real Ray: equal results, and workers that die."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from test_evolution_search import identity, settings
from toy_world import dying_world, toy_world

from hms.agents.mac.cluster import Cluster, start
from hms.errors import HmsError
from hms.evolution.backends import RayBackend, SerialBackend
from hms.evolution.genome import Space
from hms.evolution.search import evolve

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))  # workers import toy_world by name
        with start(2) as running:
            yield running


def test_a_search_on_ray_equals_a_search_in_one_process(
    cluster: Cluster, families: tuple[str, ...], cases: list[float]
) -> None:
    told = settings(families, 600)
    expected = evolve(told, SerialBackend({"train": cases}, toy_world), "1")
    backend = RayBackend(cluster.ray, {"train": cases}, toy_world, chunk_incidents=16)
    found = evolve(told, backend, "1")
    assert identity(found) == identity(expected)
    assert found.history == expected.history


def test_a_worker_that_dies_is_replaced_and_nothing_changes(
    cluster: Cluster, cases: list[float], space: Space, tmp_path: Path
) -> None:
    policies = [space.decode(genes) for genes in space.random(np.random.default_rng(1), 4)]
    expected = SerialBackend({"train": cases}, toy_world).evaluate(policies, [0, 1, 2], "train")
    dying = partial(dying_world, marks=str(tmp_path), deaths=1)
    backend = RayBackend(cluster.ray, {"train": cases}, dying, chunk_incidents=4, timeout_s=60.0)
    assert (backend.evaluate(policies, [0, 1, 2], "train") == expected).all()
    assert len(list(tmp_path.iterdir())) >= 1


def test_workers_that_always_die_are_a_clear_error(
    cluster: Cluster, cases: list[float], space: Space, tmp_path: Path
) -> None:
    policy = space.decode(np.full(len(space), 0.5))
    dying = partial(dying_world, marks=str(tmp_path), deaths=99)
    backend = RayBackend(cluster.ray, {"train": cases}, dying, timeout_s=60.0)
    with pytest.raises(HmsError, match="lost a worker more often than it retries, set train"):
        backend.evaluate([policy], [0, 1], "train")
