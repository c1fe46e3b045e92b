"""The oracle: what a world's policies say of every question. Pure, and it knows nothing of any cluster."""
