"""From people's own manifests to a scenario file: names, labels, ports and policies, and nothing else."""
