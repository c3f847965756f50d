"""What repeated reads of the same records leave in the log."""

from datetime import datetime
from decimal import Decimal

import pytest

from orchestration.errors import SourceFailed

HEADER = ["source_id", "name", "stage", "amount", "updated_at"]


def deals(company, *rows, header=HEADER):
    company.write_rows("opportunities.csv", header, rows)


def numbered(count, start=0):
    return [[f"d{number}", "Deal", "Open", "10", ""] for number in range(start, start + count)]


def test_a_second_identical_run_reads_nothing_and_appends_nothing(company):
    deals(company, ["d1", "One", "Open", "10", ""], ["d2", "Two", "Won", "20.5", ""])
    first = company.extract_one()
    assert (first.rows_read, first.rows_appended, first.skipped) == (2, 2, False)
    second = company.extract_one()
    assert second.skipped and second.rows_appended == 0
    assert len(company.versions("opportunities")) == 2
    assert company.last_read("opportunities")["run_id"] == "run1"


def test_a_full_refresh_reads_again_but_appends_only_what_changed(company):
    deals(company, ["d1", "One", "Open", "10", ""], ["d2", "Two", "Won", "20.5", ""])
    company.extract_one()
    again = company.extract_one(full_refresh=True)
    assert (again.rows_read, again.rows_appended, again.rows_unchanged, again.skipped) == (2, 0, 2, False)
    assert len(company.versions("opportunities")) == 2
    assert company.last_read("opportunities")["run_id"] == "run2"


def test_a_rewritten_file_with_the_same_content_appends_nothing(company):
    deals(company, ["d1", "One", "Open", "10", ""], ["d2", "Two", "Won", "20.5", ""])
    company.extract_one()
    deals(company, ["d2", "Two", "Won", "20.50", ""], ["d1", " One", "Open", "10.0", ""])
    result = company.extract_one()
    assert (result.rows_appended, result.rows_unchanged, result.skipped) == (0, 2, False)


def test_a_change_and_its_reversal_are_three_versions(company):
    for stage in ("Open", "Won", "Open"):
        deals(company, ["d1", "One", stage, "10", ""])
        assert company.extract_one().rows_appended == 1
    assert [row["stage"] for row in company.versions("opportunities")] == ["Open", "Won", "Open"]
    assert company.column("opportunities", "stage") == {"d1": "Open"}


def test_a_reversal_at_the_same_source_time_is_a_third_version_that_wins(company):
    for stage in ("Open", "Won", "Open"):
        deals(company, ["d1", "One", stage, "10", "2026-10-01T08:00:00Z"])
        assert company.extract_one().rows_appended == 1
    assert company.column("opportunities", "stage") == {"d1": "Open"}


def test_a_version_is_dated_by_its_source_but_never_later_than_it_was_read(company):
    deals(
        company,
        ["past", "P", "Open", "1", "2026-10-01T10:00:00+02:00"],
        ["none", "N", "Open", "1", ""],
        ["future", "F", "Open", "1", "2099-01-01"],
    )
    company.extract()
    assert company.column("opportunities", "_version_at") == {
        "past": datetime(2026, 10, 1, 8),
        "none": company.extracted_at,
        "future": company.extracted_at,
    }
    assert company.column("opportunities", "_extracted_at")["past"] == company.extracted_at


def test_an_older_version_offered_again_is_not_appended_and_does_not_win(company):
    old = ["d1", "One", "Open", "10", "2026-10-01T08:00:00Z"]
    new = ["d1", "One", "Won", "10", "2026-10-02T08:00:00Z"]
    deals(company, old)
    company.extract()
    deals(company, new)
    company.extract()
    deals(company, old)
    assert company.extract_one().rows_appended == 0
    assert company.column("opportunities", "stage") == {"d1": "Won"}


def test_an_unseen_older_version_is_appended_and_does_not_win(company):
    deals(company, ["d1", "One", "Won", "10", "2026-10-02T08:00:00Z"])
    company.extract()
    deals(company, ["d1", "One", "Negotiation", "10", "2026-10-01T08:00:00Z"])
    assert company.extract_one().rows_appended == 1
    assert company.column("opportunities", "stage") == {"d1": "Won"}
    assert company.extract_one(full_refresh=True).rows_appended == 0


def test_a_version_from_2099_does_not_hide_later_ones(company):
    deals(company, ["d1", "One", "Open", "10", "2099-01-01T00:00:00Z"])
    company.extract()
    deals(company, ["d1", "One", "Won", "10", "2026-11-01T06:30:00Z"])
    company.extract()
    assert company.column("opportunities", "stage") == {"d1": "Won"}


