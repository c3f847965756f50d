"""Every mistake in files and their mapping is one sentence that names the file, the column and what to do."""

import struct
import zipfile

import openpyxl
import pytest

from orchestration.errors import ConfigurationError, SourceFailed


def refused(company, *parts, error=ConfigurationError):
    """The source is refused, by a check as by a run, in one sentence with all parts; nothing is loaded."""
    with pytest.raises(error) as checked:
        company.check()
    with pytest.raises(error) as failure:
        company.extract()
    sentence = str(failure.value)
    assert str(checked.value) == sentence
    for part in parts:
        assert part in sentence
    assert sentence.endswith(".") and "\n" not in sentence and "Traceback" not in sentence
    assert not company.query("select * from information_schema.tables where table_schema = 'raw_acme'")
    return sentence


def refused_when_run(company, *parts, error=ConfigurationError):
    with pytest.raises(error) as failure:
        company.extract()
    for part in parts:
        assert part in str(failure.value)
    assert not company.query("select * from information_schema.tables where table_schema = 'raw_acme'")


def test_a_folder_that_is_not_there(company):
    company.configure({"name": "acme", "kind": "files", "path": "nowhere"})
    refused(company, "sources.acme.path is ", "nowhere, which does not exist; correct the path or create it.")


def test_a_path_that_is_a_file(company):
    company.write("accounts.csv", "source_id\n1\n")
    company.configure({"name": "acme", "kind": "files", "path": "exports/accounts.csv"})
    refused(company, "accounts.csv, which is not a folder")


def test_a_folder_without_files_named_like_entities(company):
    company.write("deals.csv", "source_id\n1\n")
    refused(company, "has no file named like an entry entity, such as accounts.csv; it has deals.csv; rename")


def test_two_files_for_one_entity(company):
    company.write("accounts.csv", "source_id\n1\n")
    company.write("accounts.tsv", "source_id\n1\n")
    refused(company, "has both accounts.csv and accounts.tsv; keep one of them.")


def test_a_mapped_file_that_is_not_there(company):
    company.write("sales_pipeline.csv", "source_id\n1\n")
    company.map("opportunities", "sales_pipelin.csv")
    refused(
        company,
        "sources.acme.entities.opportunities.file is 'sales_pipelin.csv', which is not in ",
        "perhaps 'sales_pipeline.csv' is meant",
    )


@pytest.mark.parametrize(
    "file", ["../secret.csv", "sub/../../secret.csv", "/etc/passwd", "link.csv", "linked/secret.csv"]
)
def test_a_file_outside_the_folder(company, file):
    (company.root / "secret.csv").write_text("source_id,stage\n1,Won\n")
    (company.folder / "sub").mkdir()
    (company.folder / "link.csv").symlink_to(company.root / "secret.csv")
    (company.folder / "linked").symlink_to(company.root)
    company.map("opportunities", file)
    refused(company, f"is '{file}', which lies outside", "only files inside it are read.")


def test_a_file_named_like_an_entity_that_leads_out_of_the_folder(company):
    (company.root / "secret.csv").write_text("source_id,stage\n1,Won\n")
    (company.folder / "opportunities.csv").symlink_to(company.root / "secret.csv")
    refused(company, "is 'opportunities.csv', which lies outside")


def test_a_file_in_a_folder_below_is_fine(company):
    (company.folder / "2026").mkdir()
    company.write("2026/deals.csv", "source_id,stage\n1,Won\n")
    company.map("opportunities", "2026/deals.csv")
    assert company.extract_one().rows_appended == 1


def test_a_file_of_an_unknown_type(company):
    company.write("deals.pdf", "x")
    company.map("opportunities", "deals.pdf")
    refused(
        company,
        "is 'deals.pdf'; files of the types .csv, .tsv, .parquet, .jsonl, .ndjson, .xlsx can be read.",
    )


def test_a_mapped_column_that_is_not_there(company):
    company.write("deals.csv", "Deal ID,deal_stage\n1,Won\n")
    company.map("opportunities", "deals.csv", columns={"source_id": "Deal ID", "stage": "deal_stge"})
    refused(
        company,
        "exports/deals.csv has no column 'deal_stge', to which stage is mapped; perhaps 'deal_stage' is "
        "meant; "
        "the columns are 'Deal ID', 'deal_stage'.",
    )


