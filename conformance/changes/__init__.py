"""What a step does to the cluster and to the world that stands in it."""

from conformance.changes.carry_out import Change, carry_out, starts_of

__all__ = ["Change", "carry_out", "starts_of"]
