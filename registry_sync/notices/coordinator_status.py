"""What a step of the overall status brings with it for a coordinator: dates with their types, counts, and which rule may apply.

Rules are named with their place (42 CFR 11, Regulation (EU) 536/2014) and never judged: a record does not hold what is needed.
"""

from __future__ import annotations

from registry_sync.notices import when
from registry_sync.notices.clean import as_text, one_line
from registry_sync.notices.folding import Followed
from registry_sync.notices.i18n import Translator
from registry_sync.notices.said import UNKNOWN, At, StatusStep, reason, status_step
from registry_sync.trials.record import Dated, Enrollment, Record, plain

_RESTARTED_FROM = frozenset({"ACTIVE_NOT_RECRUITING", "SUSPENDED", "COMPLETED", "TERMINATED", "ENROLLING_BY_INVITATION"})


def status_sentences(at: At, t: Translator) -> tuple[str, ...]:
    """What follows the first sentence, for the step that heads the story."""
    step = status_step(at)
    sentences = [_origin(step, t), *_by_status(at, step, t), *_followed(at, t)]
    return tuple(sentence for sentence in sentences if sentence)


def unknown_by_rule(at: At, t: Translator) -> str:
    """ "by registry rule (verified 2024-02, completion 2025-11-04)"."""
    return t.gettext("by registry rule (verified {verified}, completion {completion})").format(
        verified=as_text(at.news.record.status_verified_date or t.gettext("not stated")),
        completion=_day(at.news.record.completion_date, t),
    )


def status_detail(at: At, t: Translator) -> str:
    """What the subject of some steps says besides: is there a reason, how many took part, when it ended. Never the reason itself."""
    record = at.news.record
    if at.head.after in ("SUSPENDED", "TERMINATED"):
        return t.gettext("no reason given") if reason(at) is None else t.gettext("reason given")
    if at.head.after == "WITHDRAWN" and record.enrollment is not None and record.enrollment.count is not None:
        return t.gettext("{n} enrolled").format(n=record.enrollment.count)
    if at.head.after == "COMPLETED" and record.completion_date is not None:
        return t.gettext("completion {date}").format(date=_dated(record.completion_date))
    return ""


def standing(record: Record, t: Translator) -> str:
    """Status and enrolment as the record has them, to be held against the results."""
    return t.gettext("The record says: {status}, enrolment {enrolment}.").format(
        status=as_text(record.overall_status or t.gettext("not stated")), enrolment=_count_or_not(record.enrollment, t)
    )


def _origin(step: StatusStep, t: Translator) -> str:
    if step.before != UNKNOWN or step.origin is None:
        return ""
    if step.confirmed:
        return t.gettext("This is the last known status again: the record was updated and verified.")
    return t.gettext("The last known status before UNKNOWN was {status}.").format(status=as_text(step.origin))


def _by_status(at: At, step: StatusStep, t: Translator) -> list[str]:
    if step.after == "RECRUITING":
        return [_start(at, t), _restart(step, t)]
    if step.after == "NOT_YET_RECRUITING":
        return [_start(at, t)]
    if step.after == "ENROLLING_BY_INVITATION":
        return [t.gettext("Not open to the public."), _enrollment(at, t)]
    if step.after == "ACTIVE_NOT_RECRUITING":
        return [_enrollment(at, t), _end_of_recruitment(t)]
    if step.after == "SUSPENDED":
        return [_why(at, t), _halt(t)]
    if step.after == "TERMINATED":
        return [_why(at, t), _completions(at, t), _enrollment(at, t), _results_due(at, t)]
    if step.after == "WITHDRAWN":
        return [_why(at, t), _none_enrolled(at, t)]
    if step.after == "COMPLETED":
        return [_enrollment(at, t), _completions(at, t), _results_clock(at, t)]
    if step.after == UNKNOWN:
        return [t.gettext("No update was submitted: the registry set it."), t.gettext("It goes when the record is updated and verified.")]
    return []


def _followed(at: At, t: Translator) -> list[str]:
    """Sites that followed the status: a number, never one by one, never "closed"."""
    sentences = []
    lost, gained = at.followed.lost, at.followed.gained
    if lost:
        text = t.ngettext(
            "Site status and contacts of {n} site left the record with the status (normal).",
            "Site status and contacts of {n} sites left the record with the status (normal).",
            lost,
        )
        sentences.append(text.format(n=lost))
    if gained:
        sentences.append(_gained(at.followed, t).format(n=gained))
    return sentences


def _gained(followed: Followed, t: Translator) -> str:
    n = followed.gained
    if followed.with_status == followed.with_contacts == n:
        return t.ngettext(
            "{n} site gained a status and contacts with the overall status (normal).",
            "{n} sites gained a status and contacts with the overall status (normal).",
            n,
        )
    if not followed.with_contacts:
        return t.ngettext(
            "{n} site gained a status with the overall status (normal).",
            "{n} sites gained a status with the overall status (normal).",
            n,
        )
    return t.ngettext(
        "{n} site gained a status or contacts with the overall status (normal).",
        "{n} sites gained a status or contacts with the overall status (normal).",
        n,
    )


