"""The names of countries that the registry has changed: one country, whatever it is called."""

from __future__ import annotations

from registry_sync.trials.text import caseless

_NAMES = {
    "t\u00fcrkiye": "turkey",
    "turkey (t\u00fcrkiye)": "turkey",
    "czech republic": "czechia",
    "macedonia, the former yugoslav republic of": "north macedonia",
    "macedonia": "north macedonia",
    "swaziland": "eswatini",
    "korea, republic of": "south korea",
    "republic of korea": "south korea",
    "korea, democratic people's republic of": "north korea",
    "russian federation": "russia",
    "iran, islamic republic of": "iran",
    "viet nam": "vietnam",
    "moldova, republic of": "moldova",
    "republic of moldova": "moldova",
    "tanzania, united republic of": "tanzania",
    "syrian arab republic": "syria",
    "lao people's democratic republic": "laos",
    "libyan arab jamahiriya": "libya",
    "congo, the democratic republic of the": "democratic republic of the congo",
    "palestinian territories, occupied": "palestine",
    "palestinian territory, occupied": "palestine",
    "burma": "myanmar",
    "cape verde": "cabo verde",
    "c\u00f4te d'ivoire": "ivory coast",
    "cote d'ivoire": "ivory coast",
    "the bahamas": "bahamas",
    "the gambia": "gambia",
    "brunei darussalam": "brunei",
    "holland": "netherlands",
    "the netherlands": "netherlands",
    "united states of america": "united states",
    "usa": "united states",
    "u.s.a.": "united states",
    "us": "united states",
    "u.s.": "united states",
    "uk": "united kingdom",
    "u.k.": "united kingdom",
    "great britain": "united kingdom",
    "republic of ireland": "ireland",
    "people's republic of china": "china",
    "hong kong sar china": "hong kong",
    "macao sar china": "macau",
    "macao": "macau",
    "taiwan, province of china": "taiwan",
    "venezuela, bolivarian republic of": "venezuela",
    "bolivia, plurinational state of": "bolivia",
    "myanmar (burma)": "myanmar",
    "congo - kinshasa": "democratic republic of the congo",
    "c\u00f4te d\u2019ivoire": "ivory coast",
    "palestinian territories": "palestine",
    "congo - brazzaville": "congo",
    "republic of the congo": "congo",
    "micronesia, federated states of": "micronesia",
    "federated states of micronesia": "micronesia",
    "s\u00e3o tom\u00e9 and pr\u00edncipe": "sao tome and principe",
    "saint vincent and grenadines": "saint vincent and the grenadines",
    "virgin islands (u.s.)": "us virgin islands",
    "u.s. virgin islands": "us virgin islands",
    "holy see (vatican city state)": "vatican city",
    "falkland islands (malvinas)": "falkland islands",
    "reunion": "r\u00e9union",
    "cura\u00e7ao": "curacao",
}
"""Another name, in lower case, and the one that stands for the country here (ISO 3166-1 names the country behind both)."""


def country_key(name: str | None) -> str:
    """What is compared of a country: one key for all its names; empty where none is stated."""
    spelt = caseless(name or "").replace(" & ", " and ")
    spelt = f"saint {spelt[4:]}" if spelt.startswith("st. ") else spelt
    return _NAMES.get(spelt, spelt)
