"""What all of the engine shares: the tree of a query, tokens, and the parser of expressions."""
