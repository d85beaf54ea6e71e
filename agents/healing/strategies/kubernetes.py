"""A `ScaleTarget` on Kubernetes: the scale subresource, by a pod's own service account.

The standard library alone: one GET, one PATCH. What the account must be allowed, and no more,
stands in docs/kubernetes-scaling.md.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hms.errors import ConfigRefused, MissingError

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
KINDS = ("deployments", "statefulsets", "replicasets")
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
ANSWER_MOST = 1_000_000  # bytes; a scale object has some hundred


class KubernetesScale:
    """Replicas of one deployment (or stateful set, or replica set).

    Args:
        name: of the deployment.
        namespace: its namespace; the pod's own when empty.
        kind: `deployments`, `statefulsets` or `replicasets`.
        server: the API server's address; as every pod is told when empty.
        account: the folder that holds token, ca.crt and namespace.
        dry_run: the server checks and answers, nothing is changed.
        timeout_s: for one request.
    """

    def __init__(
        self,
        name: str,
        namespace: str = "",
        *,
        kind: str = "deployments",
        server: str = "",
        account: Path = ACCOUNT,
        dry_run: bool = False,
        timeout_s: float = 5.0,
    ) -> None:
        """Say what is scaled; nothing is asked yet.

        Raises:
            ConfigRefused: no such kind, or a name that no object can have.
            MissingError: this is no pod, and no server was named.
        """
        if kind not in KINDS:
            raise ConfigRefused(f"`{kind}` cannot be scaled\n    expected: {', '.join(KINDS)}")
        self.account, self.dry_run, self.timeout_s = account, dry_run, timeout_s
        self.server = urlsplit(server or server_of_pod())
        space = namespace or self._file("namespace")
        for given in (name, space):
            if not NAME.fullmatch(given):
                raise ConfigRefused(f"`{given}` is no name of a Kubernetes object")
        self.path = f"/apis/apps/v1/namespaces/{space}/{kind}/{name}/scale"

    def replicas(self) -> int:
        """How many there shall be now.

        Raises:
            OSError: the server was not reached, or said no.
        """
        return int(self._ask("GET", self.path, None).get("spec", {}).get("replicas", 0))

    def scale(self, replicas: int) -> None:
        """From now on there shall be so many.

        Raises:
            OSError: the server was not reached, or said no.
        """
        query = "?dryRun=All" if self.dry_run else ""
        self._ask("PATCH", self.path + query, {"spec": {"replicas": replicas}})

    def _ask(self, method: str, path: str, body: Any) -> Any:
        connection = self._connection()
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self._file('token')}"}
        sent = None
        if body is not None:
            sent = json.dumps(body)
            headers["Content-Type"] = "application/merge-patch+json"
        try:
            connection.request(method, path, sent, headers)
            answer = connection.getresponse()
            text = answer.read(ANSWER_MOST).decode("utf-8", "replace")
        except http.client.HTTPException as error:
            raise OSError(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise OSError(f"{method} {path}: {answer.status} {answer.reason}: {said(text)}")
        return json.loads(text)

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self.server.hostname or "", self.server.port
        if self.server.scheme == "http":  # a proxy on this machine, or a test
            return http.client.HTTPConnection(host, port, timeout=self.timeout_s)
        trusted = ssl.create_default_context(cafile=str(self.account / "ca.crt"))
        return http.client.HTTPSConnection(
            host, port, timeout=self.timeout_s, context=trusted
        )

    def _file(self, name: str) -> str:
        """A file of the service account, read each time: its token is renewed hourly."""
        try:
            return (self.account / name).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise MissingError(
                f"no service account: {error}\n    expected: a pod that mounts its token"
            ) from error


def server_of_pod() -> str:
    """The API server's address, as every pod finds it in its environment.

    Raises:
        MissingError: this is no pod.
    """
    host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise MissingError(
            "KUBERNETES_SERVICE_HOST is not set\n    expected: a pod, or server=\"https://…\""
        )
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def said(text: str) -> str:
    """The message of a Kubernetes status object, or the beginning of whatever came."""
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text[:200]
