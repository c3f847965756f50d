"""revops-warehouse: extract, unify, compute, audit and publish revenue data."""