def _start(at: At, t: Translator) -> str:
    date, change = at.news.record.start_date, at.of("start_date")
    if date is None:
        return ""
    was = change.before if change is not None else plain(at.news.before.start_date) if at.news.before is not None else None
    if date.type == "ACTUAL" and isinstance(was, dict) and was.get("type") != "ACTUAL":
        return t.gettext("Start date {date} is now {type}.").format(date=as_text(date.date), type=date.type)
    return t.gettext("Start date {date}.").format(date=_dated(date))


def _restart(step: StatusStep, t: Translator) -> str:
    if not isinstance(step.origin, str) or step.origin not in _RESTARTED_FROM:
        return ""
    return t.gettext("EU trials: a restart of recruitment is to be notified within 15 days (Regulation (EU) 536/2014, Article 36).")


def _end_of_recruitment(t: Translator) -> str:
    return t.gettext(
        "EU trials: the end of recruitment is to be notified within 15 days (Regulation (EU) 536/2014, Article 36); "
        "the record does not hold that day."
    )


def _halt(t: Translator) -> str:
    return t.gettext(
        "EU trials: if the halt touches the benefit-risk balance, Article 38 of Regulation (EU) 536/2014 applies, otherwise Article 37; "
        "the record cannot tell which."
    )


def _why(at: At, t: Translator) -> str:
    text = reason(at)
    return t.gettext("whyStopped: none given.") if text is None else t.gettext("whyStopped: “{reason}”.").format(reason=one_line(text))


def _completions(at: At, t: Translator) -> str:
    return t.gettext("Primary completion {primary}; study completion {study}.").format(
        primary=_dated_or_not(at.news.record.primary_completion_date, t), study=_dated_or_not(at.news.record.completion_date, t)
    )


def _enrollment(at: At, t: Translator) -> str:
    """Planned and actual, told as two things: a count is no cut of the plan."""
    now, change = at.news.record.enrollment, at.of("enrollment")
    if now is None or now.count is None:
        return t.gettext("Enrolment not stated.")
    # This recipient may not be told of the enrolment, and yet it changed: the record before has the plan.
    before = change.before if change is not None else plain(at.news.before.enrollment) if at.news.before is not None else None
    if not isinstance(before, dict) or before.get("count") is None:
        return t.gettext("Enrolment {enrolment}.").format(enrolment=_count(now))
    if before == plain(now):
        return t.gettext("Enrolment {enrolment}, unchanged.").format(enrolment=_count(now))
    if now.type == "ACTUAL" and before.get("type") != "ACTUAL":
        return t.gettext("Enrolment {planned} planned, {actual} actual.").format(planned=as_text(before["count"]), actual=now.count)
    return t.gettext("Enrolment {before} → {after}.").format(before=as_text(before["count"]), after=_count(now))


def _none_enrolled(at: At, t: Translator) -> str:
    now = at.news.record.enrollment
    if now is not None and now.count == 0 and now.type == "ACTUAL":
        return t.gettext("Enrolment is 0 ACTUAL.")
    return t.gettext("Enrolment is {enrolment}, not 0 ACTUAL: check the record.").format(enrolment=_count_or_not(now, t))


def _results_due(at: At, t: Translator) -> str:
    if at.news.record.has_results:
        return t.gettext("Results are posted.")
    return t.gettext("Results may still be due.")


def _results_clock(at: At, t: Translator) -> str:
    """42 CFR 11.44(a): one year after the primary completion date; whether it applies, the record seldom shows (11.22)."""
    date = at.news.record.primary_completion_date
    due = when.a_year_later(date.date) if date is not None else None
    if at.news.record.has_results:
        return t.gettext("Results are posted.")
    return "" if due is None else t.gettext("Results under 42 CFR 11.44(a), if it applies, by {date}.").format(date=due)


def _count_or_not(enrollment: Enrollment | None, t: Translator) -> str:
    return t.gettext("not stated") if enrollment is None or enrollment.count is None else _count(enrollment)


def _count(enrollment: Enrollment) -> str:
    return f"{enrollment.count} {as_text(enrollment.type)}" if enrollment.type else f"{enrollment.count}"


def _dated(date: Dated) -> str:
    return " ".join(as_text(part) for part in (date.date, date.type) if part)


def _dated_or_not(date: Dated | None, t: Translator) -> str:
    return (_dated(date) if date is not None else "") or t.gettext("not stated")


def _day(date: Dated | None, t: Translator) -> str:
    return as_text(date.date) if date is not None and date.date else t.gettext("not stated")
