"""What all of SPL is made of: texts, values, search and eval expressions."""
