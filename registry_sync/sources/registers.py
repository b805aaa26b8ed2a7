"""The numbers by which trial registers know a trial, by their form; and which of a record's ids prove a page."""

from __future__ import annotations

import re
from collections.abc import Iterable

from registry_sync.sources.folding import fold

TRIAL_ID = re.compile(r"(?<![A-Za-z0-9])NCT\d{8}(?!\d)", re.IGNORECASE)
_BEFORE_AN_ID = r"(?:(?<![A-Za-z0-9])|(?<=[a-z\d])(?=NCT)|(?<=ID))(?i:NCT)\s?"
ANY_TRIAL_ID = re.compile(rf"{_BEFORE_AN_ID}(\d{{8}})(?!\d)")
"""The same as pages show it: glued to what stands before it ("NCT IDNCT01234567", "Phase 2NCT01234567"), or with a blank in it."""

_NUMBERS = (
    r"20\d\d-5\d{5}-\d\d(?:-\d\d)?",  # EU CT, with the version of the application behind
    r"20\d\d-00\d{4}-\d\d",  # EudraCT
    r"ISRCTN\d{8}",
    r"ACTRN\d{14}p?",
    r"DRKS\d{8}",
    r"NTR\d{2,5}|NL-OMON\d{3,6}|NL\d{4,5}",
    r"ChiCTR(?:-[A-Z]{2,5}-|-)?\d{8,10}",
    r"CTRI/\d{4}/\d{2,3}/\d{6}",
    r"jRCTs?\d{9,10}|UMIN\d{9}|JPRN-[A-Za-z]{3,6}-?\w{6,12}|JapicCTI-\d{6}",
    r"KCT\d{7}",
    r"IRCT\d{10,14}N\d{1,3}",
    r"RBR-[0-9a-z]{6,8}",
    r"TCTR\d{11}",
    r"SLCTR/\d{4}/\d{3}",
    r"PACTR\d{15,16}",
    r"LBCTR\d{10}",
    r"PER-\d{3}-\d{2}",
    r"RPCEC\d{8}",
)
REGISTER_NUMBER = re.compile(rf"(?<![A-Za-z0-9-])(?:{'|'.join(_NUMBERS)})(?![A-Za-z0-9]|-\d)", re.IGNORECASE)
"""Another register's number; the WHO's universal trial number is none, it stands beside all of them."""
_MAY_BE_NUMBER = re.compile(r"\d{3}|RBR-|NTR\d", re.IGNORECASE)
_EU_CT = re.compile(r"(20\d\d-5\d{5}-\d\d)(?:-\d\d)?")
_UNIVERSAL = re.compile(r"U1111-\d{4}-\d{4}", re.IGNORECASE)
_GRANT = re.compile(r"\d?[A-Z][A-Z0-9]\d\s?[A-Z]{2}\s?\d{5,6}(?:[ -]?\d\d[A-Z]?\d?)?", re.IGNORECASE)
"""A grant of the US health institutes: activity, institute, number, year. Many trials may share one."""
_YEAR_ALONE = re.compile(r"\D*(?:19|20)\d\d\D*")
_FEWEST_SIGNS = 6
_MOST_WORDS_OF_A_NUMBER = 3
_DIGITS_OF_AN_EU_NUMBER = 12
_FEWEST_DIGITS_ALONE = 9
_MOST_LETTERS_OF_A_CODE = 4
_FEWEST_DIGITS_OF_A_NAME = 3


def nct_ids(text: str) -> frozenset[str]:
    """The NCT ids in a text of a page, in the registry's spelling."""
    return frozenset(f"NCT{digits}" for digits in ANY_TRIAL_ID.findall(text))


def pattern_of_trials(trials: Iterable[str]) -> re.Pattern[str]:
    """Finds these NCT ids as pages show them."""
    return re.compile(rf"{_BEFORE_AN_ID}(?:{'|'.join(sorted(trial[3:] for trial in trials))})(?!\d)")


def numbers(text: str) -> tuple[str, ...]:
    """The other registers' numbers in a text, as written."""
    return tuple(REGISTER_NUMBER.findall(text)) if _MAY_BE_NUMBER.search(text) else ()


def id_key(text: str) -> str:
    """How two spellings of an id are one: "TAK-648_101" and "tak 648-101"; an EU CT number without the application's version."""
    spelt = fold(text)
    if found := _EU_CT.fullmatch(spelt):
        spelt = found[1]
    return "".join(sign for sign in spelt.casefold() if sign.isalnum())


def is_register_number(text: str) -> bool:
    """Is this, as a whole, another register's number?"""
    return REGISTER_NUMBER.fullmatch(fold(text)) is not None


def proves(text: str) -> bool:
    """Can this id of a record prove alone that a page is this trial's? Grants, other trials' NCT ids, short ids and names cannot.

    "COVID-19" and "SURMOUNT-1" are names: they stand on the pages of other trials too.
    """
    spelt = fold(text)
    if is_register_number(spelt) or _UNIVERSAL.fullmatch(spelt):
        return True
    if TRIAL_ID.search(spelt) or _GRANT.fullmatch(spelt) or _YEAR_ALONE.fullmatch(spelt):
        return False
    signs = [sign for sign in spelt if sign.isalnum()]
    digits = sum(sign.isdigit() for sign in signs)
    if digits == len(signs):
        return digits >= _FEWEST_DIGITS_ALONE
    is_name = max(map(len, re.findall(r"[^\W\d_]+", spelt)), default=0) > _MOST_LETTERS_OF_A_CODE
    return len(signs) >= _FEWEST_SIGNS and digits >= (_FEWEST_DIGITS_OF_A_NAME if is_name else 1)


def another_number(texts: Iterable[str], ids: tuple[str, ...]) -> str | None:
    """The number by which a page files its trial, where the record has another one of that form and none of these."""
    shown = {id_key(text): text for text in texts if any(sign.isdigit() for sign in text) and len(text.split()) <= _MOST_WORDS_OF_A_NUMBER}
    shown |= {id_key(number): number for text in list(shown.values()) for number in numbers(text)}
    known = {id_key(id_) for id_ in ids_in(ids)}
    if not shown or any(one in key for key in shown for one in known if len(one) >= _FEWEST_SIGNS):
        return None
    forms = {_form(key) for key in known if len(key) >= _FEWEST_SIGNS}
    return next((number for key, number in shown.items() if _form(key) in forms - {None}), None)


def _form(key: str) -> str | None:
    """What numbers of one maker have in common; a number of digits alone tells it only where it is an EU one (EudraCT has a 0 there)."""
    if key.isdigit():
        return key[4] if len(key) == _DIGITS_OF_AN_EU_NUMBER and key.startswith("20") else None
    return re.sub(r"\d", "0", key)


def ids_in(ids: tuple[str, ...]) -> tuple[str, ...]:
    """These ids, and the registers' numbers that stand in them ("EudraCT 2018-004427-37")."""
    return tuple(dict.fromkeys(one for id_ in ids for one in (id_, *numbers(id_))))


def pattern(ids: tuple[str, ...]) -> re.Pattern[str] | None:
    """Finds these ids in a text, in any spelling of the signs between their letters and digits; ``None`` for no ids."""
    forms = []
    for id_ in ids:
        found = _EU_CT.fullmatch(fold(id_))
        runs = re.findall(r"[A-Za-z]+|\d+|[^\W\d_]+", found[1] if found else id_)
        if runs:
            forms.append(r"[\W_]{0,2}".join(re.escape(run) for run in runs) + (r"(?:-\d\d)?" if found else ""))
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(forms)})(?![^\W_])", re.IGNORECASE) if forms else None
