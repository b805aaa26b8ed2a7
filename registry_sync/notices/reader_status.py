"""Steps of the overall status in the reader's voice: plain words, one idea a sentence, nothing alarming, no advice."""

from __future__ import annotations

from typing import Any, NamedTuple

from registry_sync.notices import phrases, sites
from registry_sync.notices.clean import as_text, cut, one_line
from registry_sync.notices.i18n import Translator
from registry_sync.notices.said import UNKNOWN, At, StatusStep, reason, status_step
from registry_sync.notices.windows import LONG_TEXT
from registry_sync.trials.record import N_


class Words(NamedTuple):
    """A subject, what the registry says, and what it means."""

    subject: str
    says: str
    means: tuple[str, ...] = ()


_ASK_TEAM = N_("Whether a person may take part is for the study team to say.")
_NO_REASON = N_("Reason given by the trial team: none given.")
_CLOSED = N_("the trial goes on, but takes no new participants.")
_EXPANDED = N_("Whether this is an option for one person is for a doctor to say.")

OPENS = Words(N_("A trial you follow has started recruiting ({trial})"), N_("this trial is looking for participants."), (_ASK_TEAM,))
IS_OPEN = Words(N_("A trial you follow is recruiting ({trial})"), N_("this trial is looking for participants."), (_ASK_TEAM,))
REOPENS = Words(N_("A trial you follow is recruiting again ({trial})"), N_("this trial is looking for participants again."), (_ASK_TEAM,))
CONFIRMED = Words(
    N_("A trial you follow: its information is confirmed again ({trial})"),
    N_("the trial team has confirmed the entry, and it shows the same as before: {status}."),
    (N_("Nothing else follows from this step."),),
)
CLOSES = Words(N_("A trial you follow is no longer recruiting ({trial})"), _CLOSED, (N_("People already in it continue."),))
GOES_ON = Words(N_("A trial you follow goes on without new participants ({trial})"), _CLOSED, (N_("People already in it continue."),))

STEPS: dict[str, Words] = {
    "ENROLLING_BY_INVITATION": Words(
        N_("A trial you follow takes participants by invitation only ({trial})"),
        N_("the trial takes participants by invitation only."),
        (N_("It is not open to the public: the trial team chooses whom it asks."),),
    ),
    "NOT_YET_RECRUITING": Words(
        N_("A trial you follow is not recruiting yet ({trial})"),
        N_("the trial is not looking for participants yet."),
        (N_("The registry gives no reason for this step."),),
    ),
    "SUSPENDED": Words(
        N_("A trial you follow has paused ({trial})"),
        N_("recruiting has stopped for now and may start again."),
    ),
    "TERMINATED": Words(
        N_("A trial you follow has ended early ({trial})"),
        N_("the trial has stopped early and will not start again."),
    ),
    "WITHDRAWN": Words(
        N_("A trial you follow will not take place ({trial})"),
        N_("the trial was called off before anyone took part."),
    ),
    "COMPLETED": Words(
        N_("A trial you follow has finished ({trial})"),
        N_("the last visits are done."),
    ),
    "UNKNOWN": Words(
        N_("A trial you follow: information may be out of date ({trial})"),
        N_("the trial team has not confirmed its entry for two years, so the registry now shows “unknown”."),
        (N_("This does not mean that the trial stopped."),),
    ),
    "WITHHELD": Words(
        N_("A trial you follow: details are not shown ({trial})"),
        N_("the details of this trial are not shown (“withheld”)."),
        (N_("This alone does not tell what the trial is doing."),),
    ),
    "AVAILABLE": Words(
        N_("Expanded access is available in a record you follow ({trial})"),
        N_("expanded access is available: under conditions, a doctor can ask for what is tested, outside a trial."),
        (_EXPANDED,),
    ),
    "NO_LONGER_AVAILABLE": Words(
        N_("Expanded access is no longer available in a record you follow ({trial})"),
        N_("expanded access, the use outside a trial, is no longer available."),
        (N_("The registry does not say here what this means for people who have it already."),),
    ),
    "TEMPORARILY_NOT_AVAILABLE": Words(
        N_("Expanded access is not available for now in a record you follow ({trial})"),
        N_("expanded access, the use outside a trial, is not available for now and may come back."),
        (N_("The registry does not say here what this means for people who have it already."),),
    ),
    "APPROVED_FOR_MARKETING": Words(
        N_("A record you follow: approved for marketing ({trial})"),
        N_("what was given through expanded access is approved and can be prescribed in the United States."),
        (_EXPANDED,),
    ),
}

