"""The plan of a rule (`nodes`) and the lowering to it from pySigma (`lower`, `condition`)."""
