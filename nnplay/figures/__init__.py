"""Pictures: a topic's record in, a `plotly.graph_objects.Figure` out. Nothing here computes."""
