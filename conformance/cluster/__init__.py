"""The only room that speaks with a cluster."""
