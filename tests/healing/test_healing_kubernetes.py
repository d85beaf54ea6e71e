"""The Kubernetes adapter, against a server that speaks the scale subresource over HTTP."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hms.agents.healing.strategies.kubernetes import KubernetesScale, server_of_pod
from hms.errors import ConfigRefused, MissingError

SCALE = re.compile(r"/apis/apps/v1/namespaces/shop/deployments/cart/scale(\?dryRun=All)?")


class ApiServer(ThreadingHTTPServer):
    """Keeps one deployment's replicas and what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.replicas = 2
        self.asked: list[tuple[str, str, str]] = []


class Handler(BaseHTTPRequestHandler):
    """GET and PATCH of the scale, for whoever has the token."""

    server: ApiServer

    def do_GET(self) -> None:
        self.answer(self.server.replicas)

    def do_PATCH(self) -> None:
        assert self.headers["Content-Type"] == "application/merge-patch+json"
        length = int(self.headers["Content-Length"])
        wanted = json.loads(self.rfile.read(length))["spec"]["replicas"]
        if "dryRun" not in self.path:
            self.server.replicas = wanted
        self.answer(wanted)

    def answer(self, replicas: int) -> None:
        self.server.asked.append((self.command, self.path, self.headers["Authorization"]))
        body: dict[str, Any] = {"kind": "Scale", "spec": {"replicas": replicas}}
        status = 200
        if self.headers["Authorization"] != "Bearer secret":
            body, status = {"kind": "Status", "message": "who are you?"}, 403
        elif not SCALE.fullmatch(self.path):
            body, status = {"kind": "Status", "message": "no such deployment"}, 404
        sent = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: Any) -> None:
        """A test's output is not a server's log."""


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()


@pytest.fixture
def account(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("secret\n")
    (tmp_path / "namespace").write_text("shop")
    return tmp_path


def target(server: ApiServer, account: Path, name: str = "cart", **more: Any) -> KubernetesScale:
    address = f"http://127.0.0.1:{server.server_port}"
    return KubernetesScale(name, server=address, account=account, **more)


def test_it_reads_and_sets_the_replicas_of_one_deployment(
    server: ApiServer, account: Path
) -> None:
    cart = target(server, account)
    assert cart.replicas() == 2
    cart.scale(5)
    assert cart.replicas() == 5
    assert {key for _, _, key in server.asked} == {"Bearer secret"}


def test_a_dry_run_asks_and_changes_nothing(server: ApiServer, account: Path) -> None:
    target(server, account, dry_run=True).scale(5)
    assert server.replicas == 2
    assert server.asked[0][1].endswith("?dryRun=All")


def test_what_the_server_refuses_is_said(server: ApiServer, account: Path) -> None:
    with pytest.raises(OSError, match="404 Not Found: no such deployment"):
        target(server, account, "basket").scale(5)
    (account / "token").write_text("stolen")
    with pytest.raises(OSError, match="403 Forbidden: who are you"):
        target(server, account).replicas()


def test_a_server_that_is_not_there_is_an_error(server: ApiServer, account: Path) -> None:
    cart = KubernetesScale("cart", server="http://127.0.0.1:1", account=account, timeout_s=1.0)
    with pytest.raises(OSError, match="refused"):
        cart.replicas()


def test_outside_a_pod_it_says_what_is_missing(
    account: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(MissingError, match="KUBERNETES_SERVICE_HOST"):
        KubernetesScale("cart", account=account)
    (account / "token").unlink()
    cart = KubernetesScale("cart", server="http://127.0.0.1:1", account=account)
    with pytest.raises(MissingError, match="no service account"):
        cart.replicas()


@pytest.mark.parametrize(
    ("host", "address"),
    [("10.0.0.1", "https://10.0.0.1:443"), ("fd00::1", "https://[fd00::1]:443")],
)
def test_a_pod_finds_its_server_by_either_protocol(
    host: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.delenv("KUBERNETES_SERVICE_PORT", raising=False)
    assert server_of_pod() == address


def test_a_name_cannot_lead_elsewhere(account: Path) -> None:
    for name in ("../secrets/x", "cart/scale", "Cart", ""):
        with pytest.raises(ConfigRefused, match="no name of a Kubernetes object"):
            KubernetesScale(name, "shop", server="http://127.0.0.1:1", account=account)
    with pytest.raises(ConfigRefused, match="cannot be scaled"):
        KubernetesScale("cart", "shop", kind="pods", server="http://x", account=account)
