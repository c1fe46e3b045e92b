"""What a step does to the cluster. Every function returns when the API server has accepted it all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from conformance.cluster.client import Cluster
from conformance.plan import Begin, Document, PlannedStep, PutBack
from conformance.scenario.scenario import Annotate, Apply, Changes, Delete, Relabel
from conformance.world.place import World


def carry_out(step: PlannedStep, documents: Mapping[str, Document], cluster: Cluster) -> None:
    """Does a step's action; `documents` are the policies by key. Raises BrokenCluster."""
    match step.action:
        case Apply(names):
            for name in names:
                cluster.apply_policy(documents[name])
        case Delete(names):
            _delete(names, documents, cluster)
        case Relabel(changes):
            _relabel(changes, step.world, cluster)
        case Annotate(changes):
            _annotate(changes, step.world, cluster)
        case PutBack(names, labels, annotations):
            _delete(names, documents, cluster)
            _relabel(labels, step.world, cluster)
            _annotate(annotations, step.world, cluster)
        case Begin():
            pass


def _delete(names: Iterable[str], documents: Mapping[str, Document], cluster: Cluster) -> None:
    for name in names:
        metadata = documents[name]["metadata"]
        cluster.delete_policy(metadata["namespace"], metadata["name"])


def _relabel(changes: Changes, world: World, cluster: Cluster) -> None:
    for ref, labels in changes.items():
        if ref in world.namespaces:
            cluster.relabel_namespace(world.namespaces[ref].name, labels)
        else:
            cluster.relabel_pod(world.pods[ref].namespace, world.pods[ref].name, labels)


def _annotate(changes: Changes, world: World, cluster: Cluster) -> None:
    for ref, keys in changes.items():
        cluster.annotate_namespace(world.namespaces[ref].name, keys)
