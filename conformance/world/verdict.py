"""The small closed sets of words that everything else is said in."""

from __future__ import annotations

from enum import StrEnum


class Protocol(StrEnum):
    """A protocol that a probe can ask. NetworkPolicy defines TCP, UDP and SCTP; for ICMP "the behaviour may vary"."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"
    ICMP = "ICMP"


class Family(StrEnum):
    """An IP family."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


class Direction(StrEnum):
    """The direction of a rule, seen from the subject (the pod that the policy selects)."""

    INGRESS = "ingress"
    EGRESS = "egress"


class Verdict(StrEnum):
    """What must happen to a question. OPEN: the specification leaves it to the plugin; measured, never judged."""

    ALLOWED = "allowed"
    BLOCKED = "blocked"
    OPEN = "open"


class AnswerKind(StrEnum):
    """What became of one question.

    REFUSED is a TCP reset or an ICMP "port unreachable"; PROHIBITED any other ICMP refusal (administratively
    prohibited, host or network unreachable). Both, like TIMED_OUT, mean blocked. BROKEN: the question could not be asked,
    or nobody confirms that the server was serving at that time; a broken answer never counts as blocked.
    """

    CONNECTED = "connected"
    REFUSED = "refused"
    TIMED_OUT = "timed-out"
    PROHIBITED = "prohibited"
    BROKEN = "broken"

    @property
    def verdict(self) -> Verdict | None:
        """ALLOWED or BLOCKED; None when broken, which says nothing about the plugin."""
        if self is AnswerKind.BROKEN:
            return None
        return Verdict.ALLOWED if self is AnswerKind.CONNECTED else Verdict.BLOCKED


class Outcome(StrEnum):
    """What became of a scenario. ERROR says that the world or the scenario was broken, never that the plugin is."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    NOT_SUPPORTED = "not-supported"
    KNOWN_DEVIATION = "known-deviation"


class FindingKind(StrEnum):
    """What is wrong. Up to STALE_DEVIATION it is the plugin's; the others say that the world or the scenario is broken.

    CUT: an established connection did not survive what it must. WRONG_SOURCE: a pod saw another address than the asker's own.
    NETWORK: what a pod needs of its network without any policy (to get one at all, ports of nodes, packets of full size).
    """

    WRONGLY_ALLOWED = "wrongly-allowed"
    WRONGLY_BLOCKED = "wrongly-blocked"
    WRONG_RESPONDER = "wrong-responder"
    WRONG_SOURCE = "wrong-source"
    NETWORK = "network"
    CUT = "cut"
    UNSTABLE = "unstable"
    ILLEGAL = "illegal"
    STALE_DEVIATION = "stale-deviation"
    BASELINE = "baseline"
    CONTRADICTION = "contradiction"
    BROKEN = "broken"
    RESIDUE = "residue"

    @property
    def is_failure(self) -> bool:
        """Whether the scenario has failed by it, rather than being in error."""
        return self not in (FindingKind.BASELINE, FindingKind.CONTRADICTION, FindingKind.BROKEN, FindingKind.RESIDUE)
