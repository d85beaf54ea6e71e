"""A shop whose truth is known, and the same shop as somebody who never measured it has it."""

SHOP = """\
schema: hms.scenario/1
name: shop
sources:
  ranges: {{file: ranges.yaml, sure: guessed}}
horizon_s: 20
warm_up_s: 5
workload: [{{entry: web, client: people, rate_rps: {rate}}}]
slo: {{web: {{availability: 0.99, latency_ms: 800, stable_for_s: 5}}}}
components:
  people: {{kind: client}}
  web: {{replicas: 2, service_time_ms: {web}, service_cv: 0.5, startup_s: 2}}
  cart: {{cores: 2, service_time_ms: {cart}, startup_s: 2}}
  db: {{kind: store, service_time_ms: {db}, service_cv: {cv}, startup_s: 2}}
edges:
  people -> web: {{timeout_ms: 3000}}
  web -> cart: {{timeout_ms: 1000, calls: {calls}, retry: {{max_attempts: 3, base_s: 0.01}}}}
  cart -> db: {{timeout_ms: 500, retry: {{max_attempts: 3, base_s: 0.01}}}}
faults:
  - {{kind: error, target: {{component: db}}, share: 0.1, start_s: 0, duration_s: 20}}
"""
TRUTH_MS = {"web": 10.0, "cart": 8.0, "db": 4.0}
TRUTH_CV = {"web": 0.5, "cart": 1.0, "db": 1.5}
RATE_RPS, CALLS = 100.0, 1.2
TRUE = SHOP.format(rate=RATE_RPS, calls=CALLS, cv=1.5, **TRUTH_MS)
_RANGE = "{between: [2, 30], from: ranges}"
GUESSED = SHOP.format(
    rate="{between: [20, 40], from: ranges}", web=_RANGE, cart=_RANGE, db=_RANGE, cv=1.0,
    calls="{between: [0.5, 1.5], from: ranges}",
)  # fmt: skip


def true_metrics(times: int = 20) -> str:
    """What a monitoring system would show of the shop, by utilisation law and M/G/c."""
    from hms.experiments.calibration.queues import Replica

    rows = ["t_s,component,metric,value"]
    for i in range(times):
        rate = RATE_RPS * (0.6 + 0.4 * i / times)
        rates = {"web": rate, "cart": rate * CALLS, "db": rate * CALLS}
        stations = {
            "web": Replica(rate / 2, 1, 0.5), "cart": Replica(rates["cart"], 2),
            "db": Replica(rates["db"], 1),
        }  # fmt: skip
        below = 0.0
        for name in ("db", "cart", "web"):
            service = TRUTH_MS[name] / 1e3
            own = service + stations[name].wait_s(service, TRUTH_CV[name])
            calls = {"db": 0.0, "cart": 1.0, "web": CALLS}[name]
            latency = own + calls * (below + 0.002 if calls else 0.0)
            below = latency
            servers = {"db": 1, "cart": 2, "web": 2}[name]
            used = rates[name] * service / servers
            for metric, value in (
                ("rate_rps", rates[name]), ("latency_ms", latency * 1e3),
                ("cpu_utilisation", used),
            ):  # fmt: skip
                rows.append(f"{15 * i},{name},{metric},{value:.6g}")
    return "\n".join(rows) + "\n"
