"""cni-conformance: who really reaches whom in a cluster, compared with what its NetworkPolicies say."""
