"""ASGI 3 (Starlette, FastAPI, Quart, Django): requests into the reports, a health page.

    app.add_middleware(HealingMiddleware, healing=healing)      # Starlette, FastAPI
    app = HealingMiddleware(app, healing)                       # anything else

Every HTTP request counts: its time until the answer begins, whether it was answered wrong (a
status of 500 and more, or an error), and that there was one. A client that goes away says
nothing, nor does a request that failed because a breaker refused a call of it: the illness is the
dependency's. Nothing is shed unless `at_once` asks for it. It needs no package.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

from hms.agents.healing.adapters.health_answer import HTTP_UNAVAILABLE, health_answer
from hms.agents.healing.adapters.traffic import traffic_of
from hms.agents.healing.breaker.refusal_note import note_of_request

if TYPE_CHECKING:
    from hms.agents.healing.standalone import StandaloneSelfHealing

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

WRONG_FROM = 500  # a status from here on is the service's fault, below it the client's


class HealingMiddleware:
    """Stands around an application.

    Args:
        app: the application.
        healing: the component's instance.
        health_path: answers with `health_answer`; "" for none. Not counted as traffic.
        at_once: requests under way beyond which further ones are answered 503 at once; 0: never.
        starts: whether the instance's own loop starts and stops with the application; False
            where somebody else does that.

    Attributes:
        shed: requests that were refused for `at_once`.
        in_flight: requests under way.
    """

    def __init__(
        self,
        app: App,
        healing: StandaloneSelfHealing,
        *,
        health_path: str = "/health",
        at_once: int = 0,
        starts: bool = True,
    ) -> None:
        self.app = app
        self.healing = healing
        self.traffic = traffic_of(healing)
        self.health_path = health_path
        self.at_once = at_once
        self.starts = starts
        self.shed = self.in_flight = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan" and self.starts:
            await self._live(scope, receive, send)
            return
        if scope["type"] != "http":  # a web socket lives as long as it likes
            await self.app(scope, receive, send)
            return
        if self.starts and not self.healing.is_looping:
            await self.healing.__aenter__()  # a server without lifespan
        if self.health_path and scope["path"] == self.health_path:
            await answer(send, *health_answer(self.healing))
            return
        if self.at_once and self.in_flight >= self.at_once:
            self.shed += 1
            self.traffic.ignored()
            await answer(send, HTTP_UNAVAILABLE, b'{"status": "busy"}', retry_after_s=1)
            return
        self.in_flight += 1
        try:
            await self._watch(scope, receive, send)
        finally:
            self.in_flight -= 1

    async def _watch(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let the application answer, and count how it did."""
        now_s = self.traffic.clock.now_s
        began_s = now_s()
        seen = Seen(receive, send, now_s)
        try:
            with note_of_request() as note:
                await self.app(scope, seen.receive, seen.send)
        except Exception:
            if seen.client_gone or note.excuses():
                self.traffic.ignored()
            else:
                self.traffic.ended(seen.took_s(began_s), failed=True)
            raise
        except BaseException:  # cancelled: the server is stopping, or the client has gone
            self.traffic.ignored()
            raise
        if seen.status >= WRONG_FROM and note.excuses():
            self.traffic.ignored()
        elif seen.status:
            self.traffic.ended(seen.took_s(began_s), failed=seen.status >= WRONG_FROM)
        elif seen.client_gone:
            self.traffic.ignored()
        else:  # it never answered: the server will say 500
            self.traffic.ended(seen.took_s(began_s), failed=True)

    async def _live(self, scope: Message, receive: Receive, send: Send) -> None:
        """Start with the application, and stop with it."""

        async def receiving() -> Message:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.healing.__aenter__()
            return message

        async def sending(message: Message) -> None:
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed",
                                   "lifespan.startup.failed"):
                await self.healing.close()
            await send(message)

        await self.app(scope, receiving, sending)


class Seen:
    """What passes between the application and the server, for one request."""

    __slots__ = ("_now_s", "_receive", "_send", "answered_s", "client_gone", "status")

    def __init__(self, receive: Receive, send: Send, now_s: Callable[[], float]) -> None:
        self._receive, self._send, self._now_s = receive, send, now_s
        self.status = 0
        self.answered_s: float | None = None
        self.client_gone = False

    async def receive(self) -> Message:
        """The next message from the client."""
        message = await self._receive()
        if message["type"] == "http.disconnect" and not self.status:
            self.client_gone = True
        return message

    async def send(self, message: Message) -> None:
        """A message to the client; a server says by OSError that there is none any more."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.answered_s = self._now_s()
        try:
            await self._send(message)
        except OSError:
            self.client_gone = True
            raise

    def took_s(self, began_s: float) -> float:
        """Seconds until the answer began, or until now."""
        return (self._now_s() if self.answered_s is None else self.answered_s) - began_s


async def answer(send: Send, status: int, body: bytes, retry_after_s: int = 0) -> None:
    """One whole JSON answer."""
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    if retry_after_s:
        headers.append((b"retry-after", str(retry_after_s).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