def test_a_mapping_that_adds_the_source_time_takes_effect_at_once(company):
    deals(company, ["d1", "One", "Open", "10", "2026-10-01"], header=[*HEADER[:4], "changed"])
    company.map("opportunities", "opportunities.csv")
    company.extract()
    company.map("opportunities", "opportunities.csv", columns={"updated_at": "changed"})
    assert company.extract_one().rows_appended == 1
    assert company.column("opportunities", "updated_at") == {"d1": datetime(2026, 10, 1)}
    assert company.extract_one(full_refresh=True).rows_appended == 0


def test_a_mapping_that_is_taken_back_takes_effect_at_once(company):
    deals(company, ["d1", "One", "Open", "10", "2026-10-01"])
    company.map("opportunities", "opportunities.csv")
    company.extract()
    company.map("opportunities", "opportunities.csv", columns={"stage": "name"})
    company.extract()
    assert company.column("opportunities", "stage") == {"d1": "One"}
    company.map("opportunities", "opportunities.csv")
    company.extract()
    assert company.column("opportunities", "stage") == {"d1": "Open"}


def test_a_record_that_is_gone_gets_a_tombstone_and_keeps_its_content(company):
    deals(company, *numbered(20), ["gone", "G", "Won", "99", "2026-10-01T00:00:00Z"])
    company.extract()
    deals(company, *numbered(20))
    result = company.extract_one()
    assert (result.rows_deleted, result.rows_appended, result.rows_unchanged) == (1, 0, 20)
    tombstone = company.current("opportunities")["gone"]
    assert tombstone["_is_deleted"] and tombstone["is_deleted"]
    assert (tombstone["name"], tombstone["amount"]) == ("G", Decimal(99))
    assert tombstone["_version_at"] == company.extracted_at
    assert company.extract_one(full_refresh=True).rows_deleted == 0


def test_a_record_that_comes_back_unchanged_is_live_again(company):
    row = ["back", "B", "Won", "99", "2026-10-01T00:00:00Z"]
    for rows in ([*numbered(20), row], numbered(20), [*numbered(20), row]):
        deals(company, *rows)
        result = company.extract_one()
    assert result.rows_appended == 1
    returned = company.current("opportunities")["back"]
    assert not returned["_is_deleted"] and returned["is_deleted"] is None
    assert returned["_version_at"] == company.extracted_at
    assert [row["_is_deleted"] for row in company.versions("opportunities")][:3] == [False, True, False]
    assert company.extract_one(full_refresh=True).rows_appended == 0
    deals(company, *numbered(20), ["back", "B", "Lost", "99", "2026-11-01T08:30:00Z"])
    company.extract()
    assert company.column("opportunities", "stage")["back"] == "Lost"


def test_a_record_that_comes_back_in_an_old_version_is_live_again(company):
    old, new = ["x", "old", "Open", "1", "2026-10-01"], ["x", "new", "Won", "1", "2026-10-02"]
    for rows in ([*numbered(20), old], [*numbered(20), new], numbered(20), [*numbered(20), old]):
        deals(company, *rows)
        company.extract()
    assert "x" in company.live("opportunities")
    assert company.column("opportunities", "name")["x"] == "old"


def test_a_deletion_the_source_reports_itself_is_no_tombstone(company):
    header = [*HEADER, "is_deleted"]
    deals(company, *[[*row, ""] for row in numbered(20)], ["x", "X", "Won", "1", "", "yes"], header=header)
    company.extract()
    assert company.current("opportunities")["x"]["is_deleted"] is True
    assert company.current("opportunities")["x"]["_is_deleted"] is False
    assert company.extract_one(full_refresh=True).rows_appended == 0


@pytest.mark.parametrize(
    ("before", "after", "stops"), [(100, 90, False), (100, 89, True), (6, 2, False), (6, 1, True)]
)
def test_more_than_a_tenth_and_at_least_five_missing_records_stop_the_source(company, before, after, stops):
    deals(company, *numbered(before))
    company.extract()
    deals(company, *numbered(after))
    if stops:
        with pytest.raises(SourceFailed) as failure:
            company.extract()
        assert f"lacks {before - after} of the {before} opportunities" in str(failure.value)
        assert "--allow-shrink" in str(failure.value)
        assert len(company.live("opportunities")) == before
        assert company.extract_one(allow_shrink=True).rows_deleted == before - after
    else:
        company.extract()
    assert len(company.live("opportunities")) == after


