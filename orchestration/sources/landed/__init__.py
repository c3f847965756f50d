"""Schemas that Fivetran or Airbyte keep in a database, read as the vendor's own records."""

from orchestration.sources.landed.extract import check_landed, extract_landed

__all__ = ["check_landed", "extract_landed"]
