"""Templates of pipelines, rendered by an interpreter of our own: plain data in, text out, within a budget."""
