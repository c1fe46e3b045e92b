"""Files of fleets, and kubeconfigs, for the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

SERVER = "https://eu.example:6443"


def kubeconfig(server: str = SERVER, user: object = None, cluster: object = None, **changes: object) -> dict[str, Any]:
    """Of one context, `admin`, with a token. A change to None takes the key away."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "admin",
        "contexts": [{"name": "admin", "context": {"cluster": "far", "user": "someone", "namespace": "mine"}}],
        "clusters": [{"name": "far", "cluster": {"server": server, **(cluster or {})}}],
        "users": [{"name": "someone", "user": {"token": "abc"} if user is None else user}],
        **changes,
    }
    return {key: value for key, value in content.items() if value is not None}


def write_kubeconfig(path: Path, *arguments: Any, **changes: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(kubeconfig(*arguments, **changes)))
    return path


FLEET = """\
name: night
image: registry.example/suite:1
run: [-m, recipes]
clusters:
  - {name: eu-1, kubeconfig: eu-1.yaml, cni: cilium, shards: 2}
  - {name: eu-2, secret: eu-2-kubeconfig/value, context: admin, cni: ptp, run: [--force]}
"""


def write_fleet(folder: Path, text: str = FLEET) -> Path:
    """The file, and the kubeconfig eu-1.yaml beside it."""
    write_kubeconfig(folder / "eu-1.yaml")
    file = folder / "fleet.yaml"
    file.write_text(text)
    return file
