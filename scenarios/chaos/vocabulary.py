"""Every field that the chaos formats have, so that a wrong one is refused with the nearest name.

Chaos Mesh: the types of `api/v1alpha1` (chaos-mesh/chaos-mesh, commit 608b61e7). Istio:
`VirtualService` of networking.istio.io (`HTTPFaultInjection`). A field that is known here and has
no meaning for a simulation stands in the loss table where it is met; one that is not known is a
mistake of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TEXT = "a text"
TEXTS = "a list of texts"
LABELS = "a mapping of texts"
DURATION = 'a duration such as "10ms", "30s", "1m30s"'
OFFSET = 'a duration such as "-10m"'
PERCENT = 'a percentage from 0 to 100 such as "25"'
WHOLE = "a whole number"
FLAG = "true or false"
RATE = 'a rate such as "1mbit" or "100kbps"'
SIZE = 'a size such as "256MB" or "50%"'
FREE = "anything"


@dataclass(frozen=True, slots=True)
class Field:
    """One value: its form, the words it may be, whether it must be there.

    Attributes:
        low, high: of a whole number.
    """

    form: str
    choices: tuple[str, ...] = ()
    needed: bool = False
    low: int = 0
    high: int = 2**31 - 1

    @property
    def expected(self) -> str:
        """What a value looks like, for messages."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        return f"{self.form} from {self.low} to {self.high}" if self.form == WHOLE else self.form


@dataclass(frozen=True, slots=True)
class Items:
    """A list of mappings of one shape."""

    tree: Tree


Tree = Mapping[str, "Field | Items | Tree"]

_text, _texts, _labels, _free = Field(TEXT), Field(TEXTS), Field(LABELS), Field(FREE)
_duration, _percent, _flag = Field(DURATION), Field(PERCENT), Field(FLAG)

MODES = ("one", "all", "fixed", "fixed-percent", "random-max-percent")

SELECTOR: Tree = {
    "namespaces": _texts,
    "labelSelectors": _labels,
    "expressionSelectors": Items(
        {
            "key": Field(TEXT, needed=True),
            "operator": Field(TEXT, ("In", "NotIn", "Exists", "DoesNotExist"), needed=True),
            "values": _texts,
        }
    ),
    "annotationSelectors": _labels,
    "fieldSelectors": _labels,
    "nodeSelectors": _labels,
    "nodes": _texts,
    "pods": _free,
    "podPhaseSelectors": _texts,
}
PODS: Tree = {
    "selector": SELECTOR,
    "mode": Field(TEXT, MODES, needed=True),
    "value": Field(WHOLE),
}
_EVERY: Tree = {"duration": _duration, "remoteCluster": _text}

POD_CHAOS: Tree = {
    **PODS,
    **_EVERY,
    "action": Field(TEXT, ("pod-kill", "pod-failure", "container-kill"), needed=True),
    "gracePeriod": Field(WHOLE),
    "containerNames": _texts,
}
NETWORK_ACTIONS = ("netem", "delay", "loss", "duplicate", "corrupt", "partition", "bandwidth")
NETWORK_CHAOS: Tree = {
    **PODS,
    **_EVERY,
    "action": Field(TEXT, NETWORK_ACTIONS, needed=True),
    "direction": Field(TEXT, ("to", "from", "both")),
    "target": PODS,
    "device": _text,
    "targetDevice": _text,
    "externalTargets": _texts,
    "delay": {
        "latency": Field(DURATION, needed=True),
        "jitter": _duration,
        "correlation": _percent,
        "reorder": {"reorder": Field(PERCENT, needed=True), "correlation": _percent,
                    "gap": Field(WHOLE)},
    },
    "loss": {"loss": Field(PERCENT, needed=True), "correlation": _percent},
    "duplicate": {"duplicate": Field(PERCENT, needed=True), "correlation": _percent},
    "corrupt": {"corrupt": Field(PERCENT, needed=True), "correlation": _percent},
    "rate": {"rate": Field(RATE, needed=True)},
    "bandwidth": {
        "rate": Field(RATE, needed=True),
        "limit": Field(WHOLE),
        "buffer": Field(WHOLE),
        "peakrate": Field(WHOLE, high=2**62),
        "minburst": Field(WHOLE),
    },
}  # fmt: skip
STRESS_CHAOS: Tree = {
    **PODS,
    **_EVERY,
    "containerNames": _texts,
    "stressngStressors": _text,
    "stressors": {
        "cpu": {
            "workers": Field(WHOLE, needed=True, high=8192),
            "load": Field(WHOLE, high=100),
            "options": _texts,
        },
        "memory": {
            "workers": Field(WHOLE, needed=True, high=8192),
            "size": Field(SIZE),
            "oomScoreAdj": Field(WHOLE, low=-1000, high=1000),
            "options": _texts,
        },
    },
}
HTTP_CHAOS: Tree = {
    **PODS,
    **_EVERY,
    "target": Field(TEXT, ("Request", "Response"), needed=True),
    "port": Field(WHOLE, high=65535),
    "path": _text,
    "method": _text,
    "code": Field(WHOLE, high=999),
    "request_headers": _labels,
    "response_headers": _labels,
    "tls": _free,
    "abort": _flag,
    "delay": _duration,
    "replace": {
        "path": _text,
        "method": _text,
        "code": Field(WHOLE, high=999),
        "body": _text,
        "queries": _labels,
        "headers": _labels,
    },
    "patch": {"body": _free, "queries": _free, "headers": _free},
}
DNS_CHAOS: Tree = {
    **PODS,
    **_EVERY,
    "action": Field(TEXT, ("error", "random"), needed=True),
    "patterns": _texts,
    "containerNames": _texts,
}
TIME_CHAOS: Tree = {
    **PODS,
    **_EVERY,
    "timeOffset": Field(OFFSET, needed=True),
    "clockIds": _texts,
    "containerNames": _texts,
}

