"""Digests made by hand, in which every way to differ comes up once."""

from pathlib import Path

from conformance.record import Facts, Plugin
from conformance.record.digest import Digest, EnforcementDigest, FindingDigest, ScenarioDigest
from conformance.world.verdict import AnswerKind, Family, FindingKind, Outcome, Verdict

PASSED, FAILED, ERROR, KNOWN = Outcome.PASSED, Outcome.FAILED, Outcome.ERROR, Outcome.KNOWN_DEVIATION
NOT_SUPPORTED, SKIPPED = Outcome.NOT_SUPPORTED, Outcome.SKIPPED
LEAK, OUTAGE = FindingKind.WRONGLY_ALLOWED, FindingKind.WRONGLY_BLOCKED
ALLOWED, BLOCKED = AnswerKind.CONNECTED, AnswerKind.TIMED_OUT

TO_DB, TO_API, TO_WEB = (f"shop/front -> shop/{each} 80/TCP ipv4" for each in ("db", "api", "web"))
OUTSIDE = "outside/alpha -> shop/web 80/TCP ipv4"


def finding(kind: FindingKind, question: str = TO_DB, step: int | None = 1) -> FindingDigest:
    return FindingDigest(kind, step, question, f"{kind} in {question}", ALLOWED, is_beside=False)


def scenario(name: str, outcome: Outcome = PASSED, *findings: FindingDigest, **more: object) -> ScenarioDigest:
    values = {
        "sentence": f"{name} has {outcome}",
        "file": f"own/{name}.yaml",
        "group": "own",
        "about": f"What {name} says.",
        "actions": {0: "no policy", 1: "apply deny", 2: "put back: delete deny"},
    }
    return ScenarioDigest(name, outcome, findings=findings, **(values | more))


def facts(name: str, version: str = "1.0", **more: object) -> Facts:
    values = {
        "started": "2026-11-21T09:00:00.000+00:00",
        "ended": "2026-11-21T09:12:30.000+00:00",
        "seconds": 750.0,
        "families": tuple(Family),
        "cluster": {"provider": "kind", "Kubernetes": "v1.34.4"},
        "capabilities": ("ipv4", "ipv6"),
    }
    return Facts("0.1.0", Plugin(name, name.title(), version), **(values | more))


def digest(name: str, *scenarios: ScenarioDigest, resolution: float | None = 0.2, **more: object) -> Digest:
    return Digest(Path(f"{name}.json"), facts(name, **more), scenarios, resolution)


def enforced(*seconds: float | None, now: Verdict = Verdict.BLOCKED, step: int = 1) -> tuple[EnforcementDigest, ...]:
    return tuple(EnforcementDigest(step, now, each) for each in seconds)


def cilium() -> Digest:
    return digest(
        "cilium",
        scenario("a-leak", enforcements=enforced(0.002, 0.2, 1.4)),
        scenario("an-outage", FAILED, finding(OUTAGE), finding(OUTAGE, TO_API), enforcements=enforced(None, 0.02)),
        scenario("an-error", ERROR, finding(FindingKind.BROKEN)),
        scenario("not-there", needs=("host-port",), group="ports"),
        scenario("known-leak", KNOWN, finding(LEAK)),
        scenario("other-cells", FAILED, finding(LEAK, TO_DB), finding(LEAK, TO_API)),
        scenario("open-point", open={(1, OUTSIDE): BLOCKED, (1, TO_WEB): ALLOWED}, enforcements=enforced(0.5, now=Verdict.ALLOWED, step=2)),
        scenario("same", enforcements=enforced(0.004)),
        scenario("same-leak", FAILED, finding(LEAK)),
        scenario("only-cilium"),
        capabilities=("ipv4", "ipv6", "host-port"),
        planned=10,
    )


def ptp() -> Digest:
    return digest(
        "ptp",
        scenario("a-leak", FAILED, finding(LEAK, TO_DB), finding(LEAK, TO_API, 2), enforcements=enforced(None, None, None)),
        scenario("an-outage", enforcements=enforced(12.0, 0.02)),
        scenario("an-error"),
        scenario("not-there", NOT_SUPPORTED, needs=("host-port",), group="ports", sentence="needs host-port, which ptp does not have"),
        scenario("known-leak", FAILED, finding(LEAK)),
        scenario("other-cells", FAILED, finding(LEAK, TO_DB), finding(LEAK, TO_WEB)),
        scenario("open-point", open={(1, OUTSIDE): ALLOWED, (1, TO_WEB): ALLOWED}),
        scenario("same", enforcements=enforced(0.04)),
        scenario("same-leak", FAILED, finding(LEAK)),
        scenario("only-ptp"),
        scenario("also-only-ptp"),
        ended="",
        resolution=None,
    )
