"""A sound scenario file for tests, and the same with one part changed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SOUND = {
    "name": "name: sample\n",
    "about": "about: Nobody reaches the API.\n",
    "because": "because: So it is written.\n",
    "needs": "",
    "layout": "layout:\n  shop:\n    pods:\n      api: {labels: {app: api}}\n      front: {}\n",
    "policies": (
        "policies:\n"
        "  deny: |\n"
        "    apiVersion: networking.k8s.io/v1\n"
        "    kind: NetworkPolicy\n"
        "    metadata: {name: deny, namespace: shop}\n"
        "    spec: {podSelector: {matchLabels: {app: api}}}\n"
    ),
    "steps": "steps:\n  - apply: [deny]\n    expect:\n      shop/front -> shop/api: blocked\n",
}


def text(**parts: str) -> str:
    """The sound file with other parts; an empty part leaves it out."""
    return "".join((SOUND | parts).values())


def policy(body: str, key: str = "deny") -> str:
    """The part `policies` with one policy; its body is indented by four."""
    return f"policies:\n  {key}: |\n" + "".join(f"    {line}\n" for line in body.splitlines())


HEAD = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny, namespace: shop}\n"


def crowded(name: str, layout: Mapping[str, Any]) -> str:
    """A file in which nobody reaches the pods of the namespace n0 in such a layout, and n1/p0 tries."""
    return text(
        name=f"name: {name}\n",
        layout=f"layout: {json.dumps(layout)}\n",
        policies=policy(HEAD.replace("shop", "n0") + "spec: {podSelector: {}}"),
        steps='steps:\n  - apply: [deny]\n    expect: {"n1/p0 -> n0/p0": blocked}\n',
    )


def write(folder: Path, content: str, name: str = "sample.yaml") -> Path:
    """A file with this content."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def root(folder: Path) -> Path:
    """A folder of scenarios of its own, with the capability `warp` and no layouts."""
    write(folder, "{}", "schema.json")
    write(folder, "warp: Faster than light.\n", "capabilities.yaml")
    return folder
