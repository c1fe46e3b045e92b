"""A second opinion: the specification of NetworkPolicy, transcribed as plainly as can be, cell by cell.

It shares nothing with the model: it reads the API's documents and plain descriptions (dicts, lists, strings), keeps nothing,
and has no third value. What the specification leaves open it tries out: a question has several outcomes, one for each thing that
a plugin may do, and its cell is open where they differ.

A world is described by
`namespaces` {real name: {labels, annotations}},
`pods` {reference: pod}, a pod being {namespace, name, labels, ports: [{name, number, protocol}], addresses, node, hostNetwork},
`hosts` {reference: {addresses}}, `nameServers` [pod],
`doors` {reference: {kind, namespace, selects, pod, ports: [{number, protocol, target, asked}], addresses, node}}.
"""

from ipaddress import ip_address, ip_network
from itertools import product

LEGACY = "net.beta.kubernetes.io/network-policy"


def outcomes(world, policies, question):
    """All that may become of a question (source, destination, port, protocol, family), as (does the plugin tell hostNetwork pods
    apart, who answers, is it reached). The plugins that are tried either give or refuse everything that is theirs to give: what they
    may give only ever adds connections, so these two are the ends of all."""
    source, destination, number, protocol, family = question
    asker = world["pods"].get(source) or world["hosts"][source]
    for apart, generous in product((True, False), (True, False)):
        plugin = {"apart": apart, "generous": generous, "world": world, "policies": policies, "family": family}
        if destination in world["doors"]:
            for who, reached in through(plugin, source, asker, destination, number, protocol):
                yield apart, who, reached
        else:
            other = world["pods"].get(destination) or world["hosts"][destination]
            yield apart, destination, connects(plugin, asker, other, number, protocol)


def connects(plugin, source, destination, number, protocol, through=()):
    # "For a connection from a source pod to a destination pod to be allowed, both the egress policy on the source pod and the ingress
    # policy on the destination pod need to allow the connection."
    there, here = as_seen(plugin, destination, through), as_seen(plugin, source)
    return permits(plugin, source, "Egress", there, number, protocol) and permits(plugin, destination, "Ingress", here, number, protocol)


def through(plugin, source, asker, door_ref, number, protocol):
    world, family = plugin["world"], plugin["family"]
    door = world["doors"][door_ref]
    port = next(each for each in door["ports"] if each["number"] == number and each["protocol"] == protocol)
    behind = list(stand_behind(world, door, port, family))
    if not behind:
        yield None, False  # nobody is there to answer
    for ref, pod, target in behind:
        if door["kind"] == "dns":
            service = world["doors"].get("svc" + door_ref[3:])
            for found in resolves(plugin, asker):
                if ref == source:
                    # A headless name is the pod's own address, and "a pod cannot block access to itself".
                    yield ref, found and (service is None or plugin["generous"])
                else:
                    addresses = () if service is None else of_family(service["addresses"], family)
                    yield ref, found and connects(plugin, asker, pod, target, protocol, addresses)
        elif ref == source:
            yield ref, plugin["generous"]  # through its own Service: implementation-dependent
        elif door["kind"] == "svc":
            yield ref, connects(plugin, asker, pod, target, protocol, of_family(door["addresses"], family))
        else:
            for reached in by_node(plugin, asker, door, port, pod, target):
                yield ref, reached


def stand_behind(world, door, port, family):
    for ref, pod in world["pods"].items():
        if door["pod"] is not None:
            is_meant = ref == door["pod"]
        else:
            is_meant = pod["namespace"] == door["namespace"] and all(pod["labels"].get(k) == v for k, v in door["selects"].items())
        targets = [port["target"]]
        if isinstance(port["target"], str):
            targets = [each["number"] for each in pod["ports"] if (each["name"], each["protocol"]) == (port["target"], port["protocol"])]
        if is_meant and targets and of_family(pod["addresses"], family):
            yield ref, pod, targets[0]


def by_node(plugin, asker, door, port, pod, target):
    """Through a port of a node: "it is not defined whether this [rewriting] happens before or after NetworkPolicy processing"."""
    family, protocol = plugin["family"], port["protocol"]
    node = {"pod": None, "addresses": of_family(door["addresses"], family), "inside": True, "through": (), "node": door["node"]}
    ways_out = [
        permits(plugin, asker, "Egress", as_seen(plugin, pod), target, protocol),
        permits(plugin, asker, "Egress", node, port["asked"] or port["number"], protocol),
    ]
    # "the 'source IP' that the NetworkPolicy acts on may be the IP of a LoadBalancer or of the Pod's node, etc."
    rewritten = {"pod": None, "addresses": None, "inside": True, "through": (), "node": None}
    sources = [as_seen(plugin, asker), rewritten]
    if pod["node"] in (door["node"], asker.get("node")):
        sources.append({**rewritten, "node": pod["node"]})
    ways_in = [permits(plugin, pod, "Ingress", each, target, protocol) for each in sources]
    return [out and into for out in ways_out for into in ways_in]


