"""Texts with Kubernetes objects: several YAML documents, lists, JSON. Each object is a Source that knows its lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from conformance.manifests.files import files_of
from conformance.scenario.fault import Fault
from conformance.scenario.source import UNREADABLE, InvalidText, Source, decoded, no_yaml

TEMPLATED = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob"})
"""Kinds whose pods are made from a template."""

TAKEN = TEMPLATED | {"Pod", "Namespace", "Service", "NetworkPolicy"}
"""Kinds of which something is taken, beside those of others that have a pod's template (Rollout, DeploymentConfig …).

The values of all others (Secrets!) are never looked at.
"""

_GROUPS = ("", "apps", "batch", "extensions", "networking.k8s.io")
"""The APIs that these kinds are of. A `Service` of another one is another thing."""

MOST_VALUES = 2_000_000
"""More values than so many, beside those that are written out, come from aliases that hold each other."""

_DEEPEST = 200
"""libyaml's stack bears so many levels; deeper texts are read by Python, which counts."""


@dataclass(frozen=True, slots=True, order=True)
class Passed:
    """An object that was passed over: its kind, name (both as written), and whether it is a policy of another API."""

    kind: str
    name: str
    is_policy: bool = False


@dataclass(slots=True)
class Gathered:
    """What texts have: the objects that are taken, those that are passed over, and what could not be read."""

    objects: list[Source] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def read_paths(paths: Iterable[Path]) -> Gathered:
    """All objects of these files, and of the manifests below these folders (see files_of)."""
    found = Gathered()
    for path in files_of(paths):
        if isinstance(path, Fault):
            found.faults.append(path)
            continue
        try:
            data = path.read_bytes()
        except OSError as wrong:
            found.faults.append(Fault(path, 0, 0, f"cannot be read: {wrong.strerror}"))
        else:
            read_bytes(path, data, found)
    return found


def read_bytes(path: Path, data: bytes, found: Gathered) -> None:
    """Adds the objects of a file's content; `path` is what people are told, for a place in it."""
    try:
        text = decoded(data)
    except InvalidText as wrong:
        found.faults.append(Fault(path, 0, 0, f"cannot be read: {wrong}"))
    else:
        _read_text(path, text, found)


def _read_text(path: Path, text: str, found: Gathered) -> None:
    lines = tuple(text.splitlines())
    try:
        for root in _compose(text):
            for each, kind, version in _objects(root):
                _take(Source(path, lines, each, None), kind, version, found)
    except UNREADABLE as wrong:
        what, place = no_yaml(wrong, text)
        row, column = place or (-1, -1)
        line = lines[row] if 0 <= row < len(lines) else ""
        is_template = "{{" in text
        hint = " (is it a template? lint what it renders to: `helm template … > rendered.yaml`)" if is_template else ""
        found.faults.append(Fault(path, row + 1, column + 1, f"{what}{hint}", line))


def read_documents(documents: Iterable[Mapping[str, Any]], found: Gathered) -> None:
    """Adds objects that a cluster has, as if they stood in texts of their own, called `networkpolicy/shop/api`."""
    for each in documents:
        metadata = each["metadata"]
        words = (str(each["kind"]).lower(), metadata.get("namespace"), metadata["name"])
        text = yaml.dump(each, Dumper=_Dumper, sort_keys=False, width=140, allow_unicode=True)
        _read_text(Path("/".join(filter(None, words))), text, found)


def _take(source: Source, kind: str, version: str, found: Gathered) -> None:
    group = version.partition("/")[0] if "/" in version else ""
    if kind in TAKEN and group not in _GROUPS:
        kind = f"{kind} of {group}"
    if kind in TAKEN or _makes_pods(source.root):
        value = _construct(source.root)
        # Lists that an API answers leave the kind out of their items, which does not make them other objects.
        full = {"apiVersion": version, **value, "kind": kind}
        found.objects.append(Source(source.path, source.lines, source.root, full))
        return
    name = _scalar(_child(source.root, "metadata"), "name")
    found.passed.append(Passed(kind or "no Kubernetes object", name or str(source.path), bool(re.search(r"NetworkPolicy\b", kind))))


