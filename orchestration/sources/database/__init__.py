"""Tables of a database as a source, mapped onto the entry contract by configuration."""

from orchestration.sources.database.extract import check_database, extract_database

__all__ = ["check_database", "extract_database"]
