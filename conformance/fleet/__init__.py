"""Many clusters from one: a file of clusters becomes Indexed Jobs on a hub, and their records one table."""
