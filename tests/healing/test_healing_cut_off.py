"""A dependency that is cut off: whose illness it is, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest
from ill_component import ILL, WELL, Build
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hms.agents.healing import Degraded, Failed, Healthy
from hms.agents.healing.adapters.asgi import HealingMiddleware
from hms.agents.healing.adapters.functions import answers
from hms.agents.healing.adapters.traffic import traffic_of
from hms.agents.healing.clock import FakeClock
from hms.agents.healing.loop import HealLoop
from hms.agents.healing.standalone import StandaloneSelfHealing
from hms.agents.healing.strategies.reconnect import Reconnect
from hms.errors import BreakerOpen


def status(healing: StandaloneSelfHealing) -> type:
    return type(asyncio.run(healing.check_health()))


@pytest.fixture
def cart(healing: Build) -> StandaloneSelfHealing:
    each = healing()
    asyncio.run(each.initialize())
    each.guard("db").breaker.open_for(30.0)
    return each


def shop(cart: StandaloneSelfHealing) -> Callable[[str], int]:
    """An application whose every request needs `db`, and a client."""
    read = cart.guard("db")

    async def unaware(request: Request) -> Response:
        return PlainTextResponse(await read.acall(asyncio.sleep, 0, "two items"))

    async def polite(request: Request) -> Response:
        try:
            return await unaware(request)
        except BreakerOpen as error:
            after = {"retry-after": f"{error.retry_after_s:.0f}"}
            return PlainTextResponse("later", 503, after)

    def threaded(request: Request) -> Response:
        return PlainTextResponse(read.call(str, "two items"))

    async def broken(request: Request) -> Response:
        raise OSError("no disk")

    routes = [Route(f"/{each.__name__}", each) for each in (unaware, polite, threaded, broken)]
    app = HealingMiddleware(Starlette(routes=routes), cart, starts=False)

    async def asked(path: str) -> int:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://cart") as client:
            return (await client.get(path)).status_code

    return lambda path: asyncio.run(asked(path))


@pytest.mark.parametrize("path", ["/unaware", "/polite", "/threaded"])
def test_requests_that_fail_for_a_cut_off_dependency_leave_a_component_in_service(
    cart: StandaloneSelfHealing, clock: FakeClock, path: str
) -> None:
    ask, rounds = shop(cart), HealLoop(cart)
    for _ in range(15):
        clock.advance(1.0)
        for _ in range(5):
            assert ask(path) >= 500
        asyncio.run(rounds.round())
    assert status(cart) is Degraded
    assert ask("/health") == 200
    assert traffic_of(cart).neutral == 75


def test_its_own_errors_beside_it_count(cart: StandaloneSelfHealing, clock: FakeClock) -> None:
    ask, rounds = shop(cart), HealLoop(cart)
    for _ in range(15):
        clock.advance(1.0)
        assert ask("/broken") == 500
        asyncio.run(rounds.round())
    assert status(cart) is Failed


def test_a_function_that_fails_for_it_says_nothing_of_the_component(
    cart: StandaloneSelfHealing,
) -> None:
    @answers(cart)
    def handle() -> None:
        try:
            cart.guard("db").call(str)
        except BreakerOpen as error:
            raise RuntimeError("no answer") from error

    with pytest.raises(RuntimeError):
        handle()
    assert (traffic_of(cart).neutral, traffic_of(cart).failed) == (1, 0)


def test_a_dependency_that_nobody_calls_is_not_cut_off_for_ever(
    cart: StandaloneSelfHealing, clock: FakeClock
) -> None:
    for _ in range(39):
        clock.advance(1.0)
        cart.report(WELL)
    assert status(cart) is Degraded
    clock.advance(1.0)
    cart.report(WELL)
    assert status(cart) is Healthy
    for _ in range(5):
        clock.advance(1.0)
        cart.report(ILL)
    assert cart.issue is not None
    assert cart.issue.kind == "errors"  # its own, no more the neighbour's


def test_no_act_is_found_to_have_helped_before_somebody_has_called_again(
    cart: StandaloneSelfHealing, clock: FakeClock
) -> None:
    cart.register_strategy(Reconnect(lambda: True, handles=("dependency",), verification_s=60.0))

    def rounds(seconds: int) -> list[str]:
        for _ in range(seconds):
            clock.advance(1.0)
            cart.report(WELL)
            asyncio.run(cart.heal())
        return [each.verdict for each in cart.history]

    assert rounds(50) == [""]
    cart.guard("db").call(str)
    cart.guard("db").call(str)
    cart.guard("db").call(str)
    assert cart.guard("db").breaker.phase == "closed"
    assert rounds(10) == ["effective"]


@pytest.mark.parametrize("by_function", [True, False])
def test_errors_before_the_breaker_opened_are_forgotten_with_it(
    healing: Build, clock: FakeClock, by_function: bool
) -> None:
    """Left alone in the window they would look like a component that answers nothing right."""
    each = healing()
    asyncio.run(each.initialize())
    rounds, down = HealLoop(each), [False]

    @each.guard("db")
    def read() -> None:
        if down[0]:
            raise OSError("no")

    handle = answers(each)(read) if by_function else read

    def live(seconds: int) -> set[str]:
        seen = set()
        for _ in range(seconds):
            clock.advance(1.0)
            for _ in range(5):
                with suppress(OSError, BreakerOpen):
                    handle()
            asyncio.run(rounds.round())
            seen.add(status(each).__name__)
        return seen

    live(12)
    down[0] = True
    assert live(15) <= {"Healthy", "Degraded"}
    assert each.guard("db").breaker.phase == "open"
    assert each.health.latest.error_rate_percent == 0.0


def test_a_request_that_ends_late_with_the_error_of_what_is_now_cut_off_is_excused(
    healing: Build, clock: FakeClock
) -> None:
    each = healing()
    db = each.guard("db")

    @answers(each)
    def handle() -> None:
        permit = db.breaker.admit()
        db.breaker.open_for(5.0)
        db.breaker.failed(permit, OSError("no"))
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        handle()
    assert (traffic_of(each).neutral, traffic_of(each).failed) == (1, 0)
