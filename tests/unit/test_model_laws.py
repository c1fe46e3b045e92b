"""What holds for the model in every world, whatever the policies."""

from dataclasses import replace
from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st
from small_world import host, pod

from conformance.model.decide import expected
from conformance.world.expectation import ExpectedTable
from conformance.world.labels import Requirement, Selector
from conformance.world.place import Namespace, Pod, Port, World
from conformance.world.policy import IPBlock, NetworkPolicy, PolicyPeer, PolicyPort, Rule
from conformance.world.question import Question, questions_of
from conformance.world.verdict import Direction, Family, Protocol, Verdict

REFS = ("x", "y", "z")
KEYS, VALUES = ("k", "l"), ("1", "2")
RANK = {Verdict.BLOCKED: 0, Verdict.OPEN: 1, Verdict.ALLOWED: 2}

labels = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES))
values = st.frozensets(st.sampled_from(VALUES), min_size=1)
requirements = st.one_of(
    st.builds(Requirement, st.sampled_from(KEYS), st.sampled_from(("In", "NotIn")), values),
    st.builds(Requirement, st.sampled_from(KEYS), st.sampled_from(("Exists", "DoesNotExist"))),
)
selectors = st.builds(Selector, st.lists(requirements, max_size=2).map(tuple))
ports = st.sampled_from(
    (
        Port(80),
        Port(81),
        Port(80, Protocol.UDP),
        Port(80, name="http"),
        Port(81, name="http"),
        Port(80, Protocol.SCTP),
        Port(0, Protocol.ICMP),
    )
)
networks = st.sampled_from(("10.244.0.0/16", "10.244.0.0/30", "198.18.0.0/16", "198.18.1.0/24", "0.0.0.0/0", "fd00::/16", "::/0"))
EXCEPTIONS = {"198.18.0.0/16": "198.18.2.0/24", "0.0.0.0/0": "10.0.0.0/8", "::/0": "fd00:18:1::/48"}


@st.composite
def blocks(draw: st.DrawFn) -> IPBlock:
    cidr = draw(networks)
    excluded = (ip_network(EXCEPTIONS[cidr]),) if cidr in EXCEPTIONS and draw(st.booleans()) else ()
    return IPBlock(ip_network(cidr), excluded)


peers = st.one_of(
    st.builds(PolicyPeer, pods=selectors),
    st.builds(PolicyPeer, namespaces=selectors),
    st.builds(PolicyPeer, pods=selectors, namespaces=selectors),
    st.builds(PolicyPeer, block=blocks()),
)
policy_ports = st.one_of(
    st.builds(PolicyPort, st.sampled_from((Protocol.TCP, Protocol.UDP, Protocol.SCTP)), st.sampled_from((None, 80, 81, "http", "other"))),
    st.just(PolicyPort(Protocol.TCP, 80, 81)),
)
rules = st.builds(Rule, st.lists(peers, max_size=2).map(tuple), st.lists(policy_ports, max_size=2).map(tuple))
some_rules = st.lists(rules, max_size=2).map(tuple)
some_types = st.frozensets(st.sampled_from(Direction), min_size=1)


def policies_in(*refs: str, types: st.SearchStrategy[frozenset[Direction]] = some_types) -> st.SearchStrategy[NetworkPolicy]:
    names = st.sampled_from([f"real-{ref}" for ref in refs])
    return st.builds(NetworkPolicy, names, st.sampled_from(("p", "q", "r")), selectors, types, some_rules, some_rules)


many_policies = st.lists(policies_in(*REFS), max_size=4)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    pods: dict[str, Pod] = {}
    for number in range(1, draw(st.integers(2, 5)) + 1):
        place = pod(
            f"{draw(st.sampled_from(REFS))}/p{number}", number, node=draw(st.sampled_from("ab")), serves=draw(st.lists(ports, max_size=2))
        )
        pods[place.ref] = replace(place, labels=draw(labels), is_host_network=draw(st.integers(0, 9)) == 0)
    namespaces = {ref: Namespace(ref, f"real-{ref}", draw(labels)) for ref in REFS}
    hosts = {place.ref: place for place in (host("alpha", 1), host("beta", 2))}
    return World(namespaces, pods, hosts)


