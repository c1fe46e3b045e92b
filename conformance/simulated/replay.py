"""What the suite did with a plane, written down, so that it can be done with another one without the suite.

The suite's course depends on nothing but the plane's answers and the clock. So where another plane gives the same answers to the
same questions at the same times, the suite would have done the same with it and come to the same judgement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from conformance.simulated.clock import SimulatedClock
from conformance.simulated.knowledge import NoNetwork
from conformance.simulated.plane import Plane

_TOLD = (
    "node_added", "namespace_changed", "namespace_deleted", "host_added", "pod_pending", "pod_started", "pod_listens", "pod_ready",
    "pod_labelled", "pod_ended", "pod_deleted", "service_changed", "service_deleted", "policy_applied", "policy_deleted",
    "plugin_restarted", "node_restarted", "carry",
)  # fmt: skip
"""All that a plane is told, and the questions that are asked once. `ask` is written down apart."""


_BEHIND_POLICIES = {
    "__init__", "__doc__", "__module__", "selects", "subject_labels", "is_exempt", "verdict", "policy_admits", "rules", "rule_admits",
    "peers_match", "peer_matches", "is_in_namespaces", "is_pod_meant", "peer_labels", "namespace_labels", "block_holds", "is_in",
    "ports_match", "port_matches", "protocol_matches", "number_matches", "is_in_range", "numbers_of", "selector_matches",
    "requirement_holds", "compiled", "key_of",
}  # fmt: skip
"""What is called for a policy only: a plane that has these of its own and nothing else is faultless while there is no policy."""


class Entry(NamedTuple):
    """One call with its time, its result, and the version of the plane that gave it."""

    at: float
    method: str
    arguments: tuple[Any, ...]
    result: Any
    version: int


class RecordedPlane(Plane):
    """A faultless plane that writes down what is done with it."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__(clock)
        self.entries: list[Entry] = []
        for method in (*_TOLD, "ask"):
            setattr(self, method, self._recorded(method, getattr(self, method)))

    def _recorded(self, method: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def recorded(*arguments: Any) -> Any:
            at = self.clock.now()
            result = call(*arguments)
            self.entries.append(Entry(at, method, arguments, result, self.version))
            return result

        return recorded


def differs(entries: Iterable[Entry], make_plane: Callable[[SimulatedClock], Plane]) -> bool:
    """Whether a plane gives another answer anywhere, up to the first one."""
    clock = SimulatedClock()
    plane = make_plane(clock)
    needs_policies = not _overridden(type(plane)) - _BEHIND_POLICIES
    compared: set[tuple[Any, int, int]] = set()
    for at, method, arguments, result, version in entries:
        clock.until(at)
        if method == "ask":
            key = arguments[0], version, plane.version
            if key in compared or (needs_policies and not plane.policies):
                continue
            compared.add(key)
        try:
            found = getattr(plane, method)(*arguments)
        except NoNetwork:
            return True
        if found != result:
            return True
    return False


def _overridden(kind: type[Plane]) -> set[str]:
    """What a faulty plane has of its own, that of its bases included, as far as a faultless one has it too."""
    own = {name for base in kind.__mro__ if issubclass(base, Plane) and base is not Plane for name in vars(base)}
    return {name for name in own if hasattr(Plane, name)}
