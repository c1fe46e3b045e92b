"""From objects to an inventory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from conformance.manifests.inventory import SYSTEM, Inventory, PolicyObject, Service, Space, Workload
from conformance.manifests.parts import (
    InvalidObject,
    addresses_of,
    at,
    container_ports,
    dotted,
    is_port,
    labels_of,
    listed,
    mapping,
    name_of,
    namespace_of,
    protocol_of,
    short,
)
from conformance.manifests.reading import Gathered
from conformance.scenario.fault import Fault
from conformance.scenario.source import Keys, Source
from conformance.world.door import DoorPort
from conformance.world.policy import InvalidPolicy, NetworkPolicy

DEFAULT = "default"
"""The namespace of objects that name none."""

_OF_CONTROLLERS = frozenset(
    {
        "pod-template-hash",
        "controller-revision-hash",
        "pod-template-generation",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "controller-uid",
        "job-name",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-name",
        "batch.kubernetes.io/job-completion-index",
    }
)


def is_of_controller(key: str) -> bool:
    """Whether a pod's label is set by its controller, so that it stands in no manifest."""
    return key in _OF_CONTROLLERS


def inventory(found: Gathered, wanted: Collection[str] = (), unknown: Iterable[str] = ()) -> tuple[Inventory, tuple[Fault, ...]]:
    """What these objects are, and the faults of those that the API would refuse (policies keep theirs).

    `wanted` are the namespaces to be looked at (none: all but the system's own); an object that names no namespace belongs to
    the only wanted one, else to `default`.
    """
    taking = _Taking(tuple(wanted))
    for source in found.objects:
        try:
            taking.take(source)
        except InvalidObject as wrong:
            taking.faults.append(wrong.fault)
    everything = Inventory(
        taking.all_spaces(),
        taking.named_apart(),
        tuple(each for each in taking.services.values() if taking.is_wanted(each.namespace)),
        tuple(each for each in taking.policies if taking.is_wanted(each.namespace)),
        tuple(sorted(found.passed)),
        (*unknown, *_of_kustomize(found), *taking.replaced()),
    )
    return everything, (*found.faults, *taking.faults)


def _of_kustomize(found: Gathered) -> Iterator[str]:
    """A sentence of a folder that is not what is applied."""
    if any(each.kind == "Kustomization" or Path(each.name).stem == "kustomization" for each in found.passed):
        what = "what a kustomization changes (names, namespaces, labels, patches) is not seen"
        yield f"{what}: `kubectl kustomize FOLDER` writes what is applied"


_Key = tuple[str, str, str]
"""Namespace, kind and name."""


class _Taking:
    """Objects one by one."""

    def __init__(self, wanted: tuple[str, ...]) -> None:
        self.wanted, self.default = wanted, wanted[0] if len(wanted) == 1 else DEFAULT
        self.spaces: dict[str, Space] = {}
        self.workloads: list[tuple[Workload, tuple[str, str] | None]] = []
        self.services: dict[str, Service] = {}
        self.policies: list[PolicyObject] = []
        self.faults: list[Fault] = []
        self.first: dict[_Key, Source] = {}
        self.again: list[tuple[_Key, Source]] = []

    def is_wanted(self, namespace: str) -> bool:
        return namespace in self.wanted if self.wanted else namespace not in SYSTEM

    def take(self, source: Source) -> None:
        kind = source.value["kind"]
        mapping(source, "metadata")
        if kind == "Namespace":
            name = name_of(source)
            self.note(name, source)
            self.spaces[name] = Space(name, labels_of(source, "metadata", "labels"), self.is_wanted(name))
        elif kind == "NetworkPolicy":
            self.policies.append(_policy(source, self.default))
        elif kind == "Service":
            service = _service(source, self.default)
            self.note(service.namespace, source)
            self.services[service.ref] = service
        else:
            each, owner = _workload(source, self.default), _owner(source)
            self.note(each.namespace, source)
            if owner is None or each.kind == "Pod" or each.replicas:  # a Deployment keeps its former ReplicaSets, empty
                self.workloads.append((each, owner))

    def note(self, namespace: str, source: Source) -> None:
        """What stands there a second time: of policies lint and others tell it."""
        key = namespace, source.value["kind"], name_of(source)
        if self.first.setdefault(key, source) is not source:
            self.again.append((key, source))

    def replaced(self) -> Iterator[str]:
        """A sentence of what stands there several times, as a base and its patches do."""
        found = [
            f"{kind} {name if kind == 'Namespace' else f'{namespace}/{name}'} ({source.path}:{source.line(())})"
            for (namespace, kind, name), source in self.again
            if self.is_wanted(namespace)
        ]
        if found:
            more = f" and {len(found) - 5} more" if found[5:] else ""
            yield f"objects with the kind and name of an earlier one replace it ({len(found)}): {', '.join(found[:5])}{more}"

    def all_spaces(self) -> dict[str, Space]:
        """Those that are declared, then those that objects are in."""
        names = [each.namespace for each, _ in self.workloads]
        names += [each.namespace for each in self.services.values()] + [each.namespace for each in self.policies]
        implied = dict.fromkeys(filter(self.is_wanted, names))
        return self.spaces | {name: Space(name) for name in implied if name not in self.spaces}

    def named_apart(self) -> tuple[Workload, ...]:
        """The workloads that nobody else among them has made, each with a reference of its own."""
        known = {(each.namespace, each.kind, each.name): each for each, _ in self.workloads}
        makers: dict[_Key, _Key] = {
            (each.namespace, each.kind, each.name): (each.namespace, *owner) for each, owner in self.workloads if owner is not None
        }
        own: dict[_Key, Workload] = {}
        for key, each in known.items():
            top = _top(key, makers, known)
            if top == key or not _is_as_made(each, known[top]):
                own.setdefault(key, each)
            else:
                own[top] = _with_pod(own.get(top, known[top]), each)
        return _named_apart(each for each in own.values() if self.is_wanted(each.namespace))


