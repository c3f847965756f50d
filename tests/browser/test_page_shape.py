"""The page asks nobody, fits, prints, reads aloud, and survives what people type into names."""

import hashlib
import json
import re
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import page_data
import pytest
from opening import Opened, Opener, written
from small_files import MONTHS, Deal, SmallFile, Value, write

from orchestration.contract import PROJECT_ROOT

TABS = ("executive", "marketing", "sales", "customer_success", "revenue_operations", "definitions")
SCRIPT = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
HOSTILE = {
    "markup": SCRIPT,
    "quotes": "\"'`</script><!-- ${1} \\u003c {{ data }}",
    "right to left": "\u202eשלום عميل\u202c",
    "emoji": "🦄" * 20,
    "long": "W" * 5000,
    "formula": '=cmd|"/c calc"!A1',
}
AXE = Path(__file__).parent / "vendor" / "axe.min.js"


LEVEL_AA = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
# The one rule whose outcome depends on the colours.
CONTRAST = ("color-contrast",)


def axe_findings(opened: Opened, rules: Sequence[str] = LEVEL_AA) -> list[str]:
    """What axe finds by these rules or tags, one line each."""
    # Evaluated by the browser itself, so that the page's own policy need not allow it.
    opened.page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = opened.page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", list(rules)
    )
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:160]} {each['nodes'][0]['failureSummary'][:200]}"
        for each in found["violations"]
    ]


@pytest.mark.parametrize("tab", TABS)
def test_axe_finds_nothing_at_aa_in_light_and_dark(tab: str, company_page: Path, open_page: Opener) -> None:
    opened = open_page(company_page, f"tab={tab}", color_scheme="light")
    assert axe_findings(opened) == []
    opened.page.emulate_media(color_scheme="dark")
    assert axe_findings(opened, CONTRAST) == []


def test_axe_finds_nothing_in_the_details_and_in_tables(company_page: Path, open_page: Opener) -> None:
    opened = open_page(company_page, "segment=SMB&show=win_rate", color_scheme="light")
    opened.page.wait_for_selector("dialog[open] .record-set")
    assert axe_findings(opened) == []
    opened.page.emulate_media(color_scheme="dark")
    assert axe_findings(opened, CONTRAST) == []
    opened.page.keyboard.press("Escape")
    for button in opened.page.get_by_role("button", name="Table").all():
        button.click()
    assert axe_findings(opened, CONTRAST) == []
    opened.page.emulate_media(color_scheme="light")
    assert axe_findings(opened) == []


@pytest.mark.parametrize("tab", TABS)
def test_a_phone_shows_each_tab_without_scrolling_sideways(
    tab: str, company_page: Path, open_page: Opener
) -> None:
    opened = open_page(company_page, f"tab={tab}", viewport={"width": 390, "height": 844})
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert overlapping_labels(opened) == []


def overlapping_labels(opened: Opened) -> list[str]:
    """Pairs of texts inside one chart that lie on each other."""
    found: list[str] = opened.page.evaluate(
        """() => {
            const boxes = (chart) => [...chart.querySelectorAll("text")]
                .map((each) => ({ text: each.textContent, box: each.getBoundingClientRect() }));
            const touch = (a, b) => a.left < b.right - 2 && b.left < a.right - 2
                && a.top < b.bottom - 3 && b.top < a.bottom - 3;
            const pairs = (all) => all.flatMap((one, index) => all.slice(index + 1)
                .filter((other) => touch(one.box, other.box)).map((other) => `${one.text} / ${other.text}`));
            return [...document.querySelectorAll(".chart")].flatMap((chart) =>
                pairs(boxes(chart)).map((pair) => `${chart.ariaLabel.slice(0, 40)}: ${pair}`));
        }"""
    )
    return found


@pytest.mark.parametrize("tab", TABS)
def test_paper_gets_every_chart_and_no_controls(tab: str, company_page: Path, open_page: Opener) -> None:
    opened = open_page(company_page, f"tab={tab}")
    pdf = opened.page.pdf(prefer_css_page_size=True, print_background=True)
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 1 <= pages <= 16
    sizes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", pdf)
    assert sizes
    assert all((round(float(width)), round(float(height))) == (842, 595) for width, height in sizes)
    opened.page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    opened.page.emulate_media(media="print")
    assert opened.page.locator("#filters").is_hidden()
    wide: list[str] = opened.page.evaluate(
        "() => [...document.querySelectorAll('.chart svg, table')]"
        ".filter((each) => each.getBoundingClientRect().right > 1048)"
        ".map((each) => each.outerHTML.slice(0, 80))"
    )
    assert wide == []


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_in_names_stays_text(kind: str, tmp_path: Path, open_page: Opener) -> None:
    text = HOSTILE[kind]
    values = [
        Value(share=(1, 2)),
        Value(dimension="segment", dimension_value=text, share=(1, 2)),
        *(Value(grain="month", period=month, share=(1, 2)) for month in MONTHS),
    ]
    deals = [Deal("d1", text, account=text, segment=text), Deal("d2", text, account=text, is_won=False)]
    content = SmallFile(values=values, deals=deals, findings=[text])
    page = written(write(tmp_path / "revops.duckdb", content), tmp_path)
    opened = open_page(page, "tab=executive")
    opened.page.locator("summary[data-control=segment]").click()
    opened.page.locator(".choice input").first.check()
    opened.page.wait_for_selector(".filter[data-active=true]")
    opened.page.evaluate("() => { location.hash = location.hash + '&show=win_rate'; }")
    opened.page.wait_for_selector("dialog[open] .record-set")
    shown = opened.page.locator(".record-set tbody").first.text_content() or ""
    assert text[:150] in shown
    assert opened.page.title() != "taken"
    assert opened.page.locator("img, iframe").count() == 0
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 1440
    assert opened.errors == []


