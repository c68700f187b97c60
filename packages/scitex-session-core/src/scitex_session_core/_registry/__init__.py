"""The registry: a journal that is appended to, and the index that answers questions."""