def test_no_column_for_the_id(company):
    company.write("deals.csv", "id,stage\n1,Won\n")
    company.map("opportunities", "deals.csv")
    refused(
        company,
        "exports/deals.csv has no column for source_id, which opportunities need; map it under columns "
        "(the columns are 'id', 'stage').",
    )


def test_no_column_for_another_required_value(company):
    company.write("deals.csv", "source_id,phase\n1,Won\n")
    company.map("opportunities", "deals.csv")
    refused(company, "exports/deals.csv has no column for stage, which opportunities need")


def test_two_columns_with_one_name(company):
    company.write("deals.csv", "source_id,stage,x,x\n1,Won,a,b\n")
    company.map("opportunities", "deals.csv")
    refused(company, "exports/deals.csv has 2 columns named 'x'; give each its own name.")


def test_two_columns_that_differ_in_case_only_and_both_map(company):
    company.write("deals.csv", "source_id,Stage,stage\n1,Won,Open\n")
    company.map("opportunities", "deals.csv")
    refused(
        company,
        "has the columns 'Stage', 'stage', which both mean 'stage'; rename one or map stage under columns.",
    )
    company.map("opportunities", "deals.csv", columns={"stage": "Stage"})
    company.extract()
    assert company.column("opportunities", "stage") == {"1": "Won"}
    assert company.custom("opportunities") == {"1": {"stage": "Open"}}


def test_a_mapping_to_a_name_in_a_third_spelling_is_ambiguous(company):
    company.write("deals.csv", "source_id,Phase,phase\n1,Won,Open\n")
    company.map("opportunities", "deals.csv", columns={"stage": "PHASE"})
    refused(company, "has the columns 'Phase', 'phase'; write exactly the one that stage is mapped to.")


def test_two_columns_that_differ_in_case_only_are_fine_where_nothing_maps_them(company):
    company.write("deals.csv", "source_id,stage,X,x\n1,Won,a,b\n")
    company.map("opportunities", "deals.csv")
    company.extract()
    assert company.custom("opportunities") == {"1": {"X": "a", "x": "b"}}


def test_an_empty_file(company):
    company.write("opportunities.csv", "")
    refused(company, "exports/opportunities.csv is empty; write a header and rows")


def test_a_file_whose_first_line_is_blank(company):
    company.write("opportunities.csv", "\nsource_id,stage\n1,Won\n")
    refused(company, "exports/opportunities.csv has no header in its first line")


def test_a_file_with_a_header_and_no_rows(company):
    company.write("opportunities.csv", "source_id,stage\n")
    refused_when_run(
        company, "exports/opportunities.csv has a header but no rows; fill it, or remove the file"
    )


def test_a_quote_that_is_never_closed(company):
    company.write("opportunities.csv", 'source_id,stage\n1,Won\n2,"Open\n3,Won\n4,Won\n')
    refused_when_run(company, "exports/opportunities.csv, line 3: a quote opens and never closes")


def test_a_header_quote_that_is_never_closed(company):
    company.write("opportunities.csv", 'source_id,"stage\n1,Won\n')
    refused(company, "exports/opportunities.csv, line 1: a quote opens and never closes")


def test_another_encoding(company):
    company.write("opportunities.csv", "source_id,stage\n1,Won\n2,Gewährt\n", encoding="latin-1")
    refused_when_run(
        company,
        "exports/opportunities.csv, line 3, byte 28 (0xe4) is not utf-8 text; set encoding: to what the "
        "file has",
        error=SourceFailed,
    )


def test_another_encoding_in_the_header(company):
    company.write("opportunities.csv", "source_id,stage,Größe\n1,Won,\n", encoding="cp1252")
    refused(
        company, "exports/opportunities.csv, line 1, byte 19 (0xf6) is not utf-8 text", error=SourceFailed
    )


def test_text_that_is_not_the_configured_encoding(company):
    company.write("deals.csv", "source_id,stage\n1,Won\n")
    company.map("opportunities", "deals.csv", encoding="utf-16")
    refused(company, "exports/deals.csv is not utf-16 text", error=SourceFailed)


