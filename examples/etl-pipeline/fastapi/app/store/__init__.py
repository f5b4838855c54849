"""Everything that reads or writes PostgreSQL.

`staging` keeps the rows of one attempt between steps; `publishing` writes the tables that readers
see. Every function that writes is one transaction and replaces what an earlier try of the same
step has left, so a step may be retried at any point.
"""
