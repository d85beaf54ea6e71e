"""A till that falls ill on request and heals itself: `python docs/examples/till.py --port 8080`.

A front process, which customers ask, and a worker process, which adds up what they buy. The front
holds the self-healing instance: it reports what it answers and what the worker uses, and it may
restart the worker or make its bills less detailed. It has one worker, so that is restarted only
while customers get no bills: a leak is treated when it hurts. Nothing but the standard library and
the runtime is used.

    GET /sum?price=3&price=4     the bill: the work
    GET /health                  how the component is
    GET /history                 what was done about it, oldest first
    GET /ill/crash               the worker ends at once
    GET /ill/leak?mb=60          the worker keeps so much memory, each time
    GET /ill/slow?s=0.3          a detailed bill takes so much longer from now on

`--worker` is how the front starts its worker; nobody else needs it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

REPORT_EVERY_S = 0.5
MEMORY_LIMIT_MB = 120.0
LEAK_MOST_MB = 90.0  # kept by the worker; beyond it there is no room to work
POLICY = {
    "schema": "hms.policy/1",
    # whoever asks for three illnesses in a minute does not want to hear that it flaps
    "detection": {"slow_factor": 3.0, "flap_changes": "off"},
    "health": {"window_s": 2.0, "degraded_response_s": 0.15},  # this shop is quick, or it is ill
}


class Answering(BaseHTTPRequestHandler):
    """What both processes answer with."""

    def answer(self, status: int, told: Any) -> None:
        """JSON, whole."""
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def asked(self) -> tuple[str, dict[str, list[str]]]:
        """Path and query."""
        parts = urlsplit(self.path)
        return parts.path, parse_qs(parts.query)

    def log_message(self, *told: Any) -> None:
        """Customers are not logged."""


class Worker(Answering):
    """Adds up, until it is made ill."""

    kept: ClassVar[list[bytes]] = []
    slow_s: ClassVar[float] = 0.0

    def do_GET(self) -> None:
        """One bill, or one illness."""
        path, query = self.asked()
        if path == "/ill/crash":
            os._exit(1)
        elif path == "/ill/leak":
            megabytes = int(query.get("mb", ["60"])[0])
            Worker.kept.append(os.urandom(megabytes * 1_000_000))
            self.answer(200, {"kept": len(Worker.kept)})
        elif path == "/ill/slow":
            Worker.slow_s = float(query.get("s", ["0.3"])[0])
            self.answer(200, {"slow_s": Worker.slow_s})
        elif sum(map(len, Worker.kept)) > LEAK_MOST_MB * 1e6:
            self.answer(500, {"error": "no memory left for a bill"})
        else:
            detailed = query.get("detail", ["1"])[0] != "0"
            if detailed:
                time.sleep(Worker.slow_s)
            prices = [float(each) for each in query.get("price", [])]
            self.answer(200, {"sum": sum(prices), "detail": prices if detailed else []})


class Till:
    """The front: asks its worker, and heals it.

    Args:
        worker_port: where the worker listens.
    """

    def __init__(self, worker_port: int) -> None:
        from hms.agents.healing import create_basic_self_healing
        from hms.agents.healing.adapters.traffic import traffic_of
        from hms.agents.healing.strategies.configuration_change import ConfigurationChange
        from hms.agents.healing.strategies.restart import ProcessRestart, SupervisedChild
        from hms.agents.policy.healing_policy import HealingPolicy

        policy, problems = HealingPolicy.parse(POLICY)
        if policy is None:
            raise SystemExit(f"policy: {problems}")
        self.detail = 1.0
        self.worker_port = worker_port
        command = [sys.executable, str(Path(__file__).resolve()), "--worker", str(worker_port)]
        self.child = SupervisedChild(command, grace_s=1.0)
        self.healing = create_basic_self_healing(
            "till", policy=policy, memory_limit_mb=MEMORY_LIMIT_MB, interval_s=REPORT_EVERY_S
        )
        self.traffic = traffic_of(self.healing)
        self.healing.register_strategy(
            ProcessRestart(self.child, handles=("errors", "memory"), verification_s=3.0)
        )
        self.healing.register_strategy(
            ConfigurationChange(
                "detail", lambda: self.detail, self.set_detail, 0.0, handles=("slow",),
                verification_s=3.0,
            )
        )
        self.closing = threading.Event()

    def set_detail(self, detail: float) -> None:
        """How much a bill says: 1, or 0."""
        self.detail = detail

    def ask_worker(self, path: str) -> Any:
        """The worker's answer.

        Raises:
            OSError: it does not answer.
        """
        url = f"http://127.0.0.1:{self.worker_port}{path}"
        with urllib.request.urlopen(url, timeout=2.0) as answer:
            return json.load(answer)

    def bill(self, query: str) -> Any:
        """The work on one request, counted as such."""
        with self.traffic.request():
            return self.ask_worker(f"/sum?{query}&detail={self.detail:g}")

    def report(self) -> None:
        """Tell the instance how it goes, until the till closes."""
        while not self.closing.wait(REPORT_EVERY_S):
            self.healing.report(self.traffic.metrics(memory_mb=resident_mb(self.child.pid)))

    def history(self) -> list[dict[str, Any]]:
        """What was tried, oldest first."""
        return [
            {
                "issue": each.issue,
                "by": each.by,
                "did": each.action.to_json() if each.action is not None else each.error,
                "verdict": each.verdict,
            }
            for each in self.healing.history
        ]

    def serve(self, port: int) -> None:
        """Open until somebody ends the process."""
        server = ThreadingHTTPServer(("127.0.0.1", port), front_of(self))
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, lambda *_: threading.Thread(target=server.shutdown).start())
        self.child.start()
        with self.healing.synchronous():
            threading.Thread(target=self.report, daemon=True).start()
            print(f"open at http://127.0.0.1:{server.server_address[1]}/", flush=True)
            server.serve_forever()
            self.closing.set()
        self.child.stop()


def front_of(till: Till) -> type[Answering]:
    """The handler of the front's requests."""
    from hms.agents.healing.adapters.health_answer import health_answer

    class Front(Answering):
        def do_GET(self) -> None:
            path, _ = self.asked()
            try:
                if path == "/sum":
                    self.answer(200, till.bill(urlsplit(self.path).query))
                elif path == "/health":
                    status, body = health_answer(till.healing)
                    self.answer(status, json.loads(body))
                elif path == "/history":
                    self.answer(200, till.history())
                elif path.startswith("/ill/"):
                    with contextlib.suppress(OSError):  # who crashes does not answer
                        till.ask_worker(self.path)
                    self.answer(202, {"asked": path})
                else:
                    self.answer(404, {"error": "no such page"})
            except (OSError, urllib.error.URLError) as error:
                self.answer(502, {"error": str(error)})

    return Front


def resident_mb(pid: int) -> float:
    """Memory of a process in MB; 0 where there is none, or no /proc."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Be the front, or its worker."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--worker", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        ThreadingHTTPServer(("127.0.0.1", given.worker), Worker).serve_forever()
    Till(free_port()).serve(given.port)


if __name__ == "__main__":
    main()
