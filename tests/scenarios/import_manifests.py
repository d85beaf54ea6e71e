"""Small manifests of our own, for the tests of importers."""


def deployment(
    name: str, container: str = "", labels: str = "", replicas: int = 0, port_name: str = ""
) -> str:
    """A Deployment with one container, and a Service on port 80."""
    labels = labels or f"app: {name}"
    count = f"  replicas: {replicas}\n" if replicas else ""
    named = f", name: {port_name}" if port_name else ""
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\n"
        f"spec:\n{count}  template:\n    metadata: {{labels: {{{labels}}}}}\n    spec:\n"
        f"      containers: [{{name: {name}, image: acme/{name}:1{container}}}]\n---\n"
        f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\n"
        f"spec: {{selector: {{{labels}}}, ports: [{{port: 80{named}}}]}}\n---\n"
    )


def calling(name: str, callee: str, **more: object) -> str:
    """A Deployment that has the callee's address in its environment."""
    env = f', env: [{{name: PEER_ADDR, value: "{callee}:80"}}]'
    return deployment(name, env, **more)  # type: ignore[arg-type]