_STOPS = frozenset({"SUSPENDED", "TERMINATED", "WITHDRAWN"})
_WERE_OPEN = frozenset({"RECRUITING", "ENROLLING_BY_INVITATION"})
_WERE_NOT_OPEN = frozenset({"ACTIVE_NOT_RECRUITING", "COMPLETED", "ENROLLING_BY_INVITATION", "SUSPENDED", "TERMINATED", "WITHDRAWN"})


def status_words(at: At, t: Translator) -> Words:
    """The words for the step that heads this story, translated; the subject still has its ``{trial}``."""
    step = status_step(at)
    words = _untranslated(step)
    if words is None:
        return _other(step, t)
    status = phrases.plain(step.after, t)
    means = [t.gettext(sentence) for sentence in words.means]
    means += _details(at, step, t)
    return Words(t.gettext(words.subject), t.gettext(words.says).format(status=status), tuple(means))


def quoted_reason(at: At, t: Translator) -> str:
    """The trial team's reason, quoted and never guessed; in full, for the registry takes 250 characters at most."""
    text = reason(at)
    if text is None:
        return t.gettext(_NO_REASON)
    return t.gettext("Reason given by the trial team: “{reason}”.").format(reason=cut(one_line(text), LONG_TEXT))


def _untranslated(step: StatusStep) -> Words | None:
    if step.confirmed:
        return CONFIRMED
    if step.after == "RECRUITING":
        if step.origin == "NOT_YET_RECRUITING":
            return OPENS
        return REOPENS if _one_of(step.origin, _WERE_NOT_OPEN) else IS_OPEN
    if step.after == "ACTIVE_NOT_RECRUITING":
        return CLOSES if _one_of(step.origin, _WERE_OPEN) else GOES_ON
    return STEPS.get(step.after) if isinstance(step.after, str) else None


def _details(at: At, step: StatusStep, t: Translator) -> list[str]:
    """What the step needs beyond its fixed words: a reason, the results, the sites."""
    if _one_of(step.after, _STOPS):
        more = [t.gettext("The registry says nothing more about it.")] if step.after == "TERMINATED" and reason(at) is not None else []
        return [quoted_reason(at, t), *more]
    if step.after == "COMPLETED":
        if at.news.record.has_results:
            return [t.gettext("Results are posted, in technical form.")]
        return [t.gettext("Results are not posted yet; posting can take a year or more.")]
    if step.after == "RECRUITING":
        return [text for text in (sites.open_sites(at.news.record, t),) if text]
    if step.after != UNKNOWN and at.followed.lost:
        return [t.gettext("The registry no longer shows site contacts.")]
    return []


def _one_of(token: Any, tokens: frozenset[str]) -> bool:
    return isinstance(token, str) and token in tokens


def _other(step: StatusStep, t: Translator) -> Words:
    """A status that is gone, or that this program does not know: the token is shown, nothing is read into it."""
    if step.after is None:
        return Words(
            t.gettext("A trial you follow: its status is not shown any more ({trial})"),
            t.gettext("the entry no longer says whether the trial is recruiting."),
            (t.gettext("This alone does not tell what the trial is doing."),),
        )
    return Words(
        t.gettext("A trial you follow has another status ({trial})"),
        t.gettext("the status is now “{status}”.").format(status=phrases.token(step.after, t) or as_text(step.after)),
        (t.gettext("This alone does not tell what the trial is doing."),),
    )