def _top(key: _Key, makers: Mapping[_Key, _Key], known: Collection[_Key]) -> _Key:
    """Who made it in the end, of those that are known."""
    way = [key]
    while (above := makers.get(way[-1])) is not None and above in known and above not in way:
        way.append(above)
    return way[-1]


def _is_as_made(pod: Workload, maker: Workload) -> bool:
    """Whether a pod (or what stands between) has the labels that it was made with: somebody may have changed them by hand."""
    mine, theirs = ({key: value for key, value in each.labels.items() if not is_of_controller(key)} for each in (pod, maker))
    return mine == theirs


def _with_pod(workload: Workload, part: Workload) -> Workload:
    """The workload with what a cluster says of one of its pods."""
    if part.kind != "Pod":
        return workload
    has_address = bool(workload.addresses)
    return replace(
        workload,
        also=(*workload.also, part.name),
        addresses=workload.addresses if has_address else part.addresses,
        node=workload.node if has_address else part.node,
    )


def _named_apart(workloads: Iterable[Workload]) -> tuple[Workload, ...]:
    taken: set[str] = set()
    found = []
    for each in workloads:
        ref = each.ref if each.ref not in taken else f"{each.ref}.{each.kind.split()[0].lower()}"
        taken.add(ref)
        found.append(replace(each, ref=ref))
    return tuple(found)


def _owner(source: Source) -> tuple[str, str] | None:
    """Kind and name of what made a pod."""
    owners = at(source, "metadata", "ownerReferences")
    for each in owners if isinstance(owners, list) else ():
        if isinstance(each, Mapping) and each.get("controller"):
            return str(each.get("kind")), str(each.get("name"))
    return None


def _workload(source: Source, default: str) -> Workload:
    kind, namespace, name = source.value["kind"], namespace_of(source, default), name_of(source)
    above: Keys = ()
    if kind != "Pod":
        above = ("spec", "jobTemplate", "spec", "template") if kind == "CronJob" else ("spec", "template")
    spec = (*above, "spec")
    mapping(source, *spec)
    ports = list(container_ports(source, spec))
    replicas = at(source, "spec", "replicas") if kind != "Pod" else 1
    return Workload(
        f"{namespace}/{name}",
        kind,
        namespace,
        name,
        labels_of(source, *above, "metadata", "labels"),
        tuple(dict.fromkeys(port for port, _ in ports)),
        source,
        replicas if isinstance(replicas, int) else 1,
        bool(at(source, *spec, "hostNetwork")),
        tuple(host for _, host in ports if host is not None),
        addresses_of(source),
        at(source, "spec", "nodeName") if kind == "Pod" else None,
    )


def _service(source: Source, default: str) -> Service:
    namespace, name = namespace_of(source, default), name_of(source)
    ports = [_service_port(source, ("spec", "ports", index)) for index in range(len(listed(source, "spec", "ports")))]
    selects = labels_of(source, "spec", "selector")
    kind = "Headless" if at(source, "spec", "clusterIP") == "None" else str(at(source, "spec", "type") or "ClusterIP")
    return Service(namespace, name, selects or None, tuple(ports), kind, source)


def _service_port(source: Source, keys: Keys) -> DoorPort:
    number, target = mapping(source, *keys).get("port"), at(source, *keys, "targetPort")
    target = number if target in (None, 0, "") else target
    if not is_port(number):
        raise InvalidObject(source.fault(f"{dotted(keys)}.port is a number from 1 to 65535, not {short(number)}", (*keys, "port")))
    if not is_port(target) and not isinstance(target, str):
        text = f"{dotted(keys)}.targetPort is a number from 1 to 65535 or a name, not {short(target)}"
        raise InvalidObject(source.fault(text, (*keys, "targetPort")))
    return DoorPort(number, protocol_of(source, keys), target)


def _policy(source: Source, default: str) -> PolicyObject:
    metadata = source.value.get("metadata") or {}
    namespace = metadata.get("namespace") or default
    document = {key: value for key, value in source.value.items() if key != "status"}
    document["metadata"] = {**metadata, "namespace": namespace}
    name = metadata.get("name")
    try:
        policy = NetworkPolicy.from_document(document)
    except InvalidPolicy as wrong:
        return PolicyObject(str(namespace), str(name), source, None, wrong.faults)
    return PolicyObject(policy.namespace, policy.name, source, policy)
