"""Jira Cloud: issues by search, what changed in them by the change log, users as a list."""

from orchestration.sources.jira.extract import JiraConnector

CONNECTOR = JiraConnector

__all__ = ["CONNECTOR"]