def table(world: World, *policies: NetworkPolicy) -> ExpectedTable:
    return expected(world, policies, questions_of(world, Family))


def verdicts(found: ExpectedTable) -> dict[Question, Verdict]:
    return {question: expectation.verdict for question, expectation in found.items()}


@given(worlds(), many_policies, st.randoms(use_true_random=False))
def test_the_order_of_policies_does_not_matter(world: World, policies: list[NetworkPolicy], random: object) -> None:
    other = list(policies)
    random.shuffle(other)  # type: ignore[attr-defined]

    found, mixed = table(world, *policies), table(world, *other)

    assert verdicts(found) == verdicts(mixed)
    assert {question: set(each.reasons) for question, each in found.items()} == {
        question: set(each.reasons) for question, each in mixed.items()
    }


@given(worlds())
def test_without_a_policy_everything_is_allowed(world: World) -> None:
    assert {Verdict.ALLOWED} >= set(verdicts(table(world)).values())


@given(worlds(), many_policies, policies_in(*REFS), rules, st.sampled_from(Direction))
def test_one_more_rule_never_blocks_a_cell(
    world: World, policies: list[NetworkPolicy], policy: NetworkPolicy, rule: Rule, direction: Direction
) -> None:
    field = str(direction)
    more = replace(policy, **{field: (*getattr(policy, field), rule)})

    before, after = verdicts(table(world, *policies, policy)), verdicts(table(world, *policies, more))

    assert [] == [question for question in before if RANK[after[question]] < RANK[before[question]]]


@given(worlds(), many_policies, policies_in("x"))
def test_a_policy_never_touches_two_pods_of_other_namespaces(world: World, policies: list[NetworkPolicy], policy: NetworkPolicy) -> None:
    before, after = table(world, *policies), table(world, *policies, policy)

    elsewhere = [question for question in before if not any(ref.startswith("x/") for ref in question.pair)]

    assert {question: before[question] for question in elsewhere} == {question: after[question] for question in elsewhere}


@given(worlds(), many_policies, policies_in(*REFS, types=st.just(frozenset({Direction.INGRESS}))))
def test_a_policy_for_ingress_never_changes_who_its_subjects_reach(
    world: World, policies: list[NetworkPolicy], policy: NetworkPolicy
) -> None:
    subjects = {place.ref for place in world.pods.values() if place.namespace == policy.namespace and policy.subjects.matches(place.labels)}
    before, after = table(world, *policies), table(world, *policies, policy)

    leaving = [question for question in before if question.destination not in subjects]

    assert {question: before[question] for question in leaving} == {question: after[question] for question in leaving}


@given(worlds(), many_policies)
def test_renaming_the_pods_renames_the_table(world: World, policies: list[NetworkPolicy]) -> None:
    new = {ref: f"{ref}-new" for ref in world.pods}
    renamed = replace(world, pods={new[ref]: replace(place, ref=new[ref], name=f"{place.name}-new") for ref, place in world.pods.items()})

    def rename(question: Question) -> Question:
        return replace(
            question, source=new.get(question.source, question.source), destination=new.get(question.destination, question.destination)
        )

    before, after = verdicts(table(world, *policies)), verdicts(table(renamed, *policies))

    assert {rename(question): verdict for question, verdict in before.items()} == after


@given(worlds(), many_policies)
def test_every_verdict_has_a_reason_that_fits(world: World, policies: list[NetworkPolicy]) -> None:
    for expectation in table(world, *policies).values():
        assert expectation.reasons
        assert (expectation.verdict is Verdict.OPEN) == bool(expectation.open_because)
        if expectation.verdict is Verdict.BLOCKED:
            assert all(reason.policy is not None for reason in expectation.reasons)
