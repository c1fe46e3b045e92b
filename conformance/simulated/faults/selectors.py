"""Label selectors: operators, empty ones, odd keys and values."""

from __future__ import annotations

from dataclasses import replace

from conformance.simulated.faults.fault import static
from conformance.simulated.nouns import Endpoint, Side
from conformance.simulated.plane import Plane
from conformance.world.labels import Labels, Requirement, Selector
from conformance.world.policy import NetworkPolicy, PolicyPeer

NAME_LABEL = "kubernetes.io/metadata.name"


@static(56)
class NotInAsAnyOf(Plane):
    """NotIn with several values admits whoever differs from one of them."""

    def requirement_holds(self, requirement: Requirement, labels: Labels) -> bool:
        is_plural = requirement.operator == "NotIn" and len(requirement.values) > 1
        return is_plural or super().requirement_holds(requirement, labels)


@static()
class NotInFirstValueOnly(Plane):
    """Of the values of NotIn only the first one counts."""

    def requirement_holds(self, requirement: Requirement, labels: Labels) -> bool:
        return super().requirement_holds(_shortened(requirement, "NotIn"), labels)


@static()
class InFirstValueOnly(Plane):
    """Of the values of In only the first one counts."""

    def requirement_holds(self, requirement: Requirement, labels: Labels) -> bool:
        return super().requirement_holds(_shortened(requirement, "In"), labels)


@static(57)
class SubjectsByManyValuesAreNobody(Plane):
    """A policy whose podSelector has In with several values is applied to nobody."""

    def selects(self, policy: NetworkPolicy, subject: Endpoint) -> bool:
        is_plural = any(each.operator == "In" and len(each.values) > 1 for each in policy.subjects.requirements)
        return not is_plural and super().selects(policy, subject)


@static()
class NotInNeedsTheKey(Plane):
    """NotIn does not match what lacks the key."""

    def requirement_holds(self, requirement: Requirement, labels: Labels) -> bool:
        is_lacking = requirement.operator == "NotIn" and requirement.key not in labels
        return not is_lacking and super().requirement_holds(requirement, labels)


@static()
class DoesNotExistIgnored(Plane):
    """DoesNotExist matches everything."""

    def requirement_holds(self, requirement: Requirement, labels: Labels) -> bool:
        return requirement.operator == "DoesNotExist" or super().requirement_holds(requirement, labels)


@static()
class ExistsIgnored(Plane):
    """Exists matches everything."""

    def requirement_holds(self, requirement: Requirement, labels: Labels) -> bool:
        return requirement.operator == "Exists" or super().requirement_holds(requirement, labels)


@static()
class ExistsNeedsValue(Plane):
    """Exists does not match a label with an empty value."""

    def requirement_holds(self, requirement: Requirement, labels: Labels) -> bool:
        is_empty = requirement.operator == "Exists" and not labels.get(requirement.key)
        return not is_empty and super().requirement_holds(requirement, labels)


@static()
class RequirementsOred(Plane):
    """Of several requirements of a selector one is enough."""

    def selector_matches(self, selector: Selector, labels: Labels) -> bool:
        return not selector.requirements or any(self.requirement_holds(each, labels) for each in selector.requirements)


@static()
class FirstRequirementOnly(Plane):
    """Only the first requirement of a selector counts."""

    def selector_matches(self, selector: Selector, labels: Labels) -> bool:
        return super().selector_matches(Selector(selector.requirements[:1]), labels)


@static()
class PrefixesOfKeysIgnored(Plane):
    """Label keys are compared without their prefixes."""

    def requirement_holds(self, requirement: Requirement, labels: Labels) -> bool:
        bare = {key.rpartition("/")[2]: value for key, value in labels.items()}
        return super().requirement_holds(replace(requirement, key=requirement.key.rpartition("/")[2]), bare)


@static()
class KeysAndValuesJoined(Plane):
    """A label's key and value are joined without a separator, so that a=bc is ab=c."""

    def requirement_holds(self, requirement: Requirement, labels: Labels) -> bool:
        if requirement.operator != "In":
            return super().requirement_holds(requirement, labels)
        return bool({key + value for key, value in labels.items()} & {requirement.key + value for value in requirement.values})


@static()
class NamespaceExclusionsAdmitHosts(Plane):
    """A namespaceSelector that only excludes (NotIn, DoesNotExist) admits what is no pod, too: hosts outside the cluster and nodes."""

    def peer_matches(self, policy: NetworkPolicy, peer: PolicyPeer, side: Side) -> bool:
        return (self.is_no_pod(side) and self.is_exclusion(peer)) or super().peer_matches(policy, peer, side)

    def is_no_pod(self, side: Side) -> bool:
        """Whether the other end is a host or a node."""
        return side.other is None

    def is_exclusion(self, peer: PolicyPeer) -> bool:
        """Whether a peer names namespaces by what they lack, and nothing that it names must be there."""
        return self.only_excludes(peer.namespaces) and (peer.pods is None or self.selector_matches(peer.pods, {}))

    def only_excludes(self, selector: Selector | None) -> bool:
        """Whether a selector has requirements, and what has no labels meets them all."""
        return selector is not None and bool(selector.requirements) and self.selector_matches(selector, {})


