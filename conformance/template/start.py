"""Pods that ask from their first instant on: an init container and the main process, with what they are to ask."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

_ALSO = ("image", "imagePullPolicy", "resources", "securityContext")
"""What the init container has of the main one."""


def asking_at_start(pod: Mapping[str, Any], main: Mapping[str, Any], init: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a probe pod whose agent's configuration is extended by `main`, that of its init container by `init`."""
    document = deepcopy(dict(pod))
    container = document["spec"]["containers"][0]
    *words, config = container["command"]
    own = json.loads(config)
    container["command"] = [*words, json.dumps({**own, **main})]
    first = {**{key: deepcopy(container[key]) for key in _ALSO}, "name": "first", "command": [*words, json.dumps({**own, **init})]}
    document["spec"]["initContainers"] = [first]
    return document


def on_node(pod: Mapping[str, Any], node: str) -> dict[str, Any]:
    """The manifest of a pod for another node."""
    document = deepcopy(dict(pod))
    document["spec"]["nodeSelector"] = {"kubernetes.io/hostname": node}
    return document
