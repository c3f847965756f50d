"""Tells people what they must know: a run that failed, data that grew old, something unusual; and once a week
how the ten KPIs stand. Nothing is said twice, and nothing when all is well.
"""

import hashlib
import json
import os
import re
import smtplib
import ssl
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb

from orchestration.errors import RevopsError
from orchestration.publish.versions import current_version
from orchestration.runlog import RunRecord, redact
from orchestration.settings import Settings, alert_smtp, alert_webhook
from orchestration.warehouse import open_published, tables

_TIMEOUT_SECONDS = 10
_KEEP_QUEUED = timedelta(days=7)
_MOST_ANOMALIES = 5
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_FAILED = {
    "failed": "The run stopped",
    "audit_failed": "The audit failed; readers keep the version before",
    "source_failed": "A source failed; readers keep the version before",
}


@dataclass(frozen=True)
class Alert:
    """One message. The same `key` is not sent again while what it says goes on."""

    key: str
    title: str
    text: str


def after_run(settings: Settings, home: Path, record: RunRecord, unusual: Sequence[str] = ()) -> list[str]:
    """Send what the end of a run gives reason to say; returns what could not be delivered and waits."""
    found = [*failures(record), *stale(settings, home)]
    found += [Alert(f"anomaly:{_short(sentence)}", "Unusual numbers", sentence) for sentence in unusual]
    if record.status in ("published", "unchanged"):
        found += digest(home, datetime.fromisoformat(record.started_at))
    return send(settings, home, found, ("failure", "stale", "published", "anomaly"))


def failures(record: RunRecord) -> list[Alert]:
    """The failure of a run, if it failed. The first line of its sentence only: samples of rows stay here."""
    if record.status not in _FAILED:
        return []
    sentence = record.message.splitlines()[0] if record.message else record.status
    return [Alert(f"failure:{record.status}:{_short(sentence)}", _FAILED[record.status], sentence)]


def stale(settings: Settings, home: Path) -> list[Alert]:
    """Sources of the published version that have not been read for longer than the configuration allows."""
    if current_version(home) is None:
        return []
    allowed = settings.alerts.stale_after_hours
    limit = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=allowed)
    try:
        with open_published(home) as con:
            if "source_freshness" not in tables(con, "revops", "operations"):
                return []
            rows = con.execute(
                "select source_system, max(last_read_at) from operations.source_freshness"
                " group by source_system having max(last_read_at) < ? order by source_system",
                [limit],
            ).fetchall()
    except RevopsError as failure:
        return [Alert("published:unreadable", "The published file cannot be read", str(failure))]
    return [
        Alert(
            f"stale:{source}",
            "Old data",
            f"Source {source} was read last on {read_at:%Y-%m-%d %H:%M} UTC, more than {allowed} hours ago.",
        )
        for source, read_at in rows
    ]


def digest(home: Path, now: datetime) -> list[Alert]:
    """The ten KPIs against their targets, with a key of its own every week."""
    from orchestration.scorecard import change, format_value, null_reason_text, scorecard

    with open_published(home) as con:
        if not {"kpi_catalog", "kpi_values"} <= tables(con, "revops", "metrics").keys():
            return []
        month, scores = scorecard(con)
        unusual = _anomalies(con)
    if month is None:
        return []
    lines = []
    for score in scores:
        reading = score.month
        said = (
            null_reason_text(reading.null_reason)
            if reading.value is None
            else format_value(reading.value, score.unit, score.currency)
        )
        versus = f", {change(reading, score.unit)}" if change(reading, score.unit) else ""
        target = (
            f", target {format_value(score.goal.target, score.unit, score.currency)} ({score.goal.status})"
            if score.goal is not None
            else ""
        )
        lines.append(f"{score.title}: {said}{versus}{target}")
    year, week, _ = now.isocalendar()
    return [Alert(f"digest:{year}-W{week:02}", f"KPIs of {month:%B %Y}", "\n".join([*lines, *unusual]))]


def _anomalies(con: duckdb.DuckDBPyConnection) -> list[str]:
    """What broke with its history in the last complete month beyond chance, the farthest first."""
    from orchestration.scorecard import format_value

    if "kpi_anomalies" not in tables(con, "revops", "metrics"):
        return []
    rows = con.execute(
        "select catalog.title, found.dimension, found.dimension_value, found.value, found.expected,"
        " found.unit, currency.currency_code from metrics.kpi_anomalies as found"
        " inner join metrics.kpi_catalog as catalog"
        " on catalog.kpi = found.kpi and catalog.variant = 'default'"
        " cross join (select max(currency_code) as currency_code from metrics.kpi_values) as currency"
        " where found.is_anomaly"
        " order by found.deviation desc, catalog.title, found.dimension, found.dimension_value"
    ).fetchall()
    said = []
    for title, dimension, name, value, expected, unit, currency in rows[:_MOST_ANOMALIES]:
        where = "" if dimension == "all" else f" of {dimension.replace('_', ' ')} {name}"
        shown, usual = (format_value(each, unit, currency or "") for each in (value, expected))
        said.append(f"Unusual: {title}{where} is {shown}, {usual} was to be expected.")
    if len(rows) > _MOST_ANOMALIES:
        said.append(f"and {len(rows) - _MOST_ANOMALIES} more in metrics.kpi_anomalies.")
    return said


