"""Files as a source: CSV, TSV, Parquet, JSON lines and Excel, mapped onto the entry contract by configuration."""

from orchestration.sources.files.extract import check_files, extract_files

__all__ = ["check_files", "extract_files"]
