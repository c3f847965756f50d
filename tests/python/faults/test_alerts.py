"""Faults 36 and 50: a failure is said once, to a real mail server and a real receiver; one that is down costs
nothing but a wait.
"""

import json
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import duckdb
import pytest
from pretend import PretendedModels, run_steps, write_company

from orchestration import alerts
from orchestration.alerts import Alert
from orchestration.errors import AuditFailed
from orchestration.runlog import RunRecord
from orchestration.settings import Settings, load_settings

AS_OF = date(2026, 3, 31)


class _Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs that delivers one message."""

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            match line.split(" ")[0].upper():
                case "EHLO":
                    self._say("250 here")
                case "DATA":
                    self._say("354 go on")
                    body = []
                    while (text := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                        body.append(text)
                    self.server.received.append("\n".join(body))  # type: ignore[attr-defined]
                    self._say("250 kept")
                case "QUIT":
                    return self._say("221 bye")
                case _:
                    self._say("250 fine")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.received.append(body["text"])  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    yield from _served(
        socketserver.TCPServer(("127.0.0.1", 0), _Mail), "REVOPS_ALERT_SMTP", "smtp", monkeypatch
    )


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    yield from _served(HTTPServer(("127.0.0.1", 0), _Hook), "REVOPS_ALERT_WEBHOOK", "http", monkeypatch)


def _served(
    server: socketserver.TCPServer, variable: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[str]]:
    server.received = []  # type: ignore[attr-defined]
    monkeypatch.setenv(variable, f"{scheme}://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.received  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def _settings(root: Path) -> Settings:
    write_company(root)
    with (root / "revops.yml").open("a") as file:
        file.write("alerts: {webhook: true, email: [ops@example.com, boss@example.com]}\n")
    return load_settings(root / "revops.yml")


def test_a_failed_audit_is_said_once_to_both_and_again_when_it_comes_back(
    tmp_path: Path, models: PretendedModels, mail: list[str], hook: list[str]
) -> None:
    settings, home = _settings(tmp_path), tmp_path / "home"
    run_steps(settings, home, as_of=AS_OF)
    assert (mail, hook) == ([], []), "nothing is said when all is well"
    for _ in range(3):
        models.reconciliation = "mismatch"
        with pytest.raises(AuditFailed):
            run_steps(settings, home, as_of=AS_OF)

    assert len(hook) == 1 and "operations.reconciliation has 1 rows" in hook[0]
    assert len(mail) == 1 and "Subject: The audit failed; readers keep the version before" in mail[0]
    assert "To: ops@example.com, boss@example.com" in mail[0]
    assert "'status'" not in mail[0], "samples of rows stay in the log"
    models.reconciliation = "match"
    run_steps(settings, home, as_of=AS_OF)
    assert len(hook) == 1
    models.reconciliation = "mismatch"
    with pytest.raises(AuditFailed):
        run_steps(settings, home, as_of=AS_OF)
    assert len(hook) == 2 and len(mail) == 2


def test_an_endpoint_that_is_down_lets_the_run_succeed_and_is_told_later(
    tmp_path: Path, mail: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, home = _settings(tmp_path), tmp_path / "home"
    monkeypatch.setenv("REVOPS_ALERT_WEBHOOK", "http://127.0.0.1:9/secret-path")
    found = [Alert("failure:x", "Broken", "Something broke.")]

    (said,) = alerts.send(settings, home, found, ("failure",))

    assert "webhook" in said and "they wait" in said and "secret-path" not in said
    assert len(mail) == 1
    with pytest.MonkeyPatch.context() as patch:
        for received in _served(HTTPServer(("127.0.0.1", 0), _Hook), "REVOPS_ALERT_WEBHOOK", "http", patch):
            assert alerts.send(settings, home, [], ("failure",)) == []
            assert received == ["*Broken*\nSomething broke."]
            assert alerts.send(settings, home, [], ("failure",)) == []
            assert len(received) == 1
    assert len(mail) == 1


def test_no_message_holds_an_address_a_password_or_more_than_a_line(
    tmp_path: Path, hook: list[str], mail: list[str]
) -> None:
    record = RunRecord("r", "2026-03-31T00:00:00", None, "source_failed", 3, "2026-03-31")
    message = "Source crm: jane@example.com, password=canary-1 at postgresql://u:canary-2@db.\n  {'row': 1}"

    alerts.after_run(_settings(tmp_path), tmp_path / "home", replace(record, message=message))

    assert len(hook) == 1
    for text in (*hook, *mail):
        assert "jane" not in text and "canary" not in text and "row" not in text


def test_a_sentence_that_differs_in_its_numbers_only_is_the_same(tmp_path: Path, hook: list[str]) -> None:
    record = RunRecord("r", "2026-03-31T00:00:00", None, "failed", 1, "2026-03-31")

    keys = {alerts.failures(replace(record, message=f"{n} rows are wrong."))[0].key for n in (3, 17)}

    assert len(keys) == 1


def test_old_data_is_said_by_source(tmp_path: Path) -> None:
    from synthetic import MANIFEST, write_build

    from orchestration.publish.candidate import write_candidate
    from orchestration.publish.versions import publish
    from orchestration.warehouse import open_build

    settings, home = _settings(tmp_path), tmp_path / "home"
    write_build(home / "work/1/build.duckdb")
    now = datetime.now(UTC).replace(tzinfo=None)
    with open_build(home / "work/1/build.duckdb") as con:
        con.execute(
            "create table operations.source_freshness (source_system varchar, last_read_at timestamp)"
        )
        for source, hours in (("crm", 35), ("billing", 37), ("billing", 90)):
            con.execute(
                "insert into operations.source_freshness values (?, ?)",
                [source, now - timedelta(hours=hours)],
            )
    write_candidate(home / "work/1/build.duckdb", home / "work/1/candidate", MANIFEST, "masked")
    publish(home, home / "work/1/candidate", {"run_id": "1", "as_of": "2026-03-31"})

    found = alerts.stale(settings, home)

    assert [alert.key for alert in found] == ["stale:billing"]
    assert "more than 36 hours ago" in found[0].text


def test_the_digest_of_a_week_is_said_once(tmp_path: Path, hook: list[str], mail: list[str]) -> None:
    from small_company import publish_company

    settings, home = _settings(tmp_path), tmp_path / "home"
    publish_company(home)
    week = [datetime(2026, 3, 30) + timedelta(days=days) for days in (0, 6, 7)]

    for day in week:
        alerts.send(settings, home, alerts.digest(home, day), ("failure",))

    assert len(hook) == len(mail) == 2
    assert "KPIs of March 2026" in hook[0] and "Win rate: 66.7 %" in hook[0]


def test_the_digest_says_what_broke_with_its_history(tmp_path: Path) -> None:
    from orchestration.alerts import _anomalies

    with duckdb.connect(str(tmp_path / "revops.duckdb")) as con:
        con.execute("""
            create schema metrics;
            create table metrics.kpi_catalog as
            select 'win_rate' as kpi, 'default' as variant, 'Win rate' as title;
            create table metrics.kpi_values as select 'EUR' as currency_code;
            create table metrics.kpi_anomalies as
            select 'win_rate' as kpi, 'lead_source' as dimension, 'Web ' || n as dimension_value,
                0.1 as value, 0.5 as expected, 'ratio' as unit, 10.0 - n as deviation, n > 0 as is_anomaly
            from (select range as n from range(8)) as numbers
        """)
        said = _anomalies(con)
    assert said[0] == "Unusual: Win rate of lead source Web 1 is 10.0 %, 50.0 % was to be expected."
    assert len(said) == 6 and said[-1] == "and 2 more in metrics.kpi_anomalies."