def test_a_file_with_definitions_only_still_makes_a_page(tmp_path: Path, open_page: Opener) -> None:
    values = [Value(grain="all_time", null_reason="missing_input:opportunities")]
    page = written(write(tmp_path / "revops.duckdb", SmallFile(values=values)), tmp_path)
    for tab in TABS:
        opened = open_page(page, f"tab={tab}")
        assert opened.errors == []
        empty = opened.page.locator(".block.is-missing, .block.is-empty")
        assert all(text.strip() for text in empty.locator(".block-empty").all_inner_texts())
        assert opened.page.locator(".chart").count() == 0


def test_the_same_published_file_gives_the_same_bytes(published: Path, tmp_path: Path) -> None:
    pages = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        pages.append(hashlib.sha256(written(published, tmp_path / name).read_bytes()).hexdigest())
    assert pages[0] == pages[1]


def test_the_page_is_built_quickly_stays_small_and_draws_quickly(
    published: Path, company_page: Path, tmp_path: Path, open_page: Opener
) -> None:
    times = []
    for _ in range(2):
        began = time.process_time()
        written(published, tmp_path)
        times.append(time.process_time() - began)
    built = min(times)
    assert built < 2
    assert company_page.stat().st_size < 3_000_000
    opened = open_page(company_page)
    session = opened.page.context.new_cdp_session(opened.page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    opened.page.reload()
    opened.page.wait_for_function("() => document.documentElement.dataset.ready === 'true'")
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    busy = metrics["ScriptDuration"] + metrics["LayoutDuration"] + metrics["RecalcStyleDuration"]
    print(f"{company_page.stat().st_size:,} bytes, built in {built:.2f} s, drawn in {busy:.2f} s")
    assert 0 < busy < 1


def test_a_page_of_a_large_warehouse_stays_below_its_limit(tmp_path: Path) -> None:
    values = [
        Value(share=(index, 2 * index + 1), dimension="segment", dimension_value=f"{index} " + "z" * 80)
        for index in range(1, 400)
    ]
    content = SmallFile(values=[Value(share=(20_000, 20_000)), *values], deals=[Deal("d", "y" * 150)])
    file = write(tmp_path / "revops.duckdb", content)
    with duckdb.connect(str(file)) as con:
        con.execute(
            "insert into revenue.opportunities select deals.* replace ('id' || number as opportunity_id,"
            " 'id' || number || repeat('x', 40) as source_id, number || deals.name as name)"
            " from revenue.opportunities as deals, range(20000) as numbers(number)"
        )
    page = written(file, tmp_path)
    assert page.stat().st_size < 3_000_000
    assert page_data.read(page)["records"]["opportunities"]["total"] == 20_001


def test_the_open_page_keeps_working_when_its_file_is_replaced(tmp_path: Path, open_page: Opener) -> None:
    first = write(tmp_path / "one.duckdb", SmallFile(values=[Value(share=(1, 2))]))
    second = write(tmp_path / "two.duckdb", SmallFile(values=[Value(share=(3, 4))]))
    opened = open_page(written(first, tmp_path))
    written(second, tmp_path)
    opened.go("grain=quarter&tab=sales")
    shown = opened.page.locator(".card[data-kpi=win_rate] data")
    assert shown.get_attribute("value") == "0.5"
    opened.page.reload()
    assert shown.get_attribute("value") == "0.75"


def test_the_vendored_libraries_are_the_files_their_checksums_name() -> None:
    for folder in (PROJECT_ROOT / "orchestration" / "dashboard" / "vendor", AXE.parent):
        for listed in folder.glob("*.sha256"):
            digest, name = listed.read_text(encoding="ascii").split()
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    package = json.loads(
        (PROJECT_ROOT / "orchestration/dashboard/vendor/package.json").read_text(encoding="utf-8")
    )
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", pin) for pin in package["devDependencies"].values())


def test_the_date_of_the_data_is_always_in_sight(company_page: Path, open_page: Opener) -> None:
    opened = open_page(company_page)
    shown = opened.page.locator("#as-of time")
    assert date.fromisoformat(shown.get_attribute("datetime") or "")
    opened.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    box = shown.bounding_box()
    assert box
    assert 0 <= box["y"] < 900
