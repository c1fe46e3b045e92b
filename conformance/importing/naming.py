"""Names that a scenario file takes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from typing import Any

from conformance.scenario.fictive import NAME_LABEL

LONGEST = 30
"""Letters of a name in a scenario file: namespaces get the run's prefix."""

LABEL_KEY = re.compile(r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
PORT_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?")


class Namer:
    """Short names, each given once; the same name always gets the same one."""

    def __init__(self, reserved: Collection[str] = ()) -> None:
        self._given: dict[str, str] = {}
        self._taken = set(reserved)

    def short(self, name: str) -> str:
        """The name itself where it fits; else its beginning with four letters that tell it from others."""
        if name not in self._given:
            plain = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-") or "x"
            if plain != name or len(plain) > LONGEST or plain in self._taken:
                digest = hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()[:4]
                fits = plain if len(plain) <= LONGEST and plain not in self._taken else f"{plain[: LONGEST - 5].strip('-')}-{digest}"
                plain = fits
            while plain in self._taken:
                plain = f"{plain[: LONGEST - 2]}-x"
            self._given[name] = plain
            self._taken.add(plain)
        return self._given[name]


def slug(word: str) -> str:
    """A name for a scenario from the name of its file."""
    return re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")


def renamed(value: Any, spaces: Mapping[str, str]) -> Any:
    """A policy's spec with the new names of namespaces, where its selectors name them."""
    if isinstance(value, list):
        return [renamed(each, spaces) for each in value]
    if not isinstance(value, dict):
        return value
    found = {key: renamed(each, spaces) for key, each in value.items()}
    labels = found.get("matchLabels")
    if isinstance(labels, dict) and NAME_LABEL in labels:
        labels[NAME_LABEL] = spaces.get(labels[NAME_LABEL], labels[NAME_LABEL])
    if found.get("key") == NAME_LABEL and found.get("values"):
        found["values"] = [spaces.get(each, each) for each in found["values"]]
    return found
