"""For whoever keeps the service running: is it well, in a word (``/healthz``), in numbers (``/metrics``), for people (``/status``).

None of the three names an address or says what went wrong: that stands in the log, in ``doctor`` and in the operator's mail.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from db import confirmations, incidents, outbox, vitals
from db.connection import History
from db.incidents import DELIVERY, IN_PART
from jobs.surroundings import Surroundings, from_stamp, log
from registry_sync import __version__
from registry_sync.errors import DatabaseError
from registry_sync.notices.clean import one_line
from registry_sync.notices.i18n import Translator, translator
from registry_sync.sources.interface import CTGOV
from registry_sync.web.counting import Counts
from registry_sync.web.pages import around_of, language_of, page, readers_of

LATE_AFTER = 3
"""A sync is late when its line in the schedule has come so often since the last good one began."""
SHOWN_FOR = 14
"""Days for which trouble that is over is told."""
PREFIX = "registry_sync_"
METRICS = "text/plain; version=0.0.4; charset=utf-8"

_Sample = tuple[Mapping[str, str], float]


def healthz(request: Request) -> Response:
    """200 while the database can be read and the last good sync is not too old; else 503 and which of them it is."""
    around = around_of(request)
    wrong = []
    try:
        with readers_of(request).open() as history:
            if sync_is_late(around, history):
                wrong.append("sync")
    except DatabaseError as error:
        log.warning("%s", error)
        wrong.append("database")
    body = msgspec.json.encode({"status": "unwell" if wrong else "well", "wrong": wrong})
    return Response(body, 503 if wrong else 200, media_type="application/json")


def sync_is_late(around: Surroundings, history: History) -> bool:
    """Has the registry been watched for longer than three of its rhythms without a good sync?"""
    from jobs.triggers import next_after

    since = vitals.watching_since(history)
    if since is None:
        return False
    at = from_stamp(max(since, vitals.last_good_sync(history) or since))
    for _ in range(LATE_AFTER):
        fires = next_after(around.settings.schedule.sync, around.settings.schedule.timezone, at)
        if fires is None:
            return False
        at = fires
    return at < around.now()


# --- numbers -----------------------------------------------------------------------------------------------------------


def metrics(request: Request) -> Response:
    """The same in the text format of Prometheus."""
    around = around_of(request)
    counts: Counts = request.state.counts
    try:
        with readers_of(request).open() as history:
            lines = [line for name, help_, samples in _families(around, history) for line in _family(name, help_, samples)]
    except DatabaseError as error:
        log.warning("%s", error)
        return Response("The database cannot be read.\n", 503, media_type="text/plain", headers={"Retry-After": "60"})
    lines += _family("http_requests_total", "Requests by page and status since the start", counts.ends(), kind="counter")
    lines += _histogram("http_request_duration_seconds", "How long it took until an answer began, by page", counts.durations())
    return Response("\n".join(lines) + "\n", headers={"Content-Type": METRICS})


def _families(around: Surroundings, history: History) -> Iterator[tuple[str, str, list[_Sample]]]:
    now, stamp = around.now(), around.stamp()

    def ago(at: str) -> float:
        return max(0.0, (now - from_stamp(at)).total_seconds())

    counts, oldest = outbox.counts(history, stamp), outbox.oldest(history, stamp)
    opened, runs = incidents.open_ones(history), vitals.last_runs(history)
    yield "info", "The program's version", [({"version": __version__}, 1)]
    yield (
        "seconds_since_good_check",
        "Seconds since all that is watched at a source was last looked at without trouble",
        [({"source": source}, ago(at)) for source, at in sorted(vitals.good_checks(history).items())],
    )
    yield "sync_late", "1 when the last good sync is older than three of its rhythms", [({}, sync_is_late(around, history))]
    yield "notices_waiting", "Notices that are neither sent nor parked nor held", [({}, counts["waiting"])]
    yield "notices_due", "Of these, those that should be with their readers by now", [({}, counts["due_before"])]
    yield "notices_oldest_seconds", "Seconds since the oldest of these was due; 0 when there is none", [({}, ago(oldest) if oldest else 0)]
    yield "notices_parked", "Notices that were refused for good", [({}, counts["failed"])]
    yield "notices_held", "Notices that wait for the operator's yes", [({}, counts["held"])]
    links, asked_at = confirmations.asked(history)
    yield "links_waiting", "Confirmations and links to manage that were asked for, and are not mailed yet", [({}, links)]
    yield (
        "links_oldest_seconds",
        "Seconds since the oldest of these was asked for; 0 when there is none",
        [({}, ago(asked_at) if asked_at else 0)],
    )
    yield "incidents_open", "Sources that are in trouble", [({}, len(opened))]
    yield (
        "incident_seconds",
        "Seconds since a source has been in trouble",
        [({"source": vitals.without_secrets(row["source"])}, ago(row["opened_at"])) for row in opened],
    )
    yield (
        "run_duration_seconds",
        "How long the last run of a job took",
        [({"job": run["job"]}, (from_stamp(run["finished_at"]) - from_stamp(run["started_at"])).total_seconds()) for run in runs],
    )
    yield "seconds_since_run", "Seconds since the last run of a job ended", [({"job": run["job"]}, ago(run["finished_at"])) for run in runs]
    yield "run_outcome", "How the last run of a job ended", [({"job": run["job"], "outcome": str(run["outcome"])}, 1) for run in runs]
    for name, number in vitals.totals(history).items():
        yield name, f"How many {name.replace('_', ' ')} there are", [({}, number)]


def _family(name: str, help_: str, samples: Iterable[_Sample], *, kind: str = "gauge") -> Iterator[str]:
    yield from _heading(name, help_, kind)
    for labels, value in samples:
        yield _line(name, labels, value)


def _histogram(name: str, help_: str, samples: Iterable[tuple[str, Mapping[str, str], float]]) -> Iterator[str]:
    yield from _heading(name, help_, "histogram")
    for suffix, labels, value in samples:
        yield _line(name + suffix, labels, value)


def _heading(name: str, help_: str, kind: str) -> Iterator[str]:
    yield f"# HELP {PREFIX}{name} {help_}"
    yield f"# TYPE {PREFIX}{name} {kind}"


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{PREFIX}{name}{f'{{{inside}}}' if inside else ''} {float(value):.15g}"


def _escaped(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace('"', '\\"')


# --- words -------------------------------------------------------------------------------------------------------------


def status(request: Request) -> Response:
    """What is in trouble, what was of late, and when everything was last looked at."""
    around = around_of(request)
    t = translator(language_of(request))
    now = around.now()
    since = (now - datetime.timedelta(days=SHOWN_FOR)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with readers_of(request).open() as history:
        trouble = vitals.incidents(history, since)
        checks = vitals.good_checks(history)
        late = sync_is_late(around, history)
    return page(
        request,
        "status",
        open=[_told(row["source"], t, row["opened_at"]) for row in trouble if row["closed_at"] is None],
        over=[_told(row["source"], t, row["opened_at"], row["closed_at"]) for row in trouble if row["closed_at"] is not None],
        checks=[
            (_source(source), _ago(at, now, t), at) for source, at in sorted(checks.items(), key=lambda each: (each[0] != CTGOV, each))
        ],
        late=late,
    )


def _told(source: str, t: Translator, opened: str, closed: str | None = None) -> str:
    if closed is None:
        return t.gettext("{what}, since {begin}").format(what=_trouble(source, t), begin=_moment(opened, t))
    return t.gettext("{what}, from {begin} to {end}").format(what=_trouble(source, t), begin=_moment(opened, t), end=_moment(closed, t))


def _trouble(source: str, t: Translator) -> str:
    if source == DELIVERY:
        return t.gettext("Some news reaches its readers late")
    if source == IN_PART:
        return t.gettext("Some entries of ClinicalTrials.gov cannot be read")
    return t.gettext("{source} cannot be read").format(source=_source(source))


def _source(source: str) -> str:
    if source == CTGOV:
        return "ClinicalTrials.gov"
    return one_line(source.partition("://")[2] or source)


def _moment(stamp: str, t: Translator) -> str:
    return t.gettext("{day}, {time} UTC").format(day=t.date(stamp[:10]), time=stamp[11:16])


def _ago(stamp: str, now: datetime.datetime, t: Translator) -> str:
    hours = max(0, int((now - from_stamp(stamp)).total_seconds() // 3600))
    if not hours:
        return t.gettext("within the last hour")
    if hours < 48:
        return t.ngettext("{n} hour ago", "{n} hours ago", hours).format(n=hours)
    return t.ngettext("{n} day ago", "{n} days ago", hours // 24).format(n=hours // 24)