def test_an_entity_that_suddenly_has_no_rows_stops_the_source_even_if_it_had_few(company):
    deals(company, *numbered(2))
    company.extract()
    deals(company)
    with pytest.raises(SourceFailed, match="has no opportunities any more but had 2"):
        company.extract()
    assert company.extract_one(allow_shrink=True).rows_deleted == 2
    assert company.live("opportunities") == set()


def test_a_file_that_vanished_counts_as_one_without_rows(company):
    deals(company, *numbered(2))
    company.write_rows("accounts.csv", ["source_id", "name"], [["a1", "Acme"]])
    company.extract()
    (company.folder / "opportunities.csv").unlink()
    with pytest.raises(SourceFailed, match="has no opportunities any more but had 2"):
        company.extract()
    company.extract(allow_shrink=True)
    assert company.live("opportunities") == set()
    assert company.live("accounts") == {"a1"}
    assert [each.entity for each in company.extract().entities] == ["accounts"]


def test_records_that_were_already_deleted_may_vanish(company):
    header = [*HEADER, "is_deleted"]
    flagged = [[f"x{number}", "X", "Won", "1", "", "true"] for number in range(10)]
    live = [[*row, ""] for row in numbered(20)]
    deals(company, *live, *flagged, header=header)
    company.extract()
    deals(company, *live, header=header)
    assert company.extract_one().rows_deleted == 10


def test_a_rejected_row_keeps_its_last_good_version_and_is_not_taken_for_deleted(company):
    deals(company, *numbered(20), ["bad", "B", "Won", "5", ""])
    company.extract()
    deals(company, *numbered(20), ["bad", "B", "Won", "five", ""])
    result = company.extract_one()
    assert (result.rows_read, result.rows_rejected, result.rows_deleted) == (21, 1, 0)
    assert company.column("opportunities", "amount")["bad"] == Decimal(5)
    read = company.last_read("opportunities")
    assert read["rows_kept"] == 1
    assert '"amount": "200.0000"' in read["money_at_source"]
    assert '"amount": "5.0000"' in read["money_kept"]


def test_a_torn_row_is_not_taken_for_deleted_either(company):
    company.write("opportunities.csv", "source_id,name,stage\nd1,One,Open\nd2,Two,Open\n")
    company.extract()
    company.write("opportunities.csv", "source_id,name,stage\nd1,One,Open\nd2,Two\n")
    assert company.extract_one().rows_deleted == 0
    assert company.live("opportunities") == {"d1", "d2"}


def test_of_several_rows_with_one_id_the_latest_wins_and_the_others_are_reported(company):
    deals(
        company,
        ["d1", "late", "Won", "1", "2026-10-03T00:00:00Z"],
        ["d1", "early", "Open", "2", "2026-10-01T00:00:00Z"],
        ["d2", "first", "Open", "3", ""],
        ["d2", "second", "Open", "4", ""],
        ["d3", "dated", "Open", "5", "2026-10-01T00:00:00Z"],
        ["d3", "undated", "Open", "6", ""],
    )
    result = company.extract_one()
    assert (result.rows_read, result.rows_duplicate, result.rows_appended) == (6, 3, 3)
    assert company.column("opportunities", "name") == {"d1": "late", "d2": "second", "d3": "dated"}
    assert company.problems() == [
        (
            "opportunities",
            "opportunities.csv",
            3,
            "source_id",
            "d1",
            "the id occurs again; row 2 is kept",
            "warning",
        ),
        (
            "opportunities",
            "opportunities.csv",
            4,
            "source_id",
            "d2",
            "the id occurs again; row 5 is kept",
            "warning",
        ),
        (
            "opportunities",
            "opportunities.csv",
            7,
            "source_id",
            "d3",
            "the id occurs again; row 6 is kept",
            "warning",
        ),
    ]
    assert '"amount": "10.0000"' in company.last_read("opportunities")["money_at_source"]


def test_what_was_read_always_equals_what_became_of_it(company):
    deals(company, *numbered(30), ["d1", "again", "Open", "10", ""], ["bad", "B", "", "1", ""])
    company.extract()
    deals(
        company,
        *numbered(28),
        ["d2", "again", "Open", "10", ""],
        ["bad", "B", "", "1", ""],
        ["n", "N", "Won", "1", ""],
    )
    result = company.extract_one()
    assert result.rows_read == 31
    assert result.rows_read == (
        result.rows_rejected + result.rows_duplicate + result.rows_appended + result.rows_unchanged
    )
    assert (result.rows_rejected, result.rows_duplicate, result.rows_appended, result.rows_deleted) == (
        1,
        1,
        3,
        2,
    )
    assert len(company.live("opportunities")) == 29


