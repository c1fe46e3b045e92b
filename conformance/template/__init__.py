"""From a scenario to the manifests of one run, and to the world that the model sees."""
