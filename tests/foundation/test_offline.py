"""No command connects to anything outside this machine.

Ray and MLflow both report their use unless told not to, Ray asks the cloud's metadata address who
it is, and listens on every interface. The settings stand in `agents/mac/cluster.py` and
`experiments/tracking.py`; here the whole of both, in use, is watched.
"""

import ipaddress
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hms.agents.mac import cluster
from hms.experiments import tracking

IN_USE = """
import sys
from pathlib import Path
from hms.agents.mac import cluster
from hms.experiments.tracking import Tracker, local_target

runs = Path(sys.argv[1])
tracker = Tracker(local_target(runs, "offline", None), runs / "spool")
with cluster.start(1) as started:
    ray = started.ray
    name = ray.remote(lambda: 7)
    assert ray.get(name.remote(), timeout=60) == 7
    tracker.begin("run", "offline", {"seed": "1"})
    tracker.metrics("run", {"downtime_s": 1.0})
    tracker.close("FINISHED")
assert not tracker.away, tracker.away
print("done")
"""


def in_use(folder: Path, *before: str) -> subprocess.CompletedProcess[str]:
    """Ray and MLflow doing what a run does, in a fresh process."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RAY_", "MLFLOW_"))
    }
    return subprocess.run(
        [*before, sys.executable, "-c", IN_USE, str(folder)],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
        check=False,
    )


def test_ray_is_told_to_report_nothing_and_to_listen_here_only() -> None:
    for settings in (cluster.PRIVATE, cluster.ATTACHED):
        assert settings["RAY_USAGE_STATS_ENABLED"] == "0"
        assert settings["RAY_USAGE_STATS_REPORT_URL"].startswith("http://127.0.0.1:")
        assert settings["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] == "0"
        assert settings["RAY_worker_niceness"] == "0"
    assert cluster.PRIVATE["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"
    assert cluster.PRIVATE["RAY_AUTH_MODE"] == "token"


def test_mlflow_is_told_to_report_nothing_whatever_the_user_has_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in tracking.ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    tracking.prepare_environment()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["GIT_PYTHON_REFRESH"] == "quiet"


CONNECT = re.compile(
    r"(?:connect|sendto|sendmsg)\(\d+, .*?"
    r"(?:sin_addr=inet_addr\(\"(?P<four>[^\"]+)\"\)|inet_pton\(AF_INET6, \"(?P<six>[^\"]+)\")"
)


def outside(trace: str) -> list[str]:
    """The lines of an strace that reach for an address outside this machine."""
    found = []
    for line in trace.splitlines():
        match = CONNECT.search(line)
        if match is None:
            continue
        address = ipaddress.ip_address((match["four"] or match["six"]).removeprefix("::ffff:"))
        if not (address.is_loopback or address.is_unspecified):
            found.append(line.strip())
    return found


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ('connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("169.254.169.254")'
         "}, 16) = -1 EINPROGRESS", 1),
        ('connect(3, {sa_family=AF_INET6, sin6_port=htons(443), inet_pton(AF_INET6, "2606::1", '
         "&sin6_addr), sin6_scope_id=0}, 28) = 0", 1),
        ('sendto(9, "x", 30, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0'
         '.2")}, 16) = 30', 1),
        ('connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16)',
         0),
        ('connect(7, {sa_family=AF_INET6, sin6_port=htons(1), inet_pton(AF_INET6, '
         '"::ffff:127.0.0.1", &sin6_addr)}, 28) = 0', 0),
        ('connect(3, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT', 0),
    ],
)  # fmt: skip
def test_the_watch_sees_what_leaves(line: str, count: int) -> None:
    assert len(outside(line)) == count


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_ray_and_mlflow_in_use_reach_for_nothing_outside(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    runs = tmp_path / "runs"
    runs.mkdir()
    watch = ("strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-s", "0", "-o", trace)
    done = in_use(runs, *map(str, watch))
    assert done.stdout == "done\n", done.stderr
    seen = trace.read_text(errors="replace")
    assert "127.0.0.1" in seen  # the watch works: Ray's own processes talk
    assert outside(seen) == []
