"""Who may talk to whom by the model, as a drawing: SVG of our own, Mermaid, Graphviz."""
