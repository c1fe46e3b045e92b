"""Who reaches whom: the agent inside the pods, the session with all agents, and sampling over time."""
