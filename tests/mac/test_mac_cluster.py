"""A private Ray: nothing outside this machine can reach it, and stopping leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hms.agents.mac import cluster as cluster_module
from hms.agents.mac.cluster import Cluster, start
from hms.agents.mac.listening import ListeningPort, listening_ports, require_loopback
from hms.errors import HmsError, InputError, MissingError

pytestmark = pytest.mark.slow

ATTACH = """
import sys
from hms.agents.mac.cluster import start
with start(1, address=sys.argv[1]) as cluster:
    print(cluster.ray.cluster_resources()["CPU"])
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    with start(2) as cluster:
        yield cluster


def test_a_task_runs(running: Cluster) -> None:
    double = running.ray.remote(lambda number: 2 * number)
    assert running.ray.get(double.remote(21), timeout=60) == 42


def test_workers_get_the_private_settings_and_no_niceness(running: Cluster) -> None:
    def seen() -> tuple[int, str | None, str | None]:
        asked = "RAY_USAGE_STATS_ENABLED", "RAY_USAGE_STATS_REPORT_URL"
        return os.nice(0), os.environ.get(asked[0]), os.environ.get(asked[1])

    found = running.ray.get(running.ray.remote(seen).remote(), timeout=60)
    assert found == (0, "0", "http://127.0.0.1:1")


def test_the_drivers_home_is_its_own_and_rays_names_a_local_provider(running: Cluster) -> None:
    def home() -> str:
        return os.environ["HOME"]

    private = Path(running.ray.get(running.ray.remote(home).remote(), timeout=60))
    assert Path(os.environ["HOME"]) != private
    assert "type: local" in (private / "ray_bootstrap_config.yaml").read_text()


def test_all_its_ports_are_on_loopback(running: Cluster) -> None:
    ports = listening_ports()
    assert {"gcs_server", "raylet"} <= {each.program for each in ports}
    require_loopback(ports)


def test_the_sigterm_handler_of_the_driver_stays(running: Cluster) -> None:
    assert signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, signal.default_int_handler)


def test_a_second_start_in_one_process_is_refused(running: Cluster) -> None:
    with pytest.raises(HmsError, match="running in this process already"):
        start(1)


def attach(
    address: str, token: str | None, script: str = ATTACH, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    if token is not None:
        environment["RAY_AUTH_TOKEN"] = token
    return subprocess.run(
        [sys.executable, "-c", script, address],
        env={**environment, **variables}, capture_output=True, text=True, timeout=120, check=False,
    )


def test_another_process_attaches_with_the_token(running: Cluster) -> None:
    done = attach(running.address, os.environ["RAY_AUTH_TOKEN"])
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == 2.0


def test_workers_of_an_attached_cluster_read_the_drivers_cache(running: Cluster) -> None:
    script = (
        "import os, sys\n"
        "from hms.agents.mac.cluster import start\n"
        "with start(1, address=sys.argv[1]) as cluster:\n"
        "    seen = cluster.ray.remote(lambda: os.environ.get('HMS_CACHE_DIR'))\n"
        "    print(cluster.ray.get(seen.remote(), timeout=60))\n"
    )
    token = os.environ["RAY_AUTH_TOKEN"]
    done = attach(running.address, token, script, HMS_CACHE_DIR="/somewhere/shared")
    assert done.stdout.strip() == "/somewhere/shared", done.stderr


@pytest.mark.parametrize(
    ("address", "ours"),
    [("", True), ("127.0.0.1:6379", True), ("ray://localhost:1", True), ("10.0.0.7:6379", False)],
)
def test_a_cluster_elsewhere_is_not_this_machines(address: str, ours: bool) -> None:
    assert cluster_module.on_this_machine(address) is ours


def test_another_process_without_the_token_is_refused(running: Cluster) -> None:
    done = attach(running.address, "0" * 64)
    assert done.returncode != 0


def test_stopping_leaves_no_process_no_port_and_no_folder() -> None:
    script = (
        "import os, time\n"
        "from hms.agents.mac.cluster import start\n"
        "from hms.agents.mac.listening import listening_ports\n"
        "cluster = start(1)\n"
        "cluster.stop()\n"
        "cluster.stop()\n"
        "print(len(listening_ports()), cluster.temp_dir.exists())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.split() == ["0", "False"], done.stderr


def test_an_address_where_nothing_runs_is_missing_and_says_so_at_once() -> None:
    with pytest.raises(MissingError, match=r"no Ray cluster answers at 127\.0\.0\.1:9"):
        start(1, address="127.0.0.1:9")


def test_an_address_without_a_port_is_no_address() -> None:
    with pytest.raises(InputError, match="expected: host:port"):
        start(1, address="somewhere")


def test_a_port_that_others_can_reach_is_refused_by_name() -> None:
    ports = [ListeningPort("127.0.0.1", 1, 1, "raylet"), ListeningPort("0.0.0.0", 2, 1, "leak")]
    with pytest.raises(HmsError, match=r"leak 0\.0\.0\.0:2"):
        require_loopback(ports)
    require_loopback(ports[:1])


def test_without_ray_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_ray(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(cluster_module.importlib, "import_module", no_ray)
    with pytest.raises(MissingError, match="extra `lab`"):
        start(1)
