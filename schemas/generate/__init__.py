"""Everything derived from the models and the registry: `python -m schemas.generate [--check]`.

The derived files are committed, so that a reader needs no Python and a reviewer sees the change.
"""
