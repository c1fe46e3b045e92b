"""Random cases over one layout: every field of the API, and changes of policies and labels.

The same seed and number give the same case. What is likely is what lets rules meet: few labels, few ports, small lists, and
names that are easily taken for one another.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.fuzz.case import Case
from conformance.fuzz.known import Feature
from conformance.scenario.fictive import NAME_LABEL
from conformance.scenario.scenario import Action, Apply, Delete, Layout, Relabel, Together
from conformance.world.place import OUTSIDE
from conformance.world.verdict import Family, Protocol

MANY = 45
"""So many peers, ports or policies are there where they are many: more than the tables of some plugins once held."""

_UNSERVED = 1000
"""The first of the ports that nobody serves: what fills long lists without opening anything that is asked."""

_SIZES = {Protocol.TCP: (20_000,), Protocol.UDP: (1400, 8000)}
"""Several segments; a datagram that nearly fills a packet, and one that does not fit into one."""

_WIDE = {Family.IPV4: "0.0.0.0/0", Family.IPV6: "::/0"}
_LABELS = (("app", ("a", "b", "c")), ("tier", ("front", "back")), ("team", ("red", "blue", "green")), ("zone", ("xyz", "x", "")))
_ODD_LABELS = (
    ("zonex", ("yz",)),
    ("example.org/app", ("a", "b")),
    ("version", ("a-rather-long-value-1", "a-rather-long-value-2")),
    (NAME_LABEL, ()),
)
_ODD_NAMES = ("x", "b-x", "b.x", "a-policy-with-a-name-of-more-than-forty-letters-1", "a-policy-with-a-name-of-more-than-forty-letters-2")


@dataclass(frozen=True, slots=True)
class Language:
    """What cases are made of: a layout, the families of the run, which forms of ports may occur, and the features that no case has."""

    layout: Layout
    families: tuple[Family, ...]
    has_end_port: bool = True
    has_named_port: bool = True
    without: tuple[Feature, ...] = ()

    def case(self, seed: int, number: int) -> Case:
        """Case `number` of a seed."""
        case = _Writer(self, random.Random(f"{seed}/{number}")).case(f"fuzz-{seed}-{number}")  # noqa: S311 - no secret
        for feature in self.without:
            case = feature.without(case)
        return case

    def has(self, case: Case) -> bool:
        """Whether the case is without all that is left out."""
        return not any(feature.is_in(case) for feature in self.without)


class _Writer:
    def __init__(self, language: Language, dice: random.Random) -> None:
        self.layout, self.families = language.layout, language.families
        self.has_end_port, self.has_named_port = language.has_end_port, language.has_named_port
        self.dice = dice
        self.policies: dict[str, dict[str, Any]] = {}

    def case(self, name: str) -> Case:
        first = tuple(self.new_policy() for _ in range(self.weighted({1: 3, 2: 4, 3: 3, 4: 2})))
        if self.weighted({True: 1, False: 79}):
            first = self.crowd(first)
        actions: list[Action] = [Apply(first)]
        in_force = list(first)
        actions += [self.change(in_force) for _ in range(self.weighted({0: 4, 1: 3, 2: 2, 3: 1}))]
        sizes = _SIZES if self.weighted({False: 9, True: 1}) else {}
        return Case(name, self.layout, self.policies, tuple(actions), sizes)

    # --- changes ----------------------------------------------------------------------------------------------------

    def change(self, in_force: list[str]) -> Action:
        """One change; `in_force` (the keys of the policies that are there) is brought up to date."""
        ways: dict[Callable[[list[str]], Action], int] = {self.relabel: 4, self.apply: 2}
        if in_force:
            ways |= {self.patch: 3, self.delete: 2, self.recreate: 1}
        way: Callable[[list[str]], Action] = self.weighted(ways)
        return way(in_force)

    def apply(self, in_force: list[str]) -> Action:
        key = self.new_policy()
        in_force.append(key)
        return Apply((key,))

    def patch(self, in_force: list[str]) -> Action:
        """Another text of the same policy: one part of it is new."""
        old = self.dice.choice(in_force)
        key = self.new_policy(self.policies[old])
        in_force[in_force.index(old)] = key
        return Apply((key,))

    def delete(self, in_force: list[str]) -> Action:
        return Delete((in_force.pop(self.dice.randrange(len(in_force))),))

    def recreate(self, in_force: list[str]) -> Action:
        """Deleted and created under the same name at once, with another part."""
        old = self.dice.choice(in_force)
        key = self.new_policy(self.policies[old])
        in_force[in_force.index(old)] = key
        return Together((Delete((old,)), Apply((key,))))

    def relabel(self, _: list[str]) -> Action:
        pods = [ref for ref, plan in self.layout.pods() if not plan.comes_later]
        ref = self.dice.choice([*pods, *self.layout.namespaces])
        key, values = self.label([pair for pair in _ODD_LABELS if pair[1]])
        return Relabel({ref: {key: self.dice.choice([*values, None])}})

    # --- policies ---------------------------------------------------------------------------------------------------

    def new_policy(self, like: dict[str, Any] | None = None) -> str:
        """A new document under a new key; `like` another one: its name, and all of its spec but one part."""
        key = f"p{len(self.policies)}"
        if like is None:
            namespace = self.dice.choice([*self.layout.namespaces])
            metadata, spec = {"name": self.new_name(key, namespace), "namespace": namespace}, self.spec()
        else:
            new = self.spec()
            part = self.dice.choice(["podSelector", "policyTypes", "ingress", "egress"])
            metadata, spec = dict(like["metadata"]), {name: value for name, value in like["spec"].items() if name != part}
            spec |= {part: new[part]} if part in new else {}
            spec.setdefault("podSelector", {})
        self.policies[key] = _document(metadata, spec)
        return key

    def new_name(self, plain: str, namespace: str) -> str:
        """The plain one, or one that looks like another's; no two policies of a namespace have the same."""
        taken = {each["metadata"]["name"] for each in self.policies.values() if each["metadata"]["namespace"] == namespace}
        return self.weighted({plain: 2} | dict.fromkeys((name for name in _ODD_NAMES if name not in taken), 1))  # type: ignore[no-any-return]

    def crowd(self, before: tuple[str, ...]) -> tuple[str, ...]:
        """The policies amid many others, which isolate the pods of a namespace in one direction and admit to ports that nobody serves."""
        namespace = self.policies[self.dice.choice(before)]["metadata"]["namespace"]
        direction, keys = self.dice.choice(["Ingress", "Egress"]), []
        for number in range(MANY):
            keys.append(f"p{len(self.policies)}")
            spec = {"podSelector": {}, "policyTypes": [direction], direction.lower(): [{"ports": [{"port": _UNSERVED + number}]}]}
            self.policies[keys[-1]] = _document({"name": keys[-1], "namespace": namespace}, spec)
        place = self.dice.randint(0, len(before))
        return (*before[:place], *keys, *before[place:])

    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = {"podSelector": self.selector()}
        types = self.weighted({None: 4, ("Ingress",): 2, ("Egress",): 3, ("Ingress", "Egress"): 2})
        if types:
            spec["policyTypes"] = list(types)
        for direction, peers, odds in (("ingress", "from", 5), ("egress", "to", 4)):
            count = self.weighted({None: 3, 0: 1, 1: odds, 2: 3, 3: 1})
            if count is not None:
                spec[direction] = [self.rule(peers) for _ in range(count)]
        return spec

    def rule(self, peers: str) -> dict[str, Any]:
        rule: dict[str, Any] = {}
        count = self.weighted({None: 3, 0: 1, 1: 8, 2: 5, 3: 2, MANY: 1})
        if count is not None:
            rule[peers] = self.peers(count)
        count = self.weighted({None: 9, 0: 1, 1: 6, 2: 4, 3: 2, MANY: 1})
        if count is not None:
            rule["ports"] = self.ports(count)
        return rule

    def peers(self, count: int) -> list[dict[str, Any]]:
        """So many peers; where they are many, most name nobody."""
        few = [peer for _ in range(min(count, 3)) for peer in self.peer()]
        nobody = [{"podSelector": {"matchLabels": {"app": f"nobody-{number}"}}} for number in range(count if count == MANY else 0)]
        return self.mixed(few, nobody)

    def ports(self, count: int) -> list[dict[str, Any]]:
        """So many ports; where they are many, nobody serves most of them."""
        unserved = [{"port": _UNSERVED + number} for number in range(count if count == MANY else 0)]
        return self.mixed([self.port() for _ in range(min(count, 3))], unserved)

    def mixed(self, few: list[dict[str, Any]], many: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The few in a random place of the many."""
        place = self.dice.randint(0, len(many))
        return [*many[:place], *few, *many[place:]]

    def peer(self) -> list[dict[str, Any]]:
        """One peer; an ipBlock once for each family."""
        way = self.weighted({"pods": 5, "namespaces": 3, "both": 3, "block": 4 if self.layout.hosts else 0})
        if way == "block":
            return self.blocks()
        peer = {}
        if way in ("pods", "both"):
            peer["podSelector"] = self.selector()
        if way in ("namespaces", "both"):
            peer["namespaceSelector"] = self.selector()
        return [peer]

    def blocks(self) -> list[dict[str, Any]]:
        """One range, once for each family or for one of them alone."""
        width = self.weighted({"one": 3, "range": 3, "odd": 2, "both": 3, "all": 2})
        host = f"{OUTSIDE}/{self.dice.choice([*self.layout.hosts])}"
        excepts = self.excepts(width, host)
        families = self.families if self.weighted({True: 3, False: 1}) else self.dice.sample(self.families, 1)
        return [
            {
                "ipBlock": {"cidr": _range(width, host, family)}
                | ({"except": [_range(*each, family) for each in excepts]} if excepts else {})
            }
            for family in families
        ]

    def excepts(self, width: str, host: str) -> list[tuple[str, str]]:
        """The exceptions of a range: how wide, and around which host."""
        if width in ("one", "odd"):
            return []
        if width == "range":
            return self.weighted({(): 2, (("one", host),): 1})  # type: ignore[no-any-return]
        hosts = [f"{OUTSIDE}/{name}" for name in self.layout.hosts]
        self.dice.shuffle(hosts)
        return [(self.dice.choice(["one", "range"]), each) for each in hosts[: self.weighted({0: 3, 1: 3, 2: 1})]]

    def port(self) -> dict[str, Any]:
        protocol = self.weighted({None: 6, "TCP": 3, "UDP": 3, "SCTP": 1})
        ways = {"number": 8, "name": 3 if self.has_named_port else 0, "all": 2, "range": 3 if self.has_end_port else 0}
        way = self.weighted(ways)
        port: dict[str, Any] = {} if protocol is None else {"protocol": protocol}
        if way == "number":
            port["port"] = self.dice.choice([80, 81, 82])
        elif way == "name":
            port["port"] = self.dice.choice(["web", "web", "none"])
        elif way == "range":
            first = self.dice.choice([1, 79, 80, 81])
            port |= {"port": first, "endPort": self.dice.choice([end for end in (79, 80, 81, 90) if end >= first])}
        return port

    def selector(self) -> dict[str, Any]:
        way = self.weighted({"all": 5, "labels": 8, "expressions": 6, "mixed": 1})
        found: dict[str, Any] = {}
        if way in ("labels", "mixed"):
            keys = [self.label() for _ in range(self.weighted({1: 5, 2: 1}))]
            found["matchLabels"] = {key: self.dice.choice(values) for key, values in keys}
        if way in ("expressions", "mixed"):
            found["matchExpressions"] = [self.expression() for _ in range(self.weighted({1: 4, 2: 1}))]
        return found

    def expression(self) -> dict[str, Any]:
        key, values = self.label()
        operator = self.dice.choice(["In", "NotIn", "Exists", "DoesNotExist"])
        found: dict[str, Any] = {"key": key, "operator": operator}
        if operator in ("In", "NotIn"):
            found["values"] = self.dice.sample(values, min(len(values), self.weighted({1: 2, 2: 3, 3: 1})))
        return found

    def label(self, odd: Sequence[tuple[str, tuple[str, ...]]] = _ODD_LABELS) -> tuple[str, tuple[str, ...]]:
        """A key with its values, seldom an odd one."""
        key, values = self.dice.choice(odd if self.weighted({True: 1, False: 4}) else _LABELS)
        return key, values or tuple(self.layout.namespaces)

    def weighted(self, odds: dict[Any, int]) -> Any:
        """One of the keys, each as likely as its number says."""
        return self.dice.choices(list(odds), list(odds.values()))[0]


def _document(metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


_BITS = {"range": (24, 80), "odd": (22, 78), "both": (21, 77)}
"""The first two hold one of the hosts, the second one ends within a byte of the address."""


def _range(width: str, host: str, family: Family) -> str:
    """A range of addresses as it stands in a policy's text: the host alone, one of its own ranges, that of both hosts, or all."""
    if width == "one":
        return f'{{{{ cidr("{host}", "{family}") }}}}'
    if width == "all":
        return _WIDE[family]
    bits = _BITS[width]
    return f'{{{{ block("{host}", "{family}", {bits[0]}, {bits[1]}) }}}}'


def count_policies(cases: Sequence[Case]) -> int:
    """How many policies the cases have, each text counted."""
    return sum(len(case.policies) for case in cases)
