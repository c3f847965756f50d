"""Pipedrive: deals with their history, people, organizations, activities, from version 2 of its API."""

from orchestration.sources.pipedrive.extract import PipedriveConnector

CONNECTOR = PipedriveConnector

__all__ = ["CONNECTOR"]
