"""The httpx transport, on httpx' own clients: against a mock transport, and a real server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from hms.agents.healing.adapters.httpx import AsyncHealingTransport, HealingTransport
from hms.agents.healing.clock import FakeClock, MonotonicClock
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.policy.healing_policy import HealingPolicy
from hms.errors import BreakerOpen, BulkheadFull

Build = Callable[..., StandaloneSelfHealing]
RETRIES = {
    "schema": "hms.policy/1",
    "retry": {
        "max_attempts": 3, "retry_on": ["error", "timeout", "refused"], "jitter_kind": "none",
    },
}


def policy(document: dict[str, Any]) -> HealingPolicy:
    found, problems = HealingPolicy.parse(document)
    assert found is not None, problems
    return found


class Shop:
    """Answers as told, the last thing told for ever; remembers what was asked."""

    def __init__(self, *ends: Any) -> None:
        self.ends = list(ends)
        self.asked: list[httpx.Request] = []
        self.closed = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        end = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        if isinstance(end, Exception):
            raise end
        return end(request) if callable(end) else httpx.Response(end)


def client_of(instance: StandaloneSelfHealing, shop: Any, **settings: Any) -> httpx.Client:
    return httpx.Client(transport=HealingTransport(instance, httpx.MockTransport(shop), **settings))


def test_a_status_of_500_and_more_is_a_failure_and_stays_the_answer(healing: Build) -> None:
    instance = healing()
    shop = Shop(200, 404, 500)
    with client_of(instance, shop) as client:
        statuses = [client.get("http://pay/").status_code for _ in range(6)]
    assert statuses == [200, 404, 500, 500, 500, 500]
    metrics = instance.guard("pay").metrics()
    assert (metrics.ok, metrics.failed) == (2, 4)


def test_after_enough_failures_the_host_is_not_asked_and_others_are(healing: Build) -> None:
    instance = healing()
    shop = Shop(httpx.ConnectError("nobody listens"))
    with client_of(instance, shop) as client:
        for _ in range(10):
            with pytest.raises(httpx.ConnectError):
                client.get("http://pay:8080/charge")
        with pytest.raises(BreakerOpen, match="pay:8080"):
            client.get("http://pay:8080/charge")
        assert len(shop.asked) == 10
        with pytest.raises(httpx.ConnectError):
            client.get("http://cart/")
    assert instance.dependencies.phases() == {"pay:8080": "open", "cart": "closed"}


def test_retry_after_is_honoured(healing: Build, clock: FakeClock) -> None:
    instance = healing()
    shop = Shop(lambda request: httpx.Response(503, headers={"Retry-After": "30"}))
    with client_of(instance, shop) as client:
        assert client.get("http://pay/").status_code == 503
        clock.advance(29.0)
        with pytest.raises(BreakerOpen) as refused:
            client.get("http://pay/")
        assert refused.value.retry_after_s == pytest.approx(1.0)
        clock.advance(1.0)
        assert client.get("http://pay/").status_code == 503


@pytest.mark.parametrize("status", [200, 301, 404])
def test_retry_after_of_another_status_closes_nothing(healing: Build, status: int) -> None:
    instance = healing()
    shop = Shop(lambda request: httpx.Response(status, headers={"Retry-After": "30"}))
    with client_of(instance, shop) as client:
        client.get("http://pay/")
        assert client.get("http://pay/").status_code == status


@pytest.mark.parametrize(
    "error", [httpx.LocalProtocolError("bad header"), httpx.PoolTimeout("no free connection")]
)
def test_our_own_doing_is_neutral(healing: Build, error: Exception) -> None:
    instance = healing()
    with client_of(instance, Shop(error)) as client, pytest.raises(type(error)):
        client.get("http://pay/")
    assert instance.guard("pay").metrics().ignored == 1


def test_a_body_that_breaks_off_is_a_failed_call(healing: Build) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise httpx.ReadError("reset by peer")

    instance = healing()
    with client_of(instance, Shop(lambda request: httpx.Response(200, content=pieces()))) as client:
        for _ in range(5):
            with pytest.raises(httpx.ReadError):
                client.get("http://pay/")
        with pytest.raises(BreakerOpen):  # 5 answers begun, 5 broken off
            client.get("http://pay/")


def test_what_may_be_repeated_is_and_what_may_not_is_not(healing: Build, clock: FakeClock) -> None:
    instance = healing(policy=policy(RETRIES))
    shop = Shop(httpx.ReadTimeout("late"), 500, 200)
    with client_of(instance, shop) as client:
        assert client.get("http://pay/").status_code == 200
        assert len(shop.asked) == 3
        shop.ends = [500]
        assert client.post("http://pay/", content=b"1 EUR").status_code == 500
        assert len(shop.asked) == 4
        assert client.put("http://pay/", content=iter([b"1 EUR"])).status_code == 500
        assert len(shop.asked) == 5  # its body can be sent once
    metrics = instance.guard("pay").metrics()
    assert (metrics.ok, metrics.failed) == (1, 4)


def test_an_answer_that_is_tried_again_lets_go_of_its_connection(healing: Build) -> None:
    class Body(httpx.SyncByteStream):
        closed = 0

        def __iter__(self) -> Iterator[bytes]:
            return iter([b"x"])

        def close(self) -> None:
            Body.closed += 1

    instance = healing(policy=policy(RETRIES))
    with client_of(instance, Shop(lambda request: httpx.Response(500, stream=Body()))) as client:
        client.get("http://pay/")
        assert Body.closed == 3


def test_the_deadline_of_the_call_around_limits_each_wait(
    healing: Build, clock: FakeClock
) -> None:
    instance = healing()
    shop = Shop(200)
    with client_of(instance, shop, timeout=0.5) as client:
        client.get("http://pay/", timeout=httpx.Timeout(3.0, connect=0.2))
        client.get("http://pay/", timeout=None)
    first, second = (each.extensions["timeout"] for each in shop.asked)
    assert first == {"connect": 0.2, "read": 0.5, "write": 0.5, "pool": 0.5}
    assert second == dict.fromkeys(("connect", "read", "write", "pool"), 0.5)


def test_clients_of_one_instance_share_the_host_and_settings_reach_it(healing: Build) -> None:
    instance = healing()
    first = client_of(instance, Shop(500))
    second = client_of(instance, Shop(200))
    with first, second:
        for _ in range(10):
            first.get("http://pay/")
        with pytest.raises(BreakerOpen):
            second.get("http://pay/")
    named = client_of(instance, Shop(200), name_of=lambda request: "all", bulkhead=1)
    with named:
        assert named.get("http://a/").status_code == 200
    assert instance.guard("all").describe() == "Bulkhead > Breaker"


def test_the_same_for_the_asynchronous_client(healing: Build, clock: FakeClock) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"half"
        raise httpx.ReadError("reset by peer")

    async def main() -> StandaloneSelfHealing:
        instance = healing(policy=policy(RETRIES))
        shop = Shop(500, httpx.ConnectError("refused"), 200)
        transport = AsyncHealingTransport(instance, httpx.MockTransport(shop))
        async with httpx.AsyncClient(transport=transport) as client:
            assert (await client.get("http://pay/")).status_code == 200
            assert len(shop.asked) == 3
            shop.ends = [500]
            assert (await client.post("http://pay/")).status_code == 500
            assert len(shop.asked) == 4
            shop.ends = [lambda request: httpx.Response(200, content=pieces())]
            with pytest.raises(httpx.ReadError):
                await client.get("http://pay/")
        return instance

    metrics = asyncio.run(main()).guard("pay").metrics()
    assert (metrics.ok, metrics.failed) == (2, 4)


def test_a_full_bulkhead_sends_nothing(healing: Build) -> None:
    async def main() -> list[Any]:
        instance = healing(clock=MonotonicClock())

        async def slow(request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(0.02)
            return httpx.Response(200)

        transport = AsyncHealingTransport(instance, httpx.MockTransport(slow), bulkhead=2)
        async with httpx.AsyncClient(transport=transport) as client:
            waiting = [client.get("http://pay/") for _ in range(3)]
            return await asyncio.gather(*waiting, return_exceptions=True)

    kinds = [type(each) for each in asyncio.run(main())]
    assert kinds == [httpx.Response, httpx.Response, BulkheadFull]


class Answers(BaseHTTPRequestHandler):
    """200 for /well, 500 for /ill; silence for /cut."""

    def do_GET(self) -> None:
        if self.path == "/cut":
            return  # the connection is closed without a word
        self.send_response(200 if self.path == "/well" else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *told: Any) -> None:
        """Be silent."""


@pytest.fixture
def server() -> Iterator[str]:
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{serving.server_address[1]}"
    serving.shutdown()
    serving.server_close()
    thread.join()


def test_a_real_server_over_real_sockets(healing: Build, server: str) -> None:
    instance = healing(clock=MonotonicClock())
    with httpx.Client(transport=HealingTransport(instance), trust_env=False) as client:
        assert client.get(f"http://{server}/well").status_code == 200
        assert client.get(f"http://{server}/ill").status_code == 500
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(f"http://{server}/cut")
        with pytest.raises(httpx.ConnectError):
            client.get("http://127.0.0.1:1/")
    metrics = instance.guard(server).metrics()
    assert (metrics.ok, metrics.failed) == (1, 2)
    assert instance.guard("127.0.0.1:1").metrics().failed == 1
