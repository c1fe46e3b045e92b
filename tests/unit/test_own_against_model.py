"""Random worlds written as manifests: what `explain` and `graph` say of them is what the model says of the worlds."""

import re
from itertools import permutations, product
from typing import Any

from hypothesis import given
from random_worlds import Document, described, read, world_of

from conformance.decision import decide
from conformance.graph.relations import ALL_PORTS, EVERYBODY, Arrow, Drawing, drawing_of
from conformance.manifests.ground import Ranges
from conformance.manifests.ground import world_of as ground
from conformance.manifests.inventory import Inventory
from conformance.manifests.outside import plain_ports
from conformance.manifests.reading import Gathered, read_documents
from conformance.manifests.taking import inventory
from conformance.model.decide import Oracle
from conformance.world.place import Pod, Port, family_of
from conformance.world.question import Question
from conformance.world.verdict import Direction, Family, Protocol, Verdict


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
            decision = decide(own, Ranges.of(()), names[source], names[target], "80/TCP")
            assert (worst, []) == (decision.verdict, [each for each in decision.text.split(" -> ")[1:] if not is_of_one_mind(each)])


def is_of_one_mind(answer: str) -> bool:
    """Whether what is said of the two ends makes the verdict of this answer."""
    verdict = answer.partition(": ")[2].partition("\n")[0]
    ends = re.findall(r"may it (?:ask|be asked)\? (\w+)", answer)
    made = "blocked" if "no" in ends or "one of the two ends does not" in answer else "open" if "open" in ends else "allowed"
    return (2, verdict) == (len(ends), made)


PORTS = [Port(number, protocol) for number in (1, 53, 79, 80, 81, 443, 9000) for protocol in (Protocol.TCP, Protocol.UDP, Protocol.SCTP)]


@given(described())
def test_a_drawing_says_what_the_model_says(description: tuple[Document, list[Document]]) -> None:
    plain, policies = description
    for space in plain["namespaces"].values():
        space["annotations"] = {}
    own = taken(manifests(plain, policies))
    drawing, world = drawing_of(own, Ranges.of(())), ground(own, Ranges.of(()))
    oracle, node = Oracle(world, own.sound()), {(each.group, name): n for n, each in enumerate(drawing.nodes) for name in each.members}
    for here, there in permutations(world.pods.values(), 2):
        families = {family_of(each) for each in here.addresses} & {family_of(each) for each in there.addresses}
        arrows = [each for each in drawing.arrows if starts(each, node, here, drawing) and ends(each, node, there, drawing)]
        is_free = Direction.EGRESS not in isolated(drawing, node, here) and Direction.INGRESS not in isolated(drawing, node, there)
        for family, port in product(families, plain_ports(there) or PORTS):
            verdict = oracle.decide(Question(here.ref, there.ref, port.number, port.protocol, family)).verdict
            assert (here.ref, there.ref, port, verdict) == (here.ref, there.ref, port, drawn(arrows, port, family, is_free=is_free))


def isolated(drawing: Drawing, node: dict[tuple[str, str], int], pod: Pod) -> frozenset[Direction]:
    return drawing.nodes[node[pod.namespace, pod.name]].isolated or frozenset()


def starts(arrow: Arrow, node: dict[tuple[str, str], int], pod: Pod, drawing: Drawing) -> bool:
    is_any = drawing.nodes[arrow.source].members == (EVERYBODY,) and Direction.EGRESS not in isolated(drawing, node, pod)
    return is_any or arrow.source == node[pod.namespace, pod.name]


def ends(arrow: Arrow, node: dict[tuple[str, str], int], pod: Pod, drawing: Drawing) -> bool:
    is_any = drawing.nodes[arrow.target].members == (EVERYBODY,) and Direction.INGRESS not in isolated(drawing, node, pod)
    return is_any or arrow.target == node[pod.namespace, pod.name]


def drawn(arrows: list[Arrow], port: Port, family: Family, *, is_free: bool) -> Verdict:
    """What a reader takes from these arrows: those that are open say nothing of what others allow by name."""
    said = {each.is_open for each in arrows if has(each.label, port, family)}
    return Verdict.ALLOWED if is_free or False in said else Verdict.OPEN if True in said else Verdict.BLOCKED


def has(label: str, port: Port, family: Family) -> bool:
    """Whether a label means a port over a family."""
    parts = re.findall(r"(.+?) \((IPv[46])\)(?:, |$)", label) or [(label, "")]
    words = [word for ports, of in parts if of in ("", "IPv4" if family is Family.IPV4 else "IPv6") for word in ports.split(", ")]
    return any(_means(word.replace("other ", ""), port) for word in words)


def _means(word: str, port: Port) -> bool:
    first, _, last = word.partition("/")[0].partition("-")
    is_it = word.endswith(f"/{port.protocol}") and int(first) <= port.number <= int(last or first)
    return word in (ALL_PORTS, f"all {port.protocol}") or is_it
