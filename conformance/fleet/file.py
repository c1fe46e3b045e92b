"""The file of a fleet, and all that is wrong in it, each with line and column, and without its values: they may be credentials."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from conformance import data
from conformance.cluster.plugin import names
from conformance.fleet.fleet import USUAL_PARALLELISM, Fleet, Member, SecretKey
from conformance.fleet.kubeconfig import InvalidContext, InvalidKubeconfig, portable
from conformance.scenario.fault import Fault, told
from conformance.scenario.shape import shape_faults
from conformance.scenario.source import Keys, Source, read

SCHEMA = "fleet.schema.json"

NAMESPACE = "cni-conformance"
"""Where the Jobs are, if the file does not say."""

WrongWords = Callable[[Sequence[str], int], str]
"""What is wrong with words for `run` where a cluster has so many shards, "" for nothing."""


class InvalidFleet(ValueError):
    """A file with faults: all of them, in the order of its lines."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(told(faults))
        self.faults = tuple(faults)


def load(path: Path, wrong_words: WrongWords, *, with_kubeconfigs: bool = True) -> Fleet:
    """The fleet in this file. Without its kubeconfigs it can be fetched, not rendered. Raises InvalidFleet."""
    source, syntax = read(path, is_private=True)
    if source is None:
        raise InvalidFleet(syntax)
    faults = [*syntax, *(fault for _, fault in shape_faults(source, schema()))]
    if faults:
        raise InvalidFleet(_in_order(faults))
    reading = _Reading(source, path.parent, wrong_words, with_kubeconfigs=with_kubeconfigs)
    fleet = reading.fleet()
    if reading.faults:
        raise InvalidFleet(_in_order(reading.faults))
    return fleet


@cache
def schema() -> Mapping[str, Any]:
    """The format of the file, as a JSON schema."""
    content: Mapping[str, Any] = json.loads((data.folder("fixtures") / SCHEMA).read_text(encoding="utf-8"))
    return content


def _in_order(faults: Sequence[Fault]) -> list[Fault]:
    return sorted(dict.fromkeys(faults), key=lambda fault: (fault.line, fault.column, fault.text))


class _Reading:
    """A file of the right shape on its way to a fleet."""

    def __init__(self, source: Source, folder: Path, wrong_words: WrongWords, *, with_kubeconfigs: bool) -> None:
        self.source, self.value, self.folder = source, source.value, folder
        self.faults: list[Fault] = []
        self._wrong_words, self._with_kubeconfigs = wrong_words, with_kubeconfigs

    def fleet(self) -> Fleet:
        """What it says, with faults in `faults`."""
        value = self.value
        self.faults += self.twins()
        self.plugin(("cni",), value)
        # Words that are wrong for everybody are told once, where they stand.
        are_sound = self.words(("run",), value.get("run", ()), 1)
        members = tuple(self.member(("clusters", place), each, check_words=are_sound) for place, each in enumerate(value["clusters"]))
        return Fleet(
            value["name"],
            value.get("namespace", NAMESPACE),
            value["image"],
            members,
            value.get("parallelism", min(len(members), USUAL_PARALLELISM)),
            value.get("retries", 2),
        )

    def twins(self) -> Iterator[Fault]:
        lines: dict[str, int] = {}
        for place, each in enumerate(self.value["clusters"]):
            keys = ("clusters", place, "name")
            if each["name"] in lines:
                yield self.source.fault(f"there is a cluster {each['name']} already, in line {lines[each['name']]}", keys)
            lines.setdefault(each["name"], self.source.line(keys))

    def member(self, keys: Keys, value: Mapping[str, Any], *, check_words: bool) -> Member:
        self.plugin((*keys, "cni"), value)
        shards = value.get("shards", self.value.get("shards", 1))
        words = (*self.value.get("run", ()), *value.get("run", ()))
        if check_words:
            self.words((*keys, "run"), words, shards)
        kubeconfig, context = self.kubeconfig(keys, value)
        return Member(value["name"], kubeconfig, context, value.get("cni", self.value.get("cni", "")), shards, words)

    def kubeconfig(self, keys: Keys, value: Mapping[str, Any]) -> tuple[str | SecretKey, str]:
        """The kubeconfig and its context, which gets the cluster's name where we have the file."""
        if ("kubeconfig" in value) == ("secret" in value):
            self.faults.append(self.source.fault("where is its kubeconfig? Say one of kubeconfig (a file) and secret (on the hub)", keys))
        elif "secret" in value:
            name, _, key = value["secret"].partition("/")
            if re.fullmatch(rf"{self.value['name']}(--[0-9]+)?(\.[0-9]+)?", name):
                self.faults.append(
                    self.source.fault(f"Secret {name} is what the fleet calls its own: give it another name", (*keys, "secret"))
                )
            return SecretKey(name, key or "kubeconfig"), value.get("context", "")
        elif self._with_kubeconfigs:
            try:
                path = self.folder / os.path.expanduser(value["kubeconfig"])  # noqa: PTH111 - Path's raises where there is no such user
                return portable(path, value.get("context", ""), value["name"]), value["name"]
            except InvalidKubeconfig as fault:
                key = "context" if isinstance(fault, InvalidContext) else "kubeconfig"
                self.faults.append(self.source.fault(f"its kubeconfig {fault}", (*keys, key)))
        return "", value["name"]

    def plugin(self, keys: Keys, value: Mapping[str, Any]) -> None:
        if "cni" in value and value["cni"] not in names():
            self.faults.append(self.source.fault(f"there is no plugin {value['cni']!r}; there are: {', '.join(names())}", keys))

    def words(self, keys: Keys, words: Sequence[str], shards: int) -> bool:
        """Whether the words make sense to `run`; else a fault where the last of them stand."""
        if fault := self._wrong_words(words, shards):
            self.faults.append(self.source.fault(fault, keys))
        return not fault
