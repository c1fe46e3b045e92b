"""Large worlds: scenarios made in code from a number of pods and namespaces, and whether a cluster has room for them."""

from conformance.large.family import GROUP, scenarios_of, told

__all__ = ["GROUP", "scenarios_of", "told"]
