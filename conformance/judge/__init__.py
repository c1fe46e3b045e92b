"""Expected tables and timelines become findings and an outcome. Pure: a stored measurement can be judged again, anywhere."""

from conformance.judge.finding import Enforcement, Established, Finding, Judgement, Transient, percentile
from conformance.judge.judging import judge
from conformance.world.verdict import FindingKind

__all__ = ["Enforcement", "Established", "Finding", "FindingKind", "Judgement", "Transient", "judge", "percentile"]
