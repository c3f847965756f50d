"""Whatever text a CSV writer writes, the log holds it unchanged."""

import csv
import json
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from orchestration.errors import RevopsError

WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
AMOUNTS = st.none() | st.decimals(
    min_value=-(10**13), max_value=10**13, places=4, allow_nan=False, allow_infinity=False
)
RECORDS = st.lists(st.tuples(WORDS, WORDS, AMOUNTS), min_size=1, max_size=25)
DELIMITERS = st.sampled_from([",", ";", "\t", "|"])
# Every example is a load of about a second, so few are tried and none is shrunk.
LOADS = settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
LINE_ENDS = st.sampled_from(["\n", "\r\n"])


@pytest.mark.slow
@LOADS
@given(records=RECORDS, delimiter=DELIMITERS, line_end=LINE_ENDS)
def test_csv_values_survive_the_way_into_the_log(company, records, delimiter, line_end):
    with (company.folder / "opportunities.csv").open("w", newline="", encoding="utf-8") as file:
        # With \n as its line end, Python's writer leaves a lone \r without the quotes of RFC 4180.
        quoting = csv.QUOTE_ALL if line_end == "\n" else csv.QUOTE_MINIMAL
        writer = csv.writer(file, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
        writer.writerow(["source_id", "stage", "name", "amount", "note"])
        for number, (name, note, amount) in enumerate(records):
            writer.writerow([f"d{number}", "Open", name, "" if amount is None else amount, note])
    company.extract(allow_shrink=True)
    current = {key: row for key, row in company.current("opportunities").items() if not row["_is_deleted"]}
    assert len(current) == len(records)
    for number, (name, note, amount) in enumerate(records):
        found = current[f"d{number}"]
        assert found["name"] == (name.strip() or None)
        assert found["amount"] == (None if amount is None else Decimal(amount))
        assert (json.loads(found["custom"] or "{}")).get("note") == (note.strip() or None)


@pytest.mark.slow
@LOADS
@given(content=st.binary(max_size=300))
def test_no_bytes_lead_to_anything_but_a_load_or_a_sentence(company, content):
    (company.folder / "opportunities.csv").write_bytes(b"source_id,stage,name\n" + content)
    try:
        company.extract(allow_shrink=True)
    except RevopsError as failure:
        assert "\n" not in str(failure)
