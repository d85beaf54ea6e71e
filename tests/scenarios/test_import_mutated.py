"""Files with something changed at random give one of our errors or a scenario, nothing else."""

import copy
import json
import random

import networkx as nx
import pytest
import yaml
from import_manifests import calling, deployment
from import_spans import shop
from scenario_places import LIBRARY

from hms.errors import InputError
from hms.scenarios.importers.assemble import Labels
from hms.scenarios.importers.read import import_scenario

ISTIO = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart, namespace: default}
spec:
  hosts: [cart]
  http:
  - fault: {delay: {percentage: {value: 10}, fixedDelay: 2s}, abort: {httpStatus: 503}}
    match: [{headers: {user: {exact: jason}}}]
    route: [{destination: {host: cart, subset: v1}, weight: 80}]
  - timeout: 2s
    retries: {attempts: 3, perTryTimeout: 500ms, retryOn: "5xx,reset", backoff: 25ms}
    route: [{destination: {host: cart}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cart}
spec:
  host: cart.default.svc.cluster.local
  trafficPolicy:
    loadBalancer: {simple: LEAST_REQUEST}
    outlierDetection: {consecutive5xxErrors: 7, interval: 5s, baseEjectionTime: 30s}
    connectionPool: {tcp: {maxConnections: 10}, http: {http1MaxPendingRequests: 5}}
    retryBudget: {percent: 20, minRetryConcurrency: 3}
  subsets: [{name: v1, labels: {version: v1}, trafficPolicy: {outlierDetection: {}}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: cart}
spec: {scaleTargetRef: {name: cart}, minReplicas: 2, maxReplicas: 5}
---
"""
GRAPH = nx.DiGraph([("web", "cart"), ("cart", "db")])
GRAPH.nodes["web"].update(replicas=3, kind="service")
GRAPH.edges["web", "cart"].update(calls=2.0, protocol="grpc")
LINKS = {"data": [{"parent": "web", "child": "cart", "callCount": 7}]}


def _bookshop(name: str) -> str:
    return (LIBRARY / "bookshop" / name).read_text(encoding="utf-8")


FILES = {
    "kubernetes": ("k.yaml", lambda: _bookshop("kubernetes/bookshop.yaml")),
    "compose": ("c.yaml", lambda: _bookshop("compose/compose.yaml")),
    "istio": ("i.yaml", lambda: calling("web", "cart") + deployment("cart") + ISTIO),
    "traces": ("t.json", lambda: json.dumps(shop(4).otlp())),
    "jaeger-traces": ("t.json", lambda: json.dumps(shop(4).jaeger())),
    "jaeger": ("d.json", lambda: json.dumps(LINKS)),
    "graph": ("g.json", lambda: json.dumps(nx.node_link_data(GRAPH, edges="links"))),
    "graphml": ("g.graphml", lambda: "".join(nx.generate_graphml(GRAPH))),
    "gexf": ("g.gexf", lambda: "".join(nx.generate_gexf(GRAPH))),
    "edges": ("g.edgelist", lambda: "\n".join(nx.generate_edgelist(GRAPH))),
}
FORMATS = {"jaeger-traces": "traces", "graphml": "graph", "gexf": "graph", "edges": "graph"}
SPICES = ["null", "-1", "1e999", "[]", "{}", '"', "'", "\x00", "é", "9" * 40, "- ", ": ", "\n", "<",
          "&a", "*a", "true", ".nan", "0", "a -> b", "..", "{", "}", "]", ","]  # fmt: skip


def mutated(text: str, chance: random.Random) -> str:
    """The text with one to four pieces taken out, doubled, moved or replaced."""
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice([0, 1, 3, 10, 60, 400]))
        piece = chance.choice(["", text[start:end] * 2, chance.choice(SPICES),
                               text[chance.randrange(len(text) + 1) :][: end - start]])  # fmt: skip
        text = text[:start] + piece + text[end:]
    return text


VALUES = [None, [], {}, -1, 0, 1e308, float("inf"), "x", "", True, [None], [[]], {"a": {"b": [1]}},
          "9" * 70, 10**30, "1h", "${A}", "http://cart:80", "cart", ["cart"],
          {"name": "cart"}]  # fmt: skip


def restructured(file: str, text: str, chance: random.Random) -> str:
    """The same data with one to four values of another kind; still YAML or JSON."""
    manifests = file.endswith("yaml")
    data = list(yaml.safe_load_all(text)) if manifests else json.loads(text)
    for _ in range(chance.randint(1, 4)):
        places = list(_places(data))
        if places:
            holder, key = chance.choice(places)
            holder[key] = copy.deepcopy(chance.choice(VALUES))
    return yaml.safe_dump_all(data) if manifests else json.dumps(data)


def _places(data):
    """Every mapping or list with every key or index of it."""
    for key in data if isinstance(data, dict) else range(len(data)):
        yield data, key
        if isinstance(data[key], dict | list):
            yield from _places(data[key])


def trial(name: str, seed: int, folder) -> str:
    """ "refused" or "read"; anything else is raised."""
    file, text = FILES[name]
    path = folder / file
    chance = random.Random(f"{name} {seed}")
    if seed % 2 and file.endswith((".yaml", ".json")):
        changed = restructured(file, text(), chance)
    else:
        changed = mutated(text(), chance)
    path.write_text(changed, encoding="utf-8")
    try:
        import_scenario(FORMATS.get(name, name), [path], Labels("m"))
    except InputError as refused:
        assert refused.exit_code == 2
        assert str(refused)
        return "refused"
    return "read"


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_read_or_refused(name, tmp_path):
    outcomes = {trial(name, seed, tmp_path) for seed in range(12)}
    assert outcomes <= {"read", "refused"}


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore:No key type for id")
@pytest.mark.parametrize("name", FILES)
def test_a_thousand_changed_files_are_read_or_refused(name, tmp_path):
    outcomes = {trial(name, seed, tmp_path) for seed in range(12, 1012)}
    assert outcomes == {"read", "refused"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("kubernetes", "kind: ConfigMap\nmetadata: {name: c}\ndata: [1]\n---\n"
         + deployment("a", ", envFrom: [{configMapRef: {name: c}}]")),
        ("kubernetes", calling("a", "b") + deployment("b").replace("name: b", "name: 'b!'")),
        ("compose", "services: {a: {depends_on: true, links: 3}, b: {environment: [A=a:1]}}"),
        ("istio", calling("web", "cart") + deployment("cart") + ISTIO + "kind: [x]\n"),
    ],
)  # fmt: skip
def test_what_random_changes_found_once_stays_found(name, text, write):
    try:
        import_scenario(name, [write(text, "f.yaml")], Labels("m"))
    except InputError as refused:
        assert refused.exit_code == 2
