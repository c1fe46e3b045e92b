"""Expected tables and timelines become findings and an outcome. Pure: a stored measurement can be judged again, anywhere."""

from conformance.judge.finding import Enforcement, Finding, FindingKind, Judgement, Transient, percentile
from conformance.judge.judging import judge

__all__ = ["Enforcement", "Finding", "FindingKind", "Judgement", "Transient", "judge", "percentile"]
