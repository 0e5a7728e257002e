"""The commands of SPL, compiled to stages, one file a family; `execute.py` and `stages.py` choose among them."""
