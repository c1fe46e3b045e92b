"""Random worlds written as manifests: what `explain` says of them is what the model says of the worlds."""

from typing import Any

from hypothesis import given
from random_worlds import Document, described, read, world_of

from conformance.decision import decide
from conformance.manifests.ground import Ranges
from conformance.manifests.inventory import Inventory
from conformance.manifests.reading import Gathered, read_documents
from conformance.manifests.taking import inventory
from conformance.model.decide import Oracle
from conformance.world.place import family_of
from conformance.world.question import Question
from conformance.world.verdict import Protocol, Verdict


def manifests(plain: Document, policies: list[Document]) -> list[dict[str, Any]]:
    """The namespaces, pods and policies of a description as Kubernetes has them."""
    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": each["labels"]}}
        for name, each in plain["namespaces"].items()
    ]
    return [*spaces, *map(_pod, plain["pods"].values()), *policies]


def _pod(each: Document) -> dict[str, Any]:
    ports = [
        {"containerPort": port["number"], "protocol": port["protocol"], **({"name": port["name"]} if port["name"] else {})}
        for port in each["ports"]
        if port["number"]
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": each["name"], "namespace": each["namespace"], "labels": each["labels"]},
        "spec": {"nodeName": each["node"], "hostNetwork": each["hostNetwork"], "containers": [{"ports": ports}]},
        "status": {"podIPs": [{"ip": address} for address in each["addresses"]]},
    }


def taken(documents: list[dict[str, Any]]) -> Inventory:
    gathered = Gathered()
    read_documents(documents, gathered)
    found, faults = inventory(gathered)
    assert () == faults
    return found


@given(described())
def test_explain_says_what_the_model_says(description: tuple[Document, list[Document]]) -> None:
    plain, policies = description
    for space in plain["namespaces"].values():
        space["annotations"] = {}  # those of old are not read
    world, own = world_of(plain), taken(manifests(plain, policies))
    oracle = Oracle(world, read(policies))
    names = {ref: f"{pod.namespace}/{pod.name}" for ref, pod in world.pods.items()}
    for source, here in world.pods.items():
        for target, there in world.pods.items():
            families = {family_of(each) for each in here.addresses} & {family_of(each) for each in there.addresses}
            if source == target or not families:
                continue
            verdicts = {oracle.decide(Question(source, target, 80, Protocol.TCP, family)).verdict for family in families}
            worst = next(each for each in (Verdict.BLOCKED, Verdict.OPEN, Verdict.ALLOWED) if each in verdicts)
            assert worst is decide(own, Ranges.of(()), names[source], names[target], "80/TCP").verdict