def send(settings: Settings, home: Path, found: Sequence[Alert], kinds: Sequence[str]) -> list[str]:
    """Deliver what was not said yet, after what is waiting; returns a sentence per channel that fails.

    An alert of these `kinds`, which their keys begin with, that is not found any more is over.
    """
    channels = [
        *(["webhook"] if settings.alerts.webhook else []),
        *(["email"] if settings.alerts.email else []),
    ]
    if not channels:
        return []
    state = _State(home / "alerts" / "state.json")
    now = datetime.now(UTC)
    for alert in found:
        if state.is_news(alert.key, now):
            clean = Alert(alert.key, _clean(alert.title), _clean(alert.text))
            state.queue += [{"channel": each, "at": now.isoformat(), **asdict(clean)} for each in channels]
    state.forget_what_ended({alert.key for alert in found}, kinds)
    broken: dict[str, str] = {}
    waiting = []
    for item in state.queue:
        channel = item["channel"]
        if channel in channels and channel not in broken:
            try:
                _deliver(settings, channel, Alert(item["key"], item["title"], item["text"]))
                continue
            except (OSError, smtplib.SMTPException, ValueError, RevopsError) as failure:
                broken[channel] = redact(f"{type(failure).__name__}: {failure}")
        if now - datetime.fromisoformat(item["at"]) < _KEEP_QUEUED:
            waiting.append(item)
    state.queue = waiting
    state.write()
    return [
        f"The {channel} of alerts cannot be reached ({why}); they wait." for channel, why in broken.items()
    ]


class _State:
    """What was said, and what waits for a channel that could not be reached."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._said: dict[str, str] = {}
        self.queue: list[dict[str, str]] = []
        if path.exists():
            try:
                document = json.loads(path.read_text(encoding="utf-8"))
                self._said, self.queue = document["said"], document["queue"]
            except (ValueError, KeyError, TypeError):
                # A file that a crash cut short costs a message said twice, not the run.
                return

    def is_news(self, key: str, now: datetime) -> bool:
        """Whether this was not said yet; from now on it was."""
        if key in self._said:
            return False
        self._said[key] = now.isoformat()
        return True

    def forget_what_ended(self, active: set[str], kinds: Sequence[str]) -> None:
        """What is over may be said again when it comes back; a week's digest is said once."""
        self._said = {
            key: at for key, at in self._said.items() if key in active or key.partition(":")[0] not in kinds
        }

    def write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps({"said": self._said, "queue": self.queue}), encoding="utf-8")
        os.replace(draft, self._path)


def _deliver(settings: Settings, channel: str, alert: Alert) -> None:
    if channel == "webhook":
        body = json.dumps({"text": f"*{alert.title}*\n{alert.text}"}).encode()
        request = urllib.request.Request(
            alert_webhook(), data=body, headers={"Content-Type": "application/json"}, method="POST"
        )
        with _opener().open(request, timeout=_TIMEOUT_SECONDS):
            return
    message = EmailMessage()
    message["Subject"] = alert.title
    message["From"] = settings.alerts.sender
    message["To"] = ", ".join(settings.alerts.email)
    message.set_content(alert.text)
    server = urlsplit(alert_smtp())
    host, port = server.hostname or "localhost", server.port
    context = ssl.create_default_context()
    with (
        smtplib.SMTP_SSL(host, port or 465, timeout=_TIMEOUT_SECONDS, context=context)
        if server.scheme == "smtps"
        else smtplib.SMTP(host, port or 25, timeout=_TIMEOUT_SECONDS)
    ) as smtp:
        if server.scheme == "smtp+starttls":
            smtp.starttls(context=context)
        if server.username:
            smtp.login(unquote(server.username), unquote(server.password or ""))
        smtp.send_message(message)


def _opener() -> urllib.request.OpenerDirector:
    """Without redirects: an alert goes where it was sent and nowhere else."""

    class Refuse(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *arguments: object) -> None:
            return None

    return urllib.request.build_opener(Refuse)


def _clean(text: str) -> str:
    return _ADDRESS.sub("***", redact(text))


def _short(text: str) -> str:
    # Counts and times in a sentence do not make it another one.
    return hashlib.sha256(re.sub(r"\d+", "0", text).encode()).hexdigest()[:12]