def resolves(plugin, asker):
    """Whether a name server is reached on 53/UDP: one answer for each that may be asked."""
    found = []
    for server in plugin["world"]["nameServers"]:
        for family in ("ipv4", "ipv6"):
            if of_family(server["addresses"], family):
                one = {**plugin, "family": family}
                found.append(permits(one, asker, "Egress", as_seen(one, server), 53, "UDP"))
    unknown = {"pod": None, "addresses": None, "inside": True, "through": (), "node": None}
    return found or [permits(plugin, asker, "Egress", unknown, 53, "UDP") or plugin["generous"]]


def as_seen(plugin, place, through=()):
    """What policies see of an end of a connection. `node`: the traffic has that node's address."""
    addresses = of_family(place["addresses"], plugin["family"])
    if "namespace" not in place:
        return {"pod": None, "addresses": addresses, "inside": False, "through": (), "node": None}
    if not place["hostNetwork"]:
        return {"pod": place, "addresses": addresses, "inside": True, "through": through, "node": None}
    # "it ignores hostNetwork pods when matching podSelector and namespaceSelector. Traffic to/from hostNetwork pods is treated the same
    # as all other traffic to/from the node IP."
    pod = place if plugin["apart"] else None
    return {"pod": pod, "addresses": addresses, "inside": True, "through": through, "node": place["node"]}


def permits(plugin, subject, direction, other, number, protocol):
    """Whether one end lets the connection through."""
    if "namespace" not in subject or (subject["hostNetwork"] and not plugin["apart"]):
        return True
    isolating = [policy for policy in plugin["policies"] if isolates(policy, subject, direction)]
    namespace = plugin["world"]["namespaces"][subject["namespace"]]
    by_annotation = direction == "Ingress" and "DefaultDeny" in namespace["annotations"].get(LEGACY, "")
    if not isolating and not by_annotation:
        return True  # "By default, a pod is non-isolated"
    if protocol == "ICMP":
        return plugin["generous"]  # "For other protocols, such as ARP or ICMP, the behaviour is undefined."
    is_own_node = other["node"] is not None and other["node"] == subject["node"]
    if direction == "Ingress" and is_own_node:
        return True  # "the only allowed connections into the pod are those from the pod's node and those allowed by the ingress list"
    container_ports = subject["ports"] if direction == "Ingress" else other["pod"]["ports"] if other["pod"] else []
    for policy in isolating:
        rules, peers = ("ingress", "from") if direction == "Ingress" else ("egress", "to")
        for rule in policy["spec"].get(rules) or []:
            if names_peer(plugin, policy, rule.get(peers), other) and names_port(rule.get("ports"), number, protocol, container_ports):
                return True
    return is_own_node and plugin["generous"]  # egress to the own node: the text says both


def isolates(policy, pod, direction):
    spec = policy["spec"]
    # "If no policyTypes are specified on a NetworkPolicy then by default Ingress will always be set and Egress will be set if the
    # NetworkPolicy has any egress rules."
    types = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    is_here = policy["metadata"]["namespace"] == pod["namespace"]
    return direction in types and is_here and selects(spec.get("podSelector") or {}, pod["labels"])


def names_peer(plugin, policy, peers, other):
    if not peers:
        return True  # "If this field is empty or missing, this rule matches all"
    return any(is_peer(plugin, policy, peer, other) for peer in peers)


def is_peer(plugin, policy, peer, other):
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        if other["addresses"] is None:
            return (ip_network(block["cidr"], strict=False).version == 4) == (plugin["family"] == "ipv4") and plugin["generous"]
        if any(in_block(block, address) for address in other["addresses"]):
            # "These should be cluster-external IPs, since Pod IPs are ephemeral and unpredictable."
            return plugin["generous"] or not other["inside"]
        return plugin["generous"] and any(in_block(block, address) for address in other["through"])
    if other["pod"] is None:
        return False
    namespace, labels = other["pod"]["namespace"], other["pod"]["labels"]
    if "namespaceSelector" in peer:
        known = plugin["world"]["namespaces"].get(namespace, {"labels": {"kubernetes.io/metadata.name": namespace}})
        if not selects(peer["namespaceSelector"], known["labels"]):
            return False
    elif namespace != policy["metadata"]["namespace"]:
        return False
    return selects(peer.get("podSelector") or {}, labels)


def names_port(ports, number, protocol, container_ports):
    if not ports:
        return True  # "If this field is empty or missing, this rule matches all ports"
    for port in ports:
        if (port.get("protocol") or "TCP") != protocol:
            continue
        wanted = port.get("port")
        if wanted is None:
            return True  # "If this field is not provided, this matches all port names and numbers."
        if isinstance(wanted, str):
            if {"name": wanted, "number": number, "protocol": protocol} in container_ports:
                return True
        elif wanted <= number <= port.get("endPort", wanted):
            return True
    return False


def selects(selector, labels):
    """matchLabels and matchExpressions: "all of the requirements … must be satisfied"."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for each in selector.get("matchExpressions") or []:
        key, values = each["key"], each.get("values", [])
        holds = {
            "In": key in labels and labels[key] in values,
            "NotIn": not (key in labels and labels[key] in values),
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }[each["operator"]]
        if not holds:
            return False
    return True


def in_block(block, address):
    address = ip_address(address)
    return address in ip_network(block["cidr"], strict=False) and not any(
        address in ip_network(each, strict=False) for each in block.get("except") or []
    )


def of_family(addresses, family):
    return [each for each in addresses if (":" in each) == (family == "ipv6")]
