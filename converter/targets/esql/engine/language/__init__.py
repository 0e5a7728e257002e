"""What all commands and functions of ES|QL share: the tree, tokens, types, and expressions that are ready to run."""
