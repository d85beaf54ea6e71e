"""A server that always fails or stalls, and the real Envoy in front of it, on 127.0.0.1 only."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from hms.documents import dump_yaml

READY_S = 10.0


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Upstream:
    """Answers every request with `status` after `delay_s`, and counts them."""

    def __init__(self, status: int, delay_s: float = 0.0) -> None:
        self.status, self.delay_s, self.calls = status, delay_s, 0

    @contextlib.asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[Upstream]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.calls += 1
                await asyncio.sleep(self.delay_s)
                head = f"HTTP/1.1 {self.status} said\r\ncontent-length: 0\r\n\r\n"
                writer.write(head.encode())
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the proxy hung up, as it does on a call that is late
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def proxy(envoy: Path, bootstrap: dict[str, Any], folder: Path) -> AsyncIterator[int]:
    """The real Envoy with this configuration; gives the port of its only listener."""
    (listener,) = bootstrap["static_resources"]["listeners"]
    port = free_port()
    listener["address"]["socket_address"]["port_value"] = port
    path = folder / "bootstrap.yaml"
    path.write_text(dump_yaml(bootstrap))
    command = [str(envoy), "-c", str(path), "--concurrency", "1", "-l", "error",
               "--disable-hot-restart"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        await _until_it_listens(process, port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)
        if process.stderr is not None:
            process.stderr.close()


async def _until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    until_s = time.monotonic() + READY_S
    while time.monotonic() < until_s:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        if process.poll() is not None and process.stderr is not None:
            raise AssertionError(process.stderr.read().decode())
        await asyncio.sleep(0.02)
    raise AssertionError("Envoy does not listen")


async def call(port: int) -> int:
    """One HTTP call through the proxy; its status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nhost: callee\r\nconnection: close\r\n\r\n")
    await writer.drain()
    head = await reader.readline()
    writer.close()
    return int(head.split()[1])