def _makes_pods(root: yaml.Node) -> bool:
    """Whether it has a pod's template where Deployments have theirs."""
    node: yaml.Node | None = root
    for key in ("spec", "template", "spec", "containers"):
        node = _child(node, key)
    return isinstance(node, yaml.SequenceNode)


def _objects(root: yaml.Node, kind: str = "", version: str = "") -> Iterator[tuple[yaml.Node, str, str]]:
    """The objects of a document with kind and apiVersion; those of a list one by one."""
    kind, version = _scalar(root, "kind") or kind, _scalar(root, "apiVersion") or version
    items = _child(root, "items")
    if kind.endswith("List") and isinstance(items, yaml.SequenceNode):
        for each in items.value:
            yield from _objects(each, kind.removesuffix("List"), version)
    elif not (isinstance(root, yaml.ScalarNode) and root.tag.endswith(":null")):
        yield root, kind, version


def _child(node: yaml.Node | None, name: str) -> yaml.Node | None:
    """The value of a key, also of one that `<<: *alias` brings."""
    if not isinstance(node, yaml.MappingNode):
        return None
    keys = {key.value: child for key, child in node.value if isinstance(key, yaml.ScalarNode)}
    if name in keys or "<<" not in keys:
        return keys.get(name)
    merged = keys["<<"].value if isinstance(keys["<<"], yaml.SequenceNode) else [keys["<<"]]
    return next((found for each in merged if (found := _child(each, name)) is not None), None)


def _scalar(node: yaml.Node | None, name: str) -> str:
    child = _child(node, name)
    return str(child.value) if isinstance(child, yaml.ScalarNode) else ""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with booleans and numbers as kubectl has them."""


class _FastLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml, where PyYAML has it
    """The same by libyaml."""


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc] # the same
    """What these loaders read as it was: a string `y` gets its quotes."""


for _kind in (_Loader, _FastLoader, _Dumper):
    _kind.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^[yYnN]$"), list("yYnN"))
    # kubectl reads `1e3`, a commit's beginning, as a number, too.
    _kind.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789"))
for _kind in (_Loader, _FastLoader):
    _kind.bool_values = _kind.bool_values | {"y": True, "n": False}


def _compose(text: str) -> list[yaml.Node]:
    """The documents of a text. Raises what UNREADABLE names, also for aliases that hold themselves or explode."""
    roots: list[yaml.Node] | None = None
    if _depth(text) < _DEEPEST:
        with suppress(*UNREADABLE):  # the reason is told in Python's words, which do not change with libyaml
            roots = list(yaml.compose_all(text, _FastLoader))
    roots = list(yaml.compose_all(text, _Loader)) if roots is None else roots
    sizes: dict[int, int] = {}
    if sum(_size(root, sizes) for root in roots) - len(sizes) > MOST_VALUES:
        raise ValueError(f"its aliases make more than {MOST_VALUES} values")
    return roots


def _depth(text: str) -> int:
    """At least as deep as the text is nested."""
    flow = deepest = 0
    for mark in re.findall(r"[\[\]{}]", text):
        flow += 1 if mark in "[{" else -1
        deepest = max(deepest, flow)
    return deepest + max((len(found) for found in re.findall(r"^[ \t?:-]*", text, re.MULTILINE)), default=0)


_UNDER_WAY = -1


def _size(node: yaml.Node, sizes: dict[int, int]) -> int:
    """How many values a node stands for, each alias written out. Raises ValueError where one holds itself."""
    known = sizes.get(id(node))
    if known == _UNDER_WAY:
        raise ValueError("an alias holds itself")
    if known is None:
        sizes[id(node)] = _UNDER_WAY
        parts: Iterable[Any] = node.value if isinstance(node, yaml.SequenceNode) else ()
        if isinstance(node, yaml.MappingNode):
            parts = (each for pair in node.value for each in pair)
        known = sizes[id(node)] = 1 + sum(_size(each, sizes) for each in parts)
    return known


def _construct(node: yaml.Node) -> Any:
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()
