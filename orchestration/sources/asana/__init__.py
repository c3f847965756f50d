"""Asana: tasks of every project that changed since the last read, and which task is in which project."""

from orchestration.sources.asana.extract import AsanaConnector

CONNECTOR = AsanaConnector

__all__ = ["CONNECTOR"]
