"""httpx: a transport that guards each host, for clients of both kinds.

    client = httpx.Client(transport=HealingTransport(healing))
    client = httpx.AsyncClient(transport=AsyncHealingTransport(healing))

One guard for each host (and port). A status of 500 and more is a failure, as is whatever keeps
an answer from coming; 429 and 503 with Retry-After open the breaker for as long as they say.
What is our own doing (a bad request, no free connection in our own pool) is neutral.

A call ends with the answer's head. A body that breaks afterwards is one more failed call.
Retries, where the policy asks for them, are made of methods that may be repeated (RFC 9110,
9.2.2), with a body that can be sent again; all others pass the same stages but those.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from hms.agents.healing.adapters.repeats import acall_once, call_once
from hms.agents.healing.pipeline.deadline import remaining_s
from hms.agents.healing.pipeline.retry_after import parse_retry_after
from hms.errors import MissingError

if TYPE_CHECKING:
    from hms.agents.healing.calls.guard import Guard
    from hms.agents.healing.standalone import StandaloneSelfHealing

try:
    import httpx
except ImportError as error:
    raise MissingError("httpx is not installed\n    expected: pip install httpx") from error

REPEATABLE = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}
WRONG_FROM = 500
ASKS_TO_WAIT = (429, 503)
FAILURES = (httpx.TransportError, OSError)
OUR_DOING = (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.PoolTimeout)
SHORTEST_S = 0.001  # a time-out of 0 would be none


def failed(response: httpx.Response) -> bool:
    """Whether an answer is the callee's failure."""
    return response.status_code >= WRONG_FROM


def asked_to_wait_s(ended: Any) -> float | None:
    """How long an answer asks to stay away, in seconds."""
    if not isinstance(ended, httpx.Response) or ended.status_code not in ASKS_TO_WAIT:
        return None
    return parse_retry_after(ended.headers.get("Retry-After"))


def host_of(request: httpx.Request) -> str:
    """Host, and port where it is not the scheme's own: the dependency's name."""
    return request.url.netloc.decode("ascii")


class HealingTransport(httpx.BaseTransport):
    """Guards what another transport sends.

    Args:
        healing: the instance.
        transport: who sends; httpx' own when None.
        name_of: the dependency that a request goes to.
        **settings: of each guard, as `healing.guard` takes them: bulkhead, fallback, timeout,
            what the dependency is. Errors, judge and Retry-After are this transport's.

    Raises:
        BreakerOpen, BulkheadFull: (when sending) the request was not sent.
    """

    def __init__(
        self,
        healing: StandaloneSelfHealing,
        transport: httpx.BaseTransport | None = None,
        *,
        name_of: Callable[[httpx.Request], str] = host_of,
        **settings: Any,
    ) -> None:
        self.inner = transport or httpx.HTTPTransport()
        self._guards = Guards(healing, name_of, settings)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, if its host is to be asked."""
        guard = self._guards.of(request)
        last: list[httpx.Response] = []

        def send() -> httpx.Response:
            while last:
                last.pop().close()  # of the attempt before: its connection is needed
            limit_time(request)
            response = self.inner.handle_request(request)
            last.append(response)
            return response

        if may_repeat(request):
            response = guard.call(send)
        else:
            response = call_once(guard, self._guards.clock, send)
        if isinstance(response.stream, httpx.SyncByteStream):
            response.stream = GuardedBody(response.stream, guard)
        return response

    def __enter__(self) -> Self:
        """Enter the transport that sends."""
        self.inner.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        """Leave it."""
        self.inner.__exit__(kind, error, trace)

    def close(self) -> None:
        """Close the transport that sends."""
        self.inner.close()


class AsyncHealingTransport(httpx.AsyncBaseTransport):
    """The same for `httpx.AsyncClient`; arguments as `HealingTransport` takes them."""

    def __init__(
        self,
        healing: StandaloneSelfHealing,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        name_of: Callable[[httpx.Request], str] = host_of,
        **settings: Any,
    ) -> None:
        self.inner = transport or httpx.AsyncHTTPTransport()
        self._guards = Guards(healing, name_of, settings)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, if its host is to be asked."""
        guard = self._guards.of(request)
        last: list[httpx.Response] = []

        async def send() -> httpx.Response:
            while last:
                await last.pop().aclose()  # of the attempt before: its connection is needed
            limit_time(request)
            response = await self.inner.handle_async_request(request)
            last.append(response)
            return response

        if may_repeat(request):
            response = await guard.acall(send)
        else:
            response = await acall_once(guard, self._guards.clock, send)
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = AsyncGuardedBody(response.stream, guard)
        return response

    async def __aenter__(self) -> Self:
        """Enter the transport that sends."""
        await self.inner.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        """Leave it."""
        await self.inner.__aexit__(kind, error, trace)

    async def aclose(self) -> None:
        """Close the transport that sends."""
        await self.inner.aclose()


class Guards:
    """The guard of each host."""

    def __init__(
        self,
        healing: StandaloneSelfHealing,
        name_of: Callable[[httpx.Request], str],
        settings: dict[str, Any],
    ) -> None:
        self.clock = healing.clock
        self._healing, self._name_of = healing, name_of
        self._known: weakref.WeakValueDictionary[str, Guard] = weakref.WeakValueDictionary()
        self._settings = {
            "count": FAILURES, "ignore": OUR_DOING, "judge": failed,
            "retry_after": asked_to_wait_s, **settings,
        }  # fmt: skip

    def of(self, request: httpx.Request) -> Guard:
        """Not held here: the instance lets go of hosts that are no longer called."""
        name = self._name_of(request)
        guard = self._known.get(name)
        if guard is None:
            guard = self._known[name] = self._healing.guard(name, **self._settings)
        return guard


class GuardedBody(httpx.SyncByteStream):
    """A body whose breaking off is told to the guard."""

    def __init__(self, body: httpx.SyncByteStream, guard: Guard) -> None:
        self._body, self._guard = body, guard

    def __iter__(self) -> Iterator[bytes]:
        """The body's pieces."""
        try:
            yield from self._body
        except FAILURES:
            self._guard.breaker.report_calls(0, 1, 0)
            raise

    def close(self) -> None:
        """Let go of the connection."""
        self._body.close()


class AsyncGuardedBody(httpx.AsyncByteStream):
    """The same, asynchronous."""

    def __init__(self, body: httpx.AsyncByteStream, guard: Guard) -> None:
        self._body, self._guard = body, guard

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The body's pieces."""
        try:
            async for piece in self._body:
                yield piece
        except FAILURES:
            self._guard.breaker.report_calls(0, 1, 0)
            raise

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._body.aclose()


def may_repeat(request: httpx.Request) -> bool:
    """Whether sending it twice does what sending it once does."""
    return request.method in REPEATABLE and isinstance(request.stream, httpx.ByteStream)


def limit_time(request: httpx.Request) -> None:
    """No wait of this request goes beyond the deadline that the call around it has."""
    left_s = remaining_s()
    if left_s < math.inf:
        left_s = max(left_s, SHORTEST_S)
        told = request.extensions.get("timeout", {})
        request.extensions["timeout"] = {
            each: min(left_s, told.get(each) or left_s)
            for each in ("connect", "read", "write", "pool")
        }
