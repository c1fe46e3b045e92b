"""Random policies and changes, measured against the model; what disagrees is shrunk to the smallest scenario file."""
