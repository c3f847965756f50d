"""Files as a source: CSV, TSV, Parquet, JSON lines and Excel, mapped by configuration alone."""

from orchestration.sources.files.extract import check_files, extract_files

__all__ = ["check_files", "extract_files"]
