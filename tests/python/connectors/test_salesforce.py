"""The Salesforce connector against an org whose records the test makes by hand."""

from decimal import Decimal

from vendor import Vendor


def test_what_is_created_changed_deleted_and_restored_arrives(salesforce: Vendor) -> None:
    org = salesforce.api.org
    first = org.create("Account", Name="Northwind", BillingCity="Kiel", Rating__c="Hot")
    second = org.create("Account", Name="Contoso")
    assert salesforce.sync()["account"].rows_appended == 2
    assert {row["name"] for row in salesforce.entry("accounts").values()} == {"Northwind", "Contoso"}
    assert salesforce.custom("accounts", first) == {"Rating__c": "Hot"}

    org.update("Account", first, Name="Northwind Ltd")
    org.delete("Account", second)
    assert salesforce.sync()["account"].rows_appended == 2
    assert {row["name"] for row in salesforce.entry("accounts").values()} == {"Northwind Ltd"}

    org.undelete("Account", second)
    salesforce.sync()
    assert len(salesforce.entry("accounts")) == 2
    assert salesforce.sync()["account"].rows_appended == 0


def test_a_deal_is_closed_when_it_entered_its_closed_stage(salesforce: Vendor) -> None:
    org = salesforce.api.org
    deal = org.create(
        "Opportunity",
        Name="Big",
        StageName="Won",
        Amount=1234.56,
        Probability=100,
        IsClosed=True,
        CloseDate="2026-11-30",
        Type="New Business",
    )
    org.create("OpportunityHistory", OpportunityId=deal, StageName="Open", Amount=1000)
    salesforce.pass_time(days=3)
    closed = salesforce.now
    org.create("OpportunityHistory", OpportunityId=deal, StageName="Won", Amount=1234.56)
    salesforce.sync()
    row = salesforce.entry("opportunities")[deal]
    assert (row["closed_at"], row["amount"], row["probability"]) == (closed, Decimal("1234.56"), 1.0)
    assert row["kind"] == "new_business"
    changes = {row["field"]: row["old_value"] for row in salesforce.entry("opportunity_changes").values()}
    assert changes == {"stage": "Open", "amount": "1000.0000"}
