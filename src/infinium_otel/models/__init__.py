"""Records of other agent systems, converted to spans and back.

Each system is a package with `to_spans`, `from_spans`, `load` and `dump`.
"""
