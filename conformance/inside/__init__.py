"""The suite inside of a cluster: the manifests of its Job, and how a record comes out of a pod."""
