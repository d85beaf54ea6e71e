"""The shop that the chaos files of these tests strike."""

import textwrap

SHOP = """\
schema: hms.scenario/1
name: shop
horizon_s: 240
warm_up_s: 20
workload: [{entry: web, client: people, rate_rps: 40}]
slo: {web: {availability: 0.99, latency_ms: 800, stable_for_s: 15}}
components:
  people: {kind: client}
  web: {replicas: 3, cores: 1, zone: a, version: v2, labels: {tier: front}, startup_s: 4}
  cart: {replicas: 4, cores: 0.5, zone: b, memory_mb: 64, memory_limit_mb: 128, startup_s: 4}
  cart-db: {kind: store, cores: 2, startup_s: 4, address: "redis-cart:6379"}
edges:
  people -> web: {timeout_ms: 10000}
  web -> cart: {timeout_ms: 1500}
  cart -> cart-db: {timeout_ms: 1000}
"""


def mesh(kind: str, spec: str, name: str = "try") -> str:
    """One object of Chaos Mesh."""
    body = textwrap.indent(textwrap.dedent(spec).strip(), "  ")
    head = f"apiVersion: chaos-mesh.org/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}"
    return f"{head}\nspec:\n{body}\n"


def said(faults) -> list[tuple]:
    """Faults as (kind, what is struck, replicas, start, duration)."""
    return [
        (f.kind, f.component or " -> ".join(f.edge), f.replicas, f.start_s, f.duration_s)
        for f in faults
    ]