def test_json_lines_in_another_encoding(company):
    company.write("opportunities.jsonl", '{"source_id": "1", "stage": "Gewährt"}\n', encoding="latin-1")
    refused(company, "exports/opportunities.jsonl, about line 1, is not utf-8 text", error=SourceFailed)


def test_json_lines_without_any_object(company):
    company.write("opportunities.jsonl", "[]\n5\n")
    refused(company, "exports/opportunities.jsonl holds no JSON object; write one object per line.")


def excel(path, *titles):
    book = openpyxl.Workbook()
    book.active.title = titles[0]
    for title in titles[1:]:
        book.create_sheet(title)
    for sheet in book.worksheets:
        sheet.append(["source_id", "stage"])
    book.save(path)


def test_a_sheet_that_is_not_there(company):
    excel(company.folder / "book.xlsx", "Deals", "Notes")
    company.map("opportunities", "book.xlsx", sheet="Deal")
    refused(
        company,
        "exports/book.xlsx has no sheet 'Deal'; perhaps 'Deals' is meant; the sheets are 'Deals', 'Notes'.",
    )


def test_several_sheets_and_none_named(company):
    excel(company.folder / "book.xlsx", "Deals", "Notes")
    company.map("opportunities", "book.xlsx")
    refused(company, "exports/book.xlsx has the sheets 'Deals', 'Notes'; name the one to read under sheet.")


def test_a_workbook_that_is_none(company):
    company.write("opportunities.xlsx", "source_id,stage\n1,Won\n")
    refused(
        company, "exports/opportunities.xlsx cannot be read as an Excel workbook (File is not a zip file)"
    )


def test_an_archive_that_is_no_workbook(company):
    with zipfile.ZipFile(company.folder / "opportunities.xlsx", "w") as archive:
        archive.writestr("hello.txt", "hello")
    refused(company, "exports/opportunities.xlsx cannot be read as an Excel workbook")


def test_a_truncated_workbook(company):
    path = company.folder / "opportunities.xlsx"
    excel(path, "Sheet1")
    path.write_bytes(path.read_bytes()[:-300])
    refused(company, "exports/opportunities.xlsx cannot be read as an Excel workbook")


def test_a_workbook_that_unpacks_to_far_more_than_its_size(company):
    path = company.folder / "opportunities.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 80 * 2**20)
    assert path.stat().st_size < 2**20
    refused(company, "exports/opportunities.xlsx unpacks to 80 MiB", "and is not read; save it as CSV.")


def test_a_workbook_that_declares_more_than_a_gibibyte(company):
    path = company.folder / "opportunities.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a", b"0")
    data = bytearray(path.read_bytes())
    central = data.rindex(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", 2**30 + 1)
    path.write_bytes(data)
    refused(company, "unpacks to 1,024 MiB")


def test_parquet_that_is_none(company):
    company.write("opportunities.parquet", "source_id,stage\n1,Won\n")
    refused(company, "exports/opportunities.parquet cannot be read as Parquet")


def test_a_reference_list_that_is_not_there(company):
    company.write("deals.csv", "source_id,stage,product\n1,Won,x\n")
    company.map(
        "opportunities", "deals.csv", allowed={"product": {"file": "products.csv", "column": "product"}}
    )
    refused(
        company, "sources.acme.entities.opportunities.allowed.product.file is 'products.csv', which is not in"
    )


def test_a_reference_list_without_its_column(company):
    company.write("deals.csv", "source_id,stage,product\n1,Won,x\n")
    company.write("products.csv", "name,price\nx,1\n")
    company.map(
        "opportunities", "deals.csv", allowed={"product": {"file": "products.csv", "column": "product"}}
    )
    refused(
        company,
        "exports/products.csv has no column 'product', which lists the values of product; "
        "the columns are 'name', 'price'.",
    )


def test_a_name_of_a_column_that_cannot_be_stored(company):
    company.write("opportunities.csv", "source_id,stage,a\0b\n1,Won,x\n")
    refused(company, "exports/opportunities.csv has the column 'a\\x00b', whose name is not text")


def test_one_file_that_is_wrong_leaves_the_others_of_its_source_unloaded(company):
    company.write("accounts.csv", "source_id,name\na1,Acme\n")
    company.write("opportunities.csv", "id\n1\n")
    refused(company, "has no column for source_id")