def test_money_at_source_is_the_exact_sum_of_what_was_accepted(company):
    deals(company, *[[f"d{number}", "", "Open", "0.1", ""] for number in range(1000)])
    company.extract()
    assert company.last_read("opportunities")["money_at_source"] == (
        '{"amount": "100.0000", "recurring_amount": "0.0000"}'
    )


def test_the_raw_table_has_every_column_of_the_entity_in_its_type(company):
    company.write_rows("opportunities.csv", ["source_id", "stage"], [["d1", "Open"]])
    company.extract()
    types = {
        row["column_name"]: row["column_type"] for row in company.query("describe raw_acme.opportunities")
    }
    assert types["amount"] == "DECIMAL(18,4)"
    assert types["probability"] == "DOUBLE"
    assert types["opened_at"] == types["_version_at"] == "TIMESTAMP"
    assert types["expected_close_on"] == "DATE"
    assert types["is_deleted"] == types["_is_deleted"] == "BOOLEAN"
    assert types["custom"] == types["_content_hash"] == types["_dlt_load_id"] == "VARCHAR"
    assert types["_row"] == "BIGINT"
    assert "source_system" not in types


def test_no_write_ahead_log_and_no_private_file_is_left(company):
    deals(company, *numbered(3))
    company.extract()
    assert not (company.home / "landing.duckdb.wal").exists()
    assert not any((company.home / "work").rglob("*.duckdb"))


def test_sources_do_not_touch_each_other(company):
    deals(company, *numbered(3))
    other = company.root / "other"
    other.mkdir()
    (other / "opportunities.csv").write_text("source_id,stage\nd0,Lost\n")
    company.configure(
        {"name": "acme", "kind": "files", "path": "exports"},
        {"name": "beta", "kind": "files", "path": "other"},
    )
    company.extract("acme")
    company.extract("beta")
    assert len(company.live("opportunities", "acme")) == 3
    assert company.current("opportunities", "beta")["d0"]["stage"] == "Lost"


def test_progress_tells_the_rows_read_so_far(company):
    deals(company, *numbered(45_000))
    seen = []
    company.extract(progress=lambda entity, rows: seen.append((entity, rows)))
    assert seen == [("opportunities", 20_000), ("opportunities", 40_000), ("opportunities", 45_000)]


def test_strict_stops_at_the_first_error_and_leaves_the_log_as_it_was(company):
    deals(company, *numbered(3))
    company.extract()
    deals(company, *numbered(3), ["bad", "B", "Won", "five", ""], ["worse", "W", "", "1", ""])
    company.configure({"name": "acme", "kind": "files", "path": "exports"}, strict=True)
    with pytest.raises(SourceFailed) as failure:
        company.extract()
    assert "has 2 problems and strict is on" in str(failure.value)
    assert "opportunities.csv, row 5, amount: 'five' is not an amount" in str(failure.value)
    assert company.live("opportunities") == {"d0", "d1", "d2"}


def test_turning_strict_on_looks_again_at_a_file_that_did_not_change(company):
    deals(company, *numbered(3), ["bad", "B", "Won", "five", ""])
    company.extract()
    company.configure({"name": "acme", "kind": "files", "path": "exports"}, strict=True)
    with pytest.raises(SourceFailed, match="has 1 problem and strict is on"):
        company.extract()


def test_a_file_in_which_every_row_is_wrong_stops_the_source(company):
    deals(company, ["d1", "One", "Open", "x", ""], ["d2", "Two", "Open", "y", ""])
    with pytest.raises(
        SourceFailed, match=r"all 2 rows of opportunities.csv were rejected; .*row 2, amount: 'x' is"
    ):
        company.extract()


def test_a_column_the_contract_gained_reaches_tables_that_are_already_there(company, monkeypatch):
    from orchestration import contract
    from orchestration.sources import entities
    from orchestration.sources.files import extract as files

    entity = contract.entry_contract()["opportunities"]
    older = contract.Entity(
        "opportunities", {name: column for name, column in entity.columns.items() if name != "direction"}
    )
    deals(company, *numbered(3))
    with monkeypatch.context() as patch:
        patch.setattr(files, "entry_contract", lambda: {**contract.entry_contract(), "opportunities": older})
        company.extract()
    assert entities.raw_table(older).columns.keys() < entities.raw_table(entity).columns.keys()
    deals(company, *numbered(2), ["d2", "Deal", "Won", "10", ""])
    result = company.extract_one()
    assert (result.rows_appended, result.rows_unchanged) == (1, 2)
    assert company.column("opportunities", "direction") == {"d0": None, "d1": None, "d2": None}
