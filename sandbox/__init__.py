"""A pretend B2B company that lives day by day and knows its own truth.

`World` is the company, `deliver` writes what its four silos and its tracker would export, `truth` says what
the
warehouse should find. The three share nothing but the world's records.
"""