CHAOS: Mapping[str, Tree] = {
    "PodChaos": POD_CHAOS,
    "NetworkChaos": NETWORK_CHAOS,
    "StressChaos": STRESS_CHAOS,
    "HTTPChaos": HTTP_CHAOS,
    "DNSChaos": DNS_CHAOS,
    "TimeChaos": TIME_CHAOS,
}
"""Kinds that become faults, with the fields of their `spec`."""

INEXPRESSIBLE = (
    "AWSChaos", "AzureChaos", "BlockChaos", "GCPChaos", "IOChaos", "JVMChaos", "KernelChaos",
    "PhysicalMachineChaos",
)  # fmt: skip
"""Kinds of Chaos Mesh that are known and have no fault here."""

EMBEDDED = {f"{kind[:-5].lower()}Chaos": kind for kind in (*CHAOS, *INEXPRESSIBLE)}
"""The key under which a Schedule or a template of a Workflow holds the spec of each kind."""

SCHEDULED: Tree = {
    "schedule": Field(TEXT, needed=True),
    "type": Field(TEXT, (*CHAOS, *INEXPRESSIBLE, "Workflow"), needed=True),
    "startingDeadlineSeconds": Field(WHOLE),
    "concurrencyPolicy": Field(TEXT, ("Forbid", "Allow")),
    "historyLimit": Field(WHOLE),
    **{key: CHAOS.get(kind, _free) for key, kind in EMBEDDED.items()},
}
TEMPLATE_TYPES = ("Serial", "Parallel", "Suspend", "Task", "Schedule", "StatusCheck")
WORKFLOW: Tree = {
    "entry": Field(TEXT, needed=True),
    "templates": Items(
        {
            "name": Field(TEXT, needed=True),
            "templateType": Field(
                TEXT, (*TEMPLATE_TYPES, *CHAOS, *INEXPRESSIBLE), needed=True
            ),
            "deadline": _duration,
            "children": _texts,
            "task": _free,
            "conditionalBranches": _free,
            "schedule": SCHEDULED,
            "statusCheck": _free,
            "abortWithStatusCheck": _flag,
            **{key: CHAOS.get(kind, _free) for key, kind in EMBEDDED.items()},
        }
    ),
}
SCHEDULE: Tree = {**SCHEDULED, "workflow": WORKFLOW}

_PERCENTAGE: Tree = {"value": _percent}
ISTIO_FAULT: Tree = {
    "delay": {"fixedDelay": Field(DURATION, needed=True), "percentage": _PERCENTAGE,
              "percent": Field(WHOLE, high=100), "exponentialDelay": _duration},
    "abort": {"httpStatus": Field(WHOLE, high=999), "grpcStatus": _text, "http2Error": _text,
              "percentage": _PERCENTAGE, "percent": Field(WHOLE, high=100)},
}  # fmt: skip
_ROUTE_KEYS = (
    "name", "match", "route", "redirect", "directResponse", "delegate", "rewrite", "timeout",
    "retries", "mirror", "mirrors", "mirrorPercentage", "mirror_percent", "corsPolicy", "headers",
)  # fmt: skip
VIRTUAL_SERVICE: Tree = {
    "hosts": Field(TEXTS, needed=True),
    "gateways": _texts,
    "http": Items({**dict.fromkeys(_ROUTE_KEYS, _free), "fault": ISTIO_FAULT}),
    "tls": _free,
    "tcp": _free,
    "exportTo": _texts,
}

SPECS: Mapping[str, Tree] = {
    **CHAOS,
    "Schedule": SCHEDULE,
    "Workflow": WORKFLOW,
    "VirtualService": VIRTUAL_SERVICE,
}
BESIDE = (
    "PhysicalMachine", "RemoteCluster", "StatusCheck", "StatusCheckTemplate", "WorkflowNode",
    "PodHttpChaos", "PodIOChaos", "PodNetworkChaos",
)  # fmt: skip
"""Kinds of Chaos Mesh that inject nothing by themselves: passed over."""

MESH, ISTIO = "chaos-mesh.org", "networking.istio.io"
GROUPS: Mapping[str, tuple[str, ...]] = {
    MESH: (*CHAOS, "Schedule", "Workflow", *INEXPRESSIBLE),
    ISTIO: ("VirtualService",),
}
"""API groups and the kinds of each that are read."""

OBJECT = ("apiVersion", "kind", "metadata", "spec", "status")
