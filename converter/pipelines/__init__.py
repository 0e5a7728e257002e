"""pySigma's processing pipelines: choose them, read them and apply them."""
