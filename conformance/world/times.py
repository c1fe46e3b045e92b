"""All waiting times of the suite, in seconds, in one table."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Times:
    """Defaults fit a cluster on one machine; every one of them can be changed for a slow one (`--times name=seconds`)."""

    question: float = 0.5
    """How long a question waits for its answer. Within it a probe sends a datagram again; TCP's own first retry is at 1 s."""
    pause: float = 0.05
    """Between two rounds, so that sampling leaves the processors to the plugin."""
    settle: float = 30.0
    """How long a table may take after a change until it agrees. Cilium may delay a new identity by up to 30 s: then use 45."""
    known: float = 5.0
    """How long it may take where only cells of known deviations do not agree: their wrong answers are what is expected."""
    hold: float = 1.0
    """The stability window: how long the table must go on agreeing."""
    baseline: float = 15.0
    """How long a new world may take until everybody reaches everybody."""
    pods: float = 90.0
    """How long pods may take to become ready."""
    request: float = 10.0
    """How long the API server may take to answer one request."""
    retry: float = 30.0
    """How long a request is repeated while the API server does not answer (it may be restarting)."""
    stream: float = 15.0
    """How long a probe may take to open its stream, and beyond a round's own time to answer."""
    removal: float = 60.0
    """How long the removal of namespaces is waited for at the end."""

    def for_pods(self, pods: int) -> Times:
        """The same for a world of so many pods: a second more for each to start, and less for what a plugin does with it.

        Measured on a machine of two processors, which is slower than any cluster of that size.
        """
        return replace(
            self,
            settle=self.settle + 0.3 * pods,
            baseline=self.baseline + 0.1 * pods,
            pods=self.pods + pods,
            stream=self.stream + 0.05 * pods,
            removal=self.removal + 0.5 * pods,
        )
