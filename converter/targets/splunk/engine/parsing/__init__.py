"""The grammars of the commands of SPL, one file a family; `parse.py` chooses among them."""
