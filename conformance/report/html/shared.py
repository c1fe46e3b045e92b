"""What many scenarios of a page have in common: each text, reason and world is written once and named by its number."""

from __future__ import annotations

import json
from typing import Any

from conformance.report.page import printable
from conformance.world.expectation import Reason
from conformance.world.place import World
from conformance.world.verdict import Direction

MOST_LINES = 2000
"""Lines of one policy that a page shows."""
MOST_PLACES = 400
"""Pods and hosts of one world that a page lists."""
MOST_LABELS = 40
"""Labels of one pod that a page lists."""

_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


class Shared:
    """The common tables of a page. Every number counts from 0."""

    def __init__(self) -> None:
        self._texts: dict[str, int] = {}
        self._reasons: dict[tuple[str, bool, str | None, int | None], int] = {}
        self._worlds: dict[str, int] = {}

    def text(self, text: str) -> int:
        """The number of a text of one line: printable, and cut where it is very long."""
        return self._texts.setdefault(printable(text), len(self._texts))

    def lines(self, text: str) -> int:
        """The number of a text whose lines stay lines."""
        lines = text.strip("\n").split("\n")
        shown = [printable(line) for line in lines[:MOST_LINES]]
        more = [f"… ({len(lines) - MOST_LINES} more lines)"] if len(lines) > MOST_LINES else []
        whole = "\n".join(shown + more)
        return self._texts.setdefault(whole, len(self._texts))

    def reason(self, reason: Reason) -> int:
        """The number of a reason: [is it for egress, text, policy or -1, rule or -1]."""
        key = (reason.text, reason.direction is Direction.EGRESS, reason.policy, reason.rule)
        return self._reasons.setdefault(key, len(self._reasons))

    def world(self, world: World) -> int:
        """The number of a world: its namespaces, pods, hosts, nodes and doors as rows of texts, and how many it leaves out."""
        document = script_json(_world(world))
        return self._worlds.setdefault(document, len(self._worlds))

    def document(self) -> str:
        """All tables as JSON that may stand in a script."""
        reasons = script_json(
            [
                [int(is_egress), self.text(text), -1 if policy is None else self.text(policy), -1 if rule is None else rule]
                for text, is_egress, policy, rule in self._reasons
            ]
        )
        return f'{{"texts":{script_json(list(self._texts))},"reasons":{reasons},"worlds":[{",".join(self._worlds)}]}}'


def seconds(value: float) -> float:
    """To the millisecond, which is enough for an eye."""
    return round(value, 3)


def script_json(value: Any) -> str:
    """JSON, ASCII only, that cannot end the script element in which it stands."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def width_for(count: int) -> int:
    """How many digits the numbers below `count` need."""
    width = 1
    while count > 64**width:
        width += 1
    return width


def packed(numbers: list[int], width: int) -> str:
    """Numbers in base 64, each of `width` digits, without anything between them."""
    if width == 1:
        return "".join([_DIGITS[number] for number in numbers])
    if width == 2:
        return "".join([_DIGITS[number >> 6] + _DIGITS[number & 63] for number in numbers])
    return "".join(_DIGITS[number >> 6 * place & 63] for number in numbers for place in reversed(range(width)))


def labels_of(labels: Any) -> str:
    """Labels in one line, as kubectl shows them, the first `MOST_LABELS`."""
    shown = ", ".join(f"{printable(key)}={printable(str(value))}" for key, value in list(labels.items())[:MOST_LABELS])
    return shown + (f", … ({len(labels) - MOST_LABELS} more)" if len(labels) > MOST_LABELS else "")


def _world(world: World) -> dict[str, Any]:
    pods, hosts = list(world.pods.values()), list(world.hosts.values())
    return {
        "namespaces": [[printable(each.ref), printable(each.name), labels_of(each.labels)] for each in world.namespaces.values()][
            :MOST_PLACES
        ],
        "pods": [
            [
                printable(each.ref),
                printable(each.identity),
                labels_of(each.labels),
                ", ".join(map(str, each.addresses)),
                printable(each.node or ""),
                printable(", ".join(map(str, each.serves))),
                int(each.is_host_network),
            ]
            for each in pods[:MOST_PLACES]
        ],
        "hosts": [
            [printable(each.ref), ", ".join(map(str, each.addresses)), printable(", ".join(map(str, each.serves))), int(each.can_ask)]
            for each in hosts[:MOST_PLACES]
        ],
        "doors": [
            [printable(ref), printable(each.name or ", ".join(map(str, each.addresses)))]
            for ref, each in list(world.doors.items())[:MOST_PLACES]
        ],
        "missing": max(0, len(pods) - MOST_PLACES) + max(0, len(hosts) - MOST_PLACES),
    }
