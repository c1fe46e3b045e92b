"""Pods that are waited for: what may mend itself is given its time, what never will ends the wait at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from conformance.cluster import wait
from conformance.cluster.wait import BrokenPod, pods_ready
from conformance.world.times import Times

POD = {"metadata": {"namespace": "cc-shop", "name": "api"}, "spec": {"containers": [{"image": "probe"}]}}
RUNNING = {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}], "containerStatuses": [{"ready": True, "state": {"running": {}}}]}


def waiting(reason: str) -> dict[str, Any]:
    return {"phase": "Pending", "containerStatuses": [{"ready": False, "state": {"waiting": {"reason": reason, "message": "too late"}}}]}


class Server:
    """Tells of the pod `api` with each of these states in turn, the last one again and again; there are no events."""

    def __init__(self, *states: dict[str, Any]) -> None:
        self.states, self.times = list(states), Times()
        self.core = SimpleNamespace(list_namespaced_pod="pods", list_namespaced_event="events")

    def call(self, doing: str, method: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        if method == "events":
            return {"items": []}
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"items": [{**POD, "status": state}]}


@pytest.mark.parametrize("reason", ["CreateContainerError", "RunContainerError", "ErrImagePull"])
def test_what_a_busy_node_does_not_manage_at_first_is_no_failure(reason: str) -> None:
    server = Server(waiting(reason), waiting(reason), RUNNING)
    assert ["shop/api"] == list(pods_ready(server, {"shop/api": POD}))


@pytest.mark.parametrize("reason", ["CreateContainerError", "RunContainerError", "ErrImagePull"])
def test_what_does_not_mend_itself_is_told(reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "_PATIENCE", 0.2)
    with pytest.raises(BrokenPod, match=f"does not run after 0 s: {reason}: too late"):
        pods_ready(Server(waiting(reason)), {"shop/api": POD})


@pytest.mark.parametrize("reason", ["InvalidImageName", "CreateContainerConfigError"])
def test_what_never_mends_itself_is_told_at_once(reason: str) -> None:
    with pytest.raises(BrokenPod, match=f"does not run after 0 s: {reason}: too late"):
        pods_ready(Server(waiting(reason), RUNNING), {"shop/api": POD})
