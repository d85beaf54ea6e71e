"""The middleware in a real server, over real sockets: started, asked, stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from hms.agents.healing.adapters.asgi import HealingMiddleware
from hms.agents.healing.adapters.traffic import traffic_of
from hms.agents.healing.clock import MonotonicClock
from hms.agents.healing.standalone import StandaloneSelfHealing

Build = Callable[..., StandaloneSelfHealing]
PATIENCE_S = 20.0


class Served:
    """A server in a thread of its own."""

    def __init__(self, app: Any) -> None:
        config = uvicorn.Config(app, port=0, log_level="critical", lifespan="on")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        end_s = time.monotonic() + PATIENCE_S
        while not self.server.started and time.monotonic() < end_s:
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()


@pytest.fixture
def instance(healing: Build) -> StandaloneSelfHealing:
    return healing(clock=MonotonicClock())


@pytest.fixture
def served(instance: StandaloneSelfHealing) -> Iterator[Served]:
    async def cart(request: Request) -> PlainTextResponse:
        return PlainTextResponse("two items")

    async def broken(request: Request) -> PlainTextResponse:
        raise OSError("no disk")

    routes = [Route("/cart", cart), Route("/broken", broken)]
    running = Served(HealingMiddleware(Starlette(routes=routes), instance))
    yield running
    running.stop()


def test_it_is_started_counted_and_stopped(
    served: Served, instance: StandaloneSelfHealing
) -> None:
    assert instance.is_looping
    with httpx.Client(base_url=served.address, trust_env=False) as client:
        assert client.get("/cart").text == "two items"
        assert client.get("/broken").status_code == 500
        answer = client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "healthy")
    traffic = traffic_of(instance)
    assert (traffic.ok, traffic.failed) == (1, 1)
    served.stop()
    assert not instance.is_looping
