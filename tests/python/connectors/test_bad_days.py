"""A vendor's API on a bad day, through the whole extraction: nothing wrong is loaded, nothing is lost.

The numbers are those of the acceptance list in the reliability reference.
"""

import os
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from vendor import Vendor

from orchestration.errors import ConfigurationError, SourceFailed
from orchestration.sources.api import client as http
from sandbox.vendors.faults import Fault

pytestmark = pytest.mark.slow

QUERY = "/queryAll"


def accounts(vendor: Vendor, number: int) -> set[str]:
    return {vendor.api.org.create("Account", Name=f"Company {each}") for each in range(number)}


def rows(vendor: Vendor, table: str = "account") -> int:
    return int(vendor.query(f"select count(*) as n from landing.raw_crm.{table}")[0]["n"])


@pytest.mark.parametrize(
    ("headers", "wait"),
    [({"Retry-After": "7"}, 7.0), ({"Retry-After": "3.5"}, 3.5), ({}, None)],
    ids=["whole seconds", "fraction", "not said"],
)
def test_8_a_limit_is_waited_for_as_long_as_it_says(
    salesforce: Vendor, headers: dict[str, str], wait: float | None
) -> None:
    made = accounts(salesforce, 3)
    salesforce.api.faults.append(Fault("status", QUERY, status=429, headers=headers, times=2))
    salesforce.sync()
    assert set(salesforce.entry("accounts")) == made
    longest = max(salesforce.waits)
    assert longest == wait if wait is not None else 0 < longest <= 2


def test_8_a_rest_longer_than_a_run_ends_the_read(salesforce: Vendor) -> None:
    accounts(salesforce, 1)
    headers = {"Retry-After": "86400"}
    salesforce.api.faults.append(Fault("status", QUERY, status=429, headers=headers, times=9))
    with pytest.raises(SourceFailed, match="wants 86,400 seconds of rest"):
        salesforce.sync()


def test_9_errors_of_the_server_are_tried_again_and_then_said(salesforce: Vendor) -> None:
    made = accounts(salesforce, 3)
    salesforce.api.faults.append(Fault("status", QUERY, status=502, times=3))
    salesforce.sync()
    assert set(salesforce.entry("accounts")) == made

    salesforce.api.org.create("Account", Name="Later")
    salesforce.api.faults.append(Fault("status", QUERY, status=500, times=99))
    with pytest.raises(SourceFailed, match="answered 500 5 times in a row; try again later"):
        salesforce.sync()
    assert set(salesforce.entry("accounts")) == made, "what was loaded before is kept"


@pytest.mark.parametrize("what", ["truncate", "bad_json", "html", "reset"])
def test_10_a_broken_answer_is_asked_for_again(salesforce: Vendor, what: Any) -> None:
    made = accounts(salesforce, 3)
    salesforce.api.faults.append(Fault(what, QUERY, nth=2, times=2))
    salesforce.sync()
    assert set(salesforce.entry("accounts")) == made


@pytest.mark.parametrize("what", ["error_200", "no_list"])
def test_12_an_answer_without_a_list_is_no_empty_table(salesforce: Vendor, what: Any) -> None:
    made = accounts(salesforce, 6)
    salesforce.sync()
    salesforce.api.faults.append(Fault(what, QUERY, times=99))
    with pytest.raises(SourceFailed, match="answered 200 without a list under 'records'"):
        salesforce.sync()
    assert set(salesforce.entry("accounts")) == made


def test_13_an_api_that_suddenly_has_nothing_stops_the_source(salesforce: Vendor) -> None:
    made = accounts(salesforce, 20)
    salesforce.sync()
    salesforce.api.store.table("Account").clear()
    with pytest.raises(SourceFailed, match="run with --allow-shrink"):
        salesforce.sync()
    assert set(salesforce.entry("accounts")) == made
    salesforce.sync(allow_shrink=True)
    assert salesforce.entry("accounts") == {}


def test_14_a_record_on_two_pages_is_one_record(salesforce: Vendor) -> None:
    made = accounts(salesforce, 12)
    salesforce.api.quirks.page_size, salesforce.api.quirks.duplicates = 5, True
    salesforce.api.quirks.unordered = True
    salesforce.sync()
    assert set(salesforce.entry("accounts")) == made and rows(salesforce) == 12
    assert salesforce.problems() == []


def test_16_a_cursor_that_does_not_move_is_noticed_at_once(salesforce: Vendor) -> None:
    accounts(salesforce, 12)
    salesforce.api.quirks.page_size, salesforce.api.quirks.stuck = 5, True
    with pytest.raises(SourceFailed, match="gave the same page twice"):
        salesforce.sync()
    assert sum("/query/" in path for path in salesforce.paths()) <= 10


