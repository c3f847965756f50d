"""Fits that SQL alone does not do: each reads revenue tables of the build file and writes one table of
schema `insight`.
"""
