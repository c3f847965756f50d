"""A large market of look-alikes whose truth is known: what identity is measured on, from 10,000 to a million
records.
"""