def test_18_what_an_index_shows_late_arrives(salesforce: Vendor) -> None:
    accounts(salesforce, 1)
    salesforce.api.quirks.lag_seconds = 1800
    salesforce.sync()
    salesforce.pass_time(minutes=-10)
    late = salesforce.api.org.create("Account", Name="Late")
    salesforce.pass_time(minutes=10)
    salesforce.sync()
    assert late in salesforce.entry("accounts")


def test_18_a_change_from_before_the_overlap_is_found_by_the_count(salesforce: Vendor) -> None:
    accounts(salesforce, 3)
    salesforce.sync()
    salesforce.sync()
    salesforce.pass_time(days=-2)
    old = salesforce.api.org.create("Account", Name="Backdated")
    salesforce.pass_time(days=2)
    salesforce.sync()
    assert old in salesforce.entry("accounts")


def test_20_a_record_of_the_year_2099_hides_no_later_one(salesforce: Vendor) -> None:
    key = salesforce.api.org.create("Account", Name="From the future")
    salesforce.api.store.table("Account")[key]["LastModifiedDate"] = "2099-01-01T00:00:00.000+0000"
    accounts(salesforce, 2)
    salesforce.sync()
    later = salesforce.api.org.create("Account", Name="Later")
    salesforce.sync()
    assert later in salesforce.entry("accounts")


def test_22_and_25_a_retyped_field_rejects_the_version_and_says_so(salesforce: Vendor) -> None:
    org = salesforce.api.org
    deal = org.create("Opportunity", Name="Deal", StageName="Open", Amount=100, IsClosed=False)
    other = org.create("Opportunity", Name="Other", StageName="Open", Amount=7, IsClosed=False)
    salesforce.sync()
    org.update("Opportunity", deal, Amount="a lot")
    salesforce.sync()
    assert salesforce.entry("opportunities")[deal]["amount"] == 100
    ((table, column, problem),) = salesforce.problems()
    assert (table, column) == ("opportunity", "amount") and deal in problem
    org.update("Opportunity", deal, Amount=250)
    salesforce.sync()
    assert {row["amount"] for row in salesforce.entry("opportunities").values()} == {250, 7}
    assert other in salesforce.entry("opportunities")


def test_23_a_new_field_arrives_in_custom_and_a_removed_one_leaves(salesforce: Vendor) -> None:
    key = salesforce.api.org.create("Account", Name="A", Old__c="x")
    salesforce.sync()
    assert salesforce.custom("accounts", key) == {"Old__c": "x"}
    salesforce.api.org.update("Account", key, New__c=5)
    del salesforce.api.store.table("Account")[key]["Old__c"]
    salesforce.sync()
    assert salesforce.custom("accounts", key) == {"New__c": 5}


def test_24_a_column_that_must_be_there_and_is_not_fails_the_source(salesforce: Vendor) -> None:
    key = salesforce.api.org.create("Account", Name="A")
    salesforce.api.store.table("Account")[key]["Id"] = None
    with pytest.raises(SourceFailed, match=r"all 1 rows of Account were rejected"):
        salesforce.sync()


def test_26_fields_that_are_one_column_here_are_refused(salesforce: Vendor) -> None:
    salesforce.api.org.create("Account", Name="A", NAME="B")
    with pytest.raises(SourceFailed, match=r"the fields '(Name|NAME)' and '(Name|NAME)'"):
        salesforce.sync()


def test_28_a_purged_record_is_gone_and_the_others_stay(salesforce: Vendor) -> None:
    made = accounts(salesforce, 5)
    salesforce.sync()
    purged = sorted(made)[0]
    salesforce.api.org.purge("Account", purged)
    assert salesforce.sync()["account"].rows_deleted == 1
    assert set(salesforce.entry("accounts")) == made - {purged}