@static()
class NamespaceExclusionsAdmitNodes(NamespaceExclusionsAdmitHosts):
    """A namespaceSelector that only excludes (NotIn, DoesNotExist) admits nodes, too."""

    def is_no_pod(self, side: Side) -> bool:
        return any(side.other_address in node.addresses for node in self.nodes.values())


@static()
class ExclusionsOfBothKindsAdmitHosts(NamespaceExclusionsAdmitHosts):
    """A peer whose both selectors only exclude (NotIn, DoesNotExist) admits what is no pod, too."""

    def is_exclusion(self, peer: PolicyPeer) -> bool:
        return self.only_excludes(peer.namespaces) and self.only_excludes(peer.pods)


@static()
class PodExclusionsAdmitHosts(NamespaceExclusionsAdmitHosts):
    """A podSelector that only excludes (NotIn, DoesNotExist) admits what is no pod, too, where it stands alone."""

    def is_exclusion(self, peer: PolicyPeer) -> bool:
        return peer.namespaces is None and self.only_excludes(peer.pods)


@static()
class UnlabelledPodsNeverSubjects(Plane):
    """A pod without labels is selected by no policy, by an empty podSelector neither."""

    def selects(self, policy: NetworkPolicy, subject: Endpoint) -> bool:
        return bool(subject.labels) and super().selects(policy, subject)


@static()
class UnlabelledPodsNeverPeers(Plane):
    """A pod without labels is matched by no podSelector of a peer, by an empty one neither."""

    def is_pod_meant(self, peer: PolicyPeer, other: Endpoint) -> bool:
        return (peer.pods is None or bool(other.labels)) and super().is_pod_meant(peer, other)


@static()
class DefaultNamespaceLabelUnknown(Plane):
    """The label kubernetes.io/metadata.name, which every namespace has, is not seen."""

    def namespace_labels(self, pod: Endpoint) -> Labels:
        return {key: value for key, value in super().namespace_labels(pod).items() if key != NAME_LABEL}


@static(60)
class EmptyNamespaceSelectorMeansOwn(Plane):
    """An empty namespaceSelector means the policy's own namespace."""

    def is_in_namespaces(self, policy: NetworkPolicy, peer: PolicyPeer, other: Endpoint) -> bool:
        is_empty = peer.namespaces is not None and not peer.namespaces.requirements
        return other.namespace == policy.namespace if is_empty else super().is_in_namespaces(policy, peer, other)


@static(61)
class EmptyPodSelectorMeansAllNamespaces(Plane):
    """A peer with an empty podSelector alone admits the pods of all namespaces."""

    def is_in_namespaces(self, policy: NetworkPolicy, peer: PolicyPeer, other: Endpoint) -> bool:
        is_empty = peer.namespaces is None and peer.pods is not None and not peer.pods.requirements
        return is_empty or super().is_in_namespaces(policy, peer, other)


@static()
class PodSelectorMeansAllNamespaces(Plane):
    """A peer with a podSelector alone admits pods with these labels of all namespaces."""

    def is_in_namespaces(self, policy: NetworkPolicy, peer: PolicyPeer, other: Endpoint) -> bool:
        return peer.namespaces is None or super().is_in_namespaces(policy, peer, other)


@static()
class PoliciesReachOtherNamespaces(Plane):
    """A policy isolates the pods that its podSelector matches in every namespace that has no policy of its own."""

    def selects(self, policy: NetworkPolicy, subject: Endpoint) -> bool:
        is_free = all(each.namespace != subject.namespace for each in self.policies.values())
        is_meant = is_free and bool(self.namespaces.get(subject.namespace)) and subject.namespace != "kube-system"
        return (is_meant and self.selector_matches(policy.subjects, subject.labels)) or super().selects(policy, subject)


@static()
class ValuesCutAfterTwentyLetters(Plane):
    """Label values are compared by their first 20 letters."""

    def requirement_holds(self, requirement: Requirement, labels: Labels) -> bool:
        cut = {key: value[:20] for key, value in labels.items()}
        return super().requirement_holds(replace(requirement, values=frozenset(value[:20] for value in requirement.values)), cut)


def _shortened(requirement: Requirement, operator: str) -> Requirement:
    if requirement.operator != operator:
        return requirement
    return replace(requirement, values=frozenset(sorted(requirement.values)[:1]))
