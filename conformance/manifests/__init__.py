"""People's own manifests: what stands in files or in a cluster, as the world's nouns, each with its place in the text."""
