from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import registry_sync
from registry_sync.notices.i18n import LOCALE_FOLDER, languages, translator

PACKAGE = Path(registry_sync.__file__).parent
METHODS = [("**.py", "python"), ("**/templates/**.j2", "jinja2.ext:babel_extract")]
KEYWORDS = {"gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "N_": None, "_": None}

Message = str | tuple[str, ...]


def in_the_sources() -> set[tuple[str | None, Message]]:
    found = extract_from_dir(str(PACKAGE), method_map=METHODS, keywords=KEYWORDS)
    return {(context, message) for _file, _line, message, _comments, context in found}


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\{\w+\}", text))


@pytest.fixture(scope="module", params=[language for language in languages() if language != "en"])
def catalogue(request: pytest.FixtureRequest):
    with (LOCALE_FOLDER / request.param / "LC_MESSAGES" / "registry_sync.po").open("rb") as file:
        return read_po(file, locale=request.param)


def test_every_message_of_the_sources_is_in_the_catalogue_and_no_other(catalogue) -> None:
    kept = {(message.context, tuple(message.id) if message.pluralizable else message.id) for message in catalogue if message.id}
    sources = in_the_sources()
    assert sources - kept == set(), "missing in the catalogue"
    assert kept - sources == set(), "stale in the catalogue"


def test_every_message_is_translated_with_the_same_names(catalogue) -> None:
    for message in catalogue:
        originals = message.id if message.pluralizable else (message.id,)
        translations = message.string if message.pluralizable else (message.string,)
        if not message.id:
            continue
        assert not message.fuzzy, message.id
        assert all(translations), message.id
        for original, translation in zip(originals, translations, strict=True):
            assert names_in(original) == names_in(translation), original


def test_no_message_stands_where_the_catalogue_does_not_find_it() -> None:
    """A message inside an f-string is not extracted: it would be English in every language."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            inside = ast.walk(node) if isinstance(node, ast.JoinedStr) else ()
            for call in inside:
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr.endswith("gettext"):
                    assert not isinstance(call.args[0], ast.Constant), f"{path.name}:{node.lineno}"


def test_danish_is_there() -> None:
    assert languages() == ("en", "da")


@pytest.mark.parametrize("language", ["xx", "", "../../etc", "en", "en-US", "EN_gb"])
def test_a_language_without_a_catalogue_is_english(language: str) -> None:
    assert translator(language).gettext("Recruiting") == "Recruiting"
    assert translator(language).language == "en"


@pytest.mark.parametrize("language", ["da", "da-DK", "da_DK", "DA"])
def test_danish_is_found_under_its_usual_names(language: str) -> None:
    assert translator(language).gettext("Recruiting") == "Rekrutterer"


def test_the_empty_message_is_empty_and_not_the_catalogues_header() -> None:
    assert translator("da").gettext("") == ""


@pytest.mark.parametrize(
    ("text", "english", "danish"),
    [
        ("2026-02-25", "25 February 2026", "25. februar 2026"),
        ("2026-06", "June 2026", "juni 2026"),
        ("2026", "2026", "2026"),
        ("2026-02-30", "2026-02-30", "2026-02-30"),
        ("soon", "soon", "soon"),
    ],
)
def test_dates_keep_their_precision_in_words(text: str, english: str, danish: str) -> None:
    assert translator("en").date(text) == english
    assert translator("da").date(text) == danish


def test_countries_are_named_in_the_readers_language() -> None:
    assert translator("da").country("Denmark") == "Danmark"
    assert translator("da").country("Atlantis") == "Atlantis"
    assert translator("en").country("Denmark") == "Denmark"


def test_lists_and_numbers_are_written_as_the_language_does() -> None:
    assert translator("en").join(["a", "b", "c"]) == "a, b and c"
    assert translator("da").join(["a", "b", "c"]) == "a, b og c"
    assert translator("da").number(1234) == "1.234"
