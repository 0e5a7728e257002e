"""Processing pipelines of pySigma: choose them and apply them."""