def test_38_and_39_no_secret_and_no_request_goes_anywhere_else(
    salesforce: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Spy(BaseHTTPRequestHandler):
        asked: list[str] = []  # noqa: RUF012

        def do_GET(self) -> None:
            self.asked.append(self.path)

    other = HTTPServer(("127.0.0.1", 0), Spy)
    threading.Thread(target=other.serve_forever, args=(0.05,), daemon=True).start()
    elsewhere = f"http://127.0.0.1:{other.server_address[1]}/stolen"
    accounts(salesforce, 1)
    secret = "canary-9c1e"
    salesforce.api.credentials = {"client_id": "app", "client_secret": secret}
    monkeypatch.setenv("REVOPS_CRM_CLIENT_ID", "app")
    monkeypatch.setenv("REVOPS_CRM_CLIENT_SECRET", secret)
    failures: list[Callable[[], object]] = [
        lambda: salesforce.api.faults.append(Fault("redirect", QUERY, headers={"Location": elsewhere})),
        lambda: salesforce.api.faults.append(Fault("status", QUERY, status=400, body=f"who is {secret}?")),
        lambda: salesforce.api.faults.append(Fault("status", "/token", status=500, body=secret, times=9)),
        lambda: setattr(salesforce.api, "_page", lambda *page: _page_that_leads(elsewhere)),
    ]
    said = []
    for fail in failures:
        fail()
        with pytest.raises(SourceFailed) as failure:
            salesforce.sync()
        said.append(str(failure.value))
        salesforce.api.faults.clear()
    other.shutdown()
    assert Spy.asked == []
    assert "another host" in said[3] and "redirects" in said[0]
    assert not any(secret in sentence for sentence in said)
    found = [
        path
        for folder, _, names in os.walk(tmp_path)
        for path in (Path(folder) / name for name in names)
        if secret.encode() in path.read_bytes()
    ]
    assert found == []


def _page_that_leads(elsewhere: str) -> Any:
    from sandbox.vendors.server import Answer

    return Answer({"totalSize": 2, "done": False, "records": [{"Id": "1"}], "nextRecordsUrl": elsewhere})


def test_a_token_that_expires_on_the_way_is_renewed(salesforce: Vendor) -> None:
    made = accounts(salesforce, 12)
    salesforce.api.quirks.page_size = 5
    salesforce.api.faults.append(Fault("expire", "/query/", times=1))
    salesforce.sync()
    assert set(salesforce.entry("accounts")) == made


def test_a_wrong_secret_and_a_missing_one_are_told_apart(
    salesforce: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVOPS_CRM_CLIENT_SECRET", "wrong")
    with pytest.raises(SourceFailed, match="does not take the credentials"):
        salesforce.check()
    monkeypatch.delenv("REVOPS_CRM_CLIENT_SECRET")
    with pytest.raises(ConfigurationError, match=r"set REVOPS_CRM_CLIENT_SECRET \(consumer secret"):
        salesforce.check()


def test_check_names_every_permission_that_is_missing(salesforce: Vendor) -> None:
    assert len(salesforce.check()) == 6
    salesforce.api.hidden |= {"Account", "Task", "OpportunityFieldHistory"}
    with pytest.raises(SourceFailed, match="lacks Read on Account, Read on Task; grant it"):
        salesforce.check()


def test_an_answer_without_end_is_cut_off(salesforce: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_ANSWER_BYTES", 4 * 2**20)
    salesforce.api.faults.append(Fault("huge", QUERY))
    with pytest.raises(SourceFailed, match="more than 4 MB in one answer"):
        salesforce.sync()


def test_a_first_load_that_dies_takes_up_behind_the_finished_tables(salesforce: Vendor) -> None:
    made = accounts(salesforce, 12)
    salesforce.api.quirks.page_size = 5
    salesforce.api.faults.append(Fault("status", "/sobjects/Task/describe", status=400, times=1))
    with pytest.raises(SourceFailed):
        salesforce.sync()
    salesforce.paths()
    salesforce.sync()
    asked = [request for request in salesforce.api.requests if request.path.endswith(QUERY)]
    assert not any(" FROM Account" in request.get("q") for request in asked), "read again"
    assert any(" FROM Task" in request.get("q") for request in asked)
    assert set(salesforce.entry("accounts")) == made
    assert not (salesforce.home / "checkpoints" / "crm").exists()


def test_a_change_costs_pages_in_proportion(salesforce: Vendor) -> None:
    made = sorted(accounts(salesforce, 60))
    salesforce.pass_time(hours=3)
    accounts(salesforce, 1)
    salesforce.api.quirks.page_size = 5
    salesforce.sync()
    for key in made[:3]:
        salesforce.api.org.update("Account", key, Name="Changed")
    salesforce.paths()
    salesforce.sync()
    pages = [path for path in salesforce.paths() if "/query/" in path]
    assert pages == []


def test_an_object_too_wide_for_a_request_line_is_read_in_portions(salesforce: Vendor) -> None:
    wide = {f"Field_with_a_rather_long_name_{number:04d}__c": number for number in range(600)}
    first = salesforce.api.org.create("Account", Name="Wide", **wide)
    second = salesforce.api.org.create("Account", Name="Also wide", **wide)
    salesforce.sync()
    assert set(salesforce.entry("accounts")) == {first, second}
    assert salesforce.custom("accounts", first) == wide
