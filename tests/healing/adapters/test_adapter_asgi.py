"""The ASGI middleware around a real Starlette application, asked by a real client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from hms.agents.healing.adapters.asgi import HealingMiddleware
from hms.agents.healing.adapters.traffic import traffic_of
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.standalone import StandaloneSelfHealing

Build = Callable[..., StandaloneSelfHealing]


def shop(healing: StandaloneSelfHealing, clock: FakeClock, **settings: Any) -> Starlette:
    async def cart(request: Request) -> Response:
        clock.advance(0.25)
        return PlainTextResponse("two items", int(request.query_params.get("status", "200")))

    async def broken(request: Request) -> Response:
        raise OSError("no disk")

    async def halfway(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"two"
            clock.advance(5.0)
            raise OSError("no disk")

        return StreamingResponse(pieces())

    routes = [Route("/cart", cart), Route("/broken", broken), Route("/halfway", halfway)]
    middleware = [Middleware(HealingMiddleware, healing=healing, **settings)]
    return Starlette(routes=routes, middleware=middleware)


def client_of(app: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://cart")


async def asked(app: Any, *paths: str) -> list[httpx.Response]:
    async with client_of(app) as client:
        return [await client.get(path) for path in paths]


def test_every_request_counts_with_its_time_errors_and_number(
    healing: Build, clock: FakeClock
) -> None:
    instance = healing()
    app = shop(instance, clock, starts=False)
    traffic = traffic_of(instance)
    answers = asyncio.run(asked(app, "/cart", "/cart?status=404", "/cart?status=503", "/broken"))
    assert [each.status_code for each in answers] == [200, 404, 503, 500]
    assert (traffic.ok, traffic.failed) == (2, 2)  # a 404 is the client's own mistake
    clock.advance(1.25)
    response_ms, errors_percent, rate = traffic.sample(clock.now_s())
    assert response_ms == pytest.approx(750.0 / 4)
    assert errors_percent == 50.0
    assert rate == pytest.approx(4 / 2.0)


def test_time_is_counted_until_the_answer_begins(healing: Build, clock: FakeClock) -> None:
    instance = healing()
    asyncio.run(asked(shop(instance, clock, starts=False), "/halfway"))
    traffic = traffic_of(instance)
    assert (traffic.failed, traffic.response_s_sum) == (1, 0.0)


def test_the_instances_loop_reports_what_the_application_answers(
    healing: Build, clock: FakeClock
) -> None:
    async def main() -> StandaloneSelfHealing:
        instance = healing()
        app = shop(instance, clock)
        async with client_of(app) as client:
            await client.get("/cart")  # no lifespan: the first request starts the loop
            assert instance.is_looping
            await asyncio.sleep(0)
            for _ in range(4):
                await client.get("/broken")
                await client.get("/cart")
                clock.advance(1.0)
                await instance._loop.round()  # type: ignore[union-attr]
        assert type(await instance.check_health()).__name__ == "Critical"
        assert (await instance.health_metrics()).error_rate_percent == pytest.approx(44.4, abs=0.1)
        await instance.close()
        return instance

    asyncio.run(main())


def test_it_starts_and_stops_with_the_application(healing: Build, clock: FakeClock) -> None:
    instance = healing()
    app = shop(instance, clock)
    looping: list[bool] = []

    async def main() -> None:
        messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

        async def receive() -> Any:
            looping.append(instance.is_looping)
            return messages.pop(0)

        async def send(message: Any) -> None:
            assert message["type"].endswith("complete")

        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
        looping.append(instance.is_looping)

    asyncio.run(main())
    assert looping == [False, True, False]


def test_the_health_page_is_not_traffic(healing: Build, clock: FakeClock) -> None:
    instance = healing()
    app = shop(instance, clock, starts=False)
    (early,) = asyncio.run(asked(app, "/health"))
    assert (early.status_code, early.json()) == (503, {"status": "starting"})
    asyncio.run(instance.initialize())
    (answer,) = asyncio.run(asked(app, "/health"))
    assert answer.status_code == 200
    assert answer.json()["status"] == "healthy"
    assert traffic_of(instance).response_samples == 0


def test_an_open_breaker_degrades_and_takes_nothing_out_of_service(
    healing: Build, clock: FakeClock
) -> None:
    instance = healing()
    asyncio.run(instance.initialize())
    instance.guard("db").breaker.force_open()
    clock.advance(1.0)
    guard = instance.guard("pay")
    for _ in range(10):
        with pytest.raises(OSError), guard:
            raise OSError("no route")
    (answer,) = asyncio.run(asked(shop(instance, clock, starts=False), "/health"))
    assert answer.status_code == 200
    told = answer.json()
    assert told["status"] == "degraded"
    assert told["breakers"]["pay"] == "open"


def test_nothing_is_shed_unless_asked_for(healing: Build, clock: FakeClock) -> None:
    async def at_once(app: Any, requests: int) -> list[int]:
        async with client_of(app) as client:
            waiting = [client.get("/slow") for _ in range(requests)]
            return [each.status_code for each in await asyncio.gather(*waiting)]

    async def app(scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        await asyncio.sleep(0.01)
        await PlainTextResponse("here")(scope, receive, send)

    instance = healing()
    free = HealingMiddleware(app, instance, starts=False)
    assert asyncio.run(at_once(free, 20)) == [200] * 20
    limited = HealingMiddleware(app, instance, starts=False, at_once=5)
    assert sorted(asyncio.run(at_once(limited, 20))) == [200] * 5 + [503] * 15
    assert (limited.shed, limited.in_flight) == (15, 0)
    assert traffic_of(instance).failed == 0


def test_a_client_that_goes_away_says_nothing(healing: Build, clock: FakeClock) -> None:
    async def reads_on(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        raise RuntimeError(message["type"])

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    async def disconnected() -> Any:
        return {"type": "http.disconnect"}

    async def nobody(message: Any) -> None:
        raise OSError("closed")

    instance = healing()
    scope = {"type": "http", "method": "GET", "path": "/"}

    async def main() -> None:
        middleware = HealingMiddleware(reads_on, instance, starts=False)
        with pytest.raises(RuntimeError):
            await middleware(scope, disconnected, nobody)
        with pytest.raises(OSError, match="closed"):
            answering = HealingMiddleware(PlainTextResponse("here"), instance, starts=False)
            await answering(scope, disconnected, nobody)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await HealingMiddleware(waits, instance, starts=False)(scope, disconnected, nobody)

    asyncio.run(main())
    traffic = traffic_of(instance)
    assert (traffic.ok, traffic.failed, traffic.neutral) == (0, 0, 3)


def test_an_application_that_never_answers_has_failed(healing: Build, clock: FakeClock) -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        return

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        raise AssertionError(message)

    instance = healing()
    middleware = HealingMiddleware(silent, instance, starts=False)
    asyncio.run(middleware({"type": "http", "method": "GET", "path": "/"}, receive, send))
    assert traffic_of(instance).failed == 1


def test_web_sockets_pass_uncounted(healing: Build, clock: FakeClock) -> None:
    passed: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope["type"])

    instance = healing()
    middleware = HealingMiddleware(app, instance, starts=False)
    asyncio.run(middleware({"type": "websocket"}, None, None))  # type: ignore[arg-type]
    assert passed == ["websocket"]
    assert traffic_of(instance).response_samples == 0
