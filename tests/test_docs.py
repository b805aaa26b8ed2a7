"""The documentation says what the program does, and all of it.

What can be made from the program stands between ``<!-- made: NAME -->`` and ``<!-- end -->``. After a change of the program,
``python -m tests.test_docs --write`` makes these parts anew; what a settings key is for is kept as it was written.
"""

from __future__ import annotations

import functools
import inspect
import json
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from click.testing import CliRunner

from db.connection import History, open_history
from registry_sync import __version__, settings
from registry_sync.cli import cli
from registry_sync.demo.listing import trial_page
from registry_sync.demo.record import TRIAL
from registry_sync.demo.story import first_listing
from registry_sync.errors import SettingsError
from registry_sync.notices.webhook import secret_bytes, signature
from registry_sync.settings import FILE_NAME, Settings, in_environment
from registry_sync.trials import significance
from registry_sync.trials.record import FIELDS, TOPICS

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
CHANGELOG = ROOT / "CHANGELOG.md"
PAGES = (README, CHANGELOG, *sorted((ROOT / "docs").glob("*.md")))
REFERENCE = ROOT / "docs" / "commands.md"
BLOCK = re.compile(r"(?P<opening><!-- made: (?P<name>[^>]+) -->\n)(?P<text>.*?)(?=<!-- end -->)", re.DOTALL)
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
DEMO_FOLDER = "/tmp/registry-sync-demo-..."  # noqa: S108 - what the README shows, no folder that is used
DEAD = "http://127.0.0.1:9"


# --- what is made from the program -------------------------------------------------------------------------------------


def commands(command: click.Command = cli, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that call it, the program itself first."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, (*words, name))


def printed(*words: str, **environ: str) -> str:
    """What a command prints on stdout, on a terminal of 100 columns."""
    done = CliRunner().invoke(cli, list(words), prog_name="registry-sync", env={"COLUMNS": "100", **environ}, standalone_mode=False)
    assert done.exception is None, done.exception
    return done.stdout


def fenced(text: str, language: str = "text") -> str:
    return f"```{language}\n{text.rstrip()}\n```\n"


def table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def demo(folder: Path) -> str:
    """What the demo prints, with its folder shortened.

    Notices that are due at the same second are sent by their addresses, as a rule: who comes first is made the same here.
    """
    text = printed("demo", "--folder", str(folder)).replace(str(folder), DEMO_FOLDER)
    sent = re.compile(r"(?:^ +(?:mail to the|post to the|/tmp/).*\n)+", re.MULTILINE)
    return sent.sub(lambda lines: "".join(sorted(lines[0].splitlines(keepends=True), key=_first_the_coordinator)), text)


def _first_the_coordinator(line: str) -> tuple[str, str]:
    day = re.search(r"\d{4}-\d\d-\d\d(?=-\w+\.)", line)
    who = next(number for number, word in enumerate(("coordinator", "reader", "webhook")) if word in line)
    return (day[0] if day else "", str(who))


def made_demo() -> str:
    with tempfile.TemporaryDirectory() as folder:
        return fenced(demo(Path(folder) / "demo"))


def made_commands() -> str:
    called = [(words, command) for words, command in commands() if words]
    return table(
        ("command", "what it does"), [(f"`{' '.join(words)}`", command.get_short_help_str(limit=300)) for words, command in called]
    )


OF_NO_FIELD = {
    "deadlines": "What a coordinator owes: due soon, overdue, met (`deadline`)",
    "listing": "How a page stands beside the registry: agrees again, fell behind, contradicts, unreadable, gone (`page`)",
    "registry": "The record as a whole: found by a watched search, gone, back, merged (`registry`)",
}


def made_fields() -> str:
    rows = []
    for topic in TOPICS:
        fields = [f"{field.label} (`{field.name}`{', item by item' if field.is_list else ''})" for field in FIELDS if field.topic == topic]
        rows.append((f"`{topic}`", "; ".join(fields) or OF_NO_FIELD.get(topic, "nothing yet")))
    return table(("topic", "fields"), rows)


def made_significance() -> str:
    rows = [
        (
            ", ".join(f"`{name}`" for name in rule.fields.split()),
            condition(rule.when),
            rule.reader.replace("untold", "not told"),
            rule.coordinator.replace("untold", "not told"),
            rule.why,
        )
        for rule in significance.TABLE
    ]
    return table(("fields", "when", "reader", "coordinator", "why"), rows)


def condition(when: Callable[..., bool]) -> str:
    """What a condition's docstring says, with the values of one that was made for them."""
    maker = getattr(significance, when.__qualname__.partition(".")[0])
    says = (inspect.getdoc(maker) or "").splitlines()[0].rstrip(".")
    values = [
        str(each)
        for value in inspect.getclosurevars(when).nonlocals.values()
        for each in (sorted(value) if isinstance(value, tuple | set | frozenset) else (value,))
    ]
    return f"{says}: {', '.join(values)}" if values else says


def sections() -> dict[str, type[msgspec.Struct]]:
    """The sections of the settings file; the one without a name holds what stands above them all."""
    structs = {field.name: type(field.default) for field in msgspec.structs.fields(Settings) if isinstance(field.default, msgspec.Struct)}
    return {"": Settings, **structs}


def keys(section: str) -> dict[str, Any]:
    """The keys of a section with their defaults."""
    fields = msgspec.structs.fields(sections()[section])
    return {field.name: field.default for field in fields if not isinstance(field.default, msgspec.Struct) and field.name != "path"}


def made_settings(section: str, current: str) -> str:
    """The table of a section; what each key is for is taken over from ``current``."""
    section = "" if section == "top" else section
    meanings = dict(re.findall(r"^\| `(\w+)` \| (.*?) \| ", current, re.MULTILINE))
    rows = [
        (
            f"`{key}`",
            meanings.get(key, ""),
            expected(section, key).replace("<", "&lt;"),
            f"`{shown(default)}`",
            f"`{in_environment(section, key)}`",
        )
        for key, default in keys(section).items()
    ]
    return table(("key", "what it is for", "value", "default", "in the environment"), rows)


def shown(value: Any) -> str:
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def expected(section: str, key: str) -> str:
    """What the program says that it expects when the value is of no use."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE_NAME
        nonsense = f"{key} = [[1]]\n"
        path.write_text(f"[{section}]\n{nonsense}" if section else nonsense, encoding="utf-8")
        with pytest.raises(SettingsError) as caught:
            settings.load(str(path), {}, Path(folder))
    match = re.search(r": expected (.*), not ", str(caught.value))
    assert match, str(caught.value)
    return match[1]


def made(name: str, current: str) -> str:
    """What the block of this name should hold."""
    kind, _, rest = name.partition(" ")
    if kind == "help":
        return fenced(printed(*rest.split(), "--help"))
    if kind == "settings":
        return made_settings(rest, current)
    return {"demo": made_demo, "commands": made_commands, "fields": made_fields, "significance": made_significance}[name]()


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def write() -> None:
    """Make every block of every page anew."""
    for page in PAGES:
        text = BLOCK.sub(lambda block: block["opening"] + made(block["name"], block["text"]), read(page))
        page.write_text(text, encoding="utf-8")


BLOCKS = {(page.name, block["name"]): block["text"] for page in PAGES for block in BLOCK.finditer(read(page))}


@pytest.mark.parametrize(("page", "name"), BLOCKS)
def test_what_is_made_from_the_program_is_up_to_date(page: str, name: str) -> None:
    assert BLOCKS[page, name] == made(name, BLOCKS[page, name]), "run `python -m tests.test_docs --write`"


# --- all of it is there ------------------------------------------------------------------------------------------------


def test_every_command_is_documented() -> None:
    wanted = {("commands.md", " ".join(("help", *words))) for words, _ in commands()}
    assert wanted == {block for block in BLOCKS if block[0] == "commands.md"}


def test_every_option_is_explained_in_its_help() -> None:
    silent = [
        (" ".join(words), option.name)
        for words, command in commands()
        for option in command.params
        if isinstance(option, click.Option) and not option.help and option.name != "language"
    ]
    assert silent == []


def test_every_section_of_the_settings_is_documented_and_every_key_says_what_it_is_for() -> None:
    tables = {name: text for (page, name), text in BLOCKS.items() if page == "settings.md"}
    assert tables.keys() == {f"settings {section or 'top'}" for section in sections()}
    without = [line for text in tables.values() for line in text.splitlines() if re.match(r"\| `\w+` \| +\|", line)]
    assert without == []


@pytest.mark.parametrize(
    "block", [("changes.md", "fields"), ("changes.md", "significance"), ("README.md", "demo"), ("README.md", "commands")]
)
def test_what_people_look_for_has_its_place(block: tuple[str, str]) -> None:
    assert block in BLOCKS


def test_every_table_and_view_of_the_history_is_described(history: History) -> None:
    names = {row["name"] for row in history.rows("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")}
    described = set(re.findall(r"^\| `(\w+)` \|", read(ROOT / "docs" / "history.md"), re.MULTILINE))
    assert described == {name for name in names if not name.startswith(("sqlite_", "_sqlite_"))}


def test_every_page_can_be_found_from_the_readme() -> None:
    linked = {target.partition("#")[0] for target in links(README)}
    assert {f"docs/{page.name}" for page in PAGES if page.parent.name == "docs"} <= linked


def test_this_version_is_in_the_changelog() -> None:
    assert re.search(rf"^## \[?{re.escape(__version__)}\]? - \d{{4}}-\d{{2}}-\d{{2}}$", read(CHANGELOG), re.MULTILINE)


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_readme_names_the_two_commands_of_a_checkout(target: str) -> None:
    assert any(f"make {target}" in block["text"] for block in FENCE.finditer(read(README)))
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


# --- links and pictures ------------------------------------------------------------------------------------------------


def links(page: Path) -> list[str]:
    """The targets in this repository that a page names."""
    text = FENCE.sub("", read(page))
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text)
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """The anchors that a code host makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", read(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


def test_the_pictures_are_pictures_and_have_words_for_who_does_not_see_them() -> None:
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)]+\.png)\)", read(README))
    assert {Path(path).name for _, path in pictures} == {"notice-reader.png", "notice-coordinator.png", "web-home.png", "web-trial.png"}
    for words, path in pictures:
        assert len(words.split()) > 5
        assert (ROOT / path).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        assert (ROOT / path).stat().st_size < 150_000


# --- examples can be typed ---------------------------------------------------------------------------------------------


def calls(page: Path) -> Iterator[str]:
    """Every call of the program on a page: in examples, and in the text between backticks. Help and output are left out."""
    text = BLOCK.sub("", read(page))
    for block in FENCE.finditer(text):
        if block["language"] in ("sh", "cron", "ini", "dockerfile"):
            yield from re.findall(r"(?:^|[ =/])registry-sync +([^|<>&#\n]*)", block["text"].replace("\\\n", " "), re.MULTILINE)
    yield from re.findall(r"`registry-sync ([^`|<>\[]+)`", FENCE.sub("", text))


def understood(call: str) -> None:
    """Let click read a call as far as it would before it runs the command; raises click's or our own error."""
    words = shlex.split(call)
    command: click.Command = cli
    parent: click.Context | None = None
    while isinstance(command, click.Group):
        # with the group's own settings: click keeps the help option that it makes here for later calls
        context = click.Context(command, info_name=command.name, parent=parent, **command.context_settings)
        _, words, _ = command.make_parser(context).parse_args(words)
        if not words:
            return
        _, found, words = command.resolve_command(context, words)
        assert found is not None
        command, parent = found, context
    command.make_context(command.name, words, parent=parent)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_is_a_command_that_the_program_understands(page: Path) -> None:
    for call in calls(page):
        try:
            understood(call.strip())
        except Exception as error:  # whatever is wrong with it: say which one
            pytest.fail(f"registry-sync {call}: {error}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_program_is_installed_from_a_checkout_on_every_page(page: Path) -> None:
    """No index has it: a name of which one asked there would be somebody else's."""
    for block in FENCE.finditer(BLOCK.sub("", read(page))):
        assert not re.search(r"\b(?:pipx?|tool) install\b[^\n]*[ '\"]registry-sync\b", block["text"]), block["text"]


def test_the_pages_have_examples() -> None:
    assert len(list(calls(README))) >= 7
    assert len(list(calls(REFERENCE))) >= len(list(commands()))


def test_an_example_that_is_wrong_would_be_seen() -> None:
    for call in ("watch ad NCT06805448", "sync --fully", "show", "subscribe a@example.org --every hour", "watch add NCT1"):
        with pytest.raises(Exception, match=r"."):
            understood(call)


# --- what is said of JSON, SQL and signatures --------------------------------------------------------------------------


JSON_SHAPES = re.findall(r"<!-- json: ([^>]+) -->\n```json\n(.*?)^```$", read(REFERENCE), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database that the demo leaves."""
    folder = tmp_path_factory.mktemp("docs") / "demo"
    demo(folder)
    return folder / "history.db"


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with open_history(tmp_path / "history.db", create=True) as opened:
        yield opened


def shape(value: Any) -> Any:
    """The keys of an object, or of the first of a list, with the shapes below them."""
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return {name: shape(inner) for name, inner in value.items()} if isinstance(value, dict) else None


def fits(told: Any, real: Any, *, whole: bool) -> bool:
    """Are the keys the same? A list that one of the two shows empty is not looked into."""
    if isinstance(told, dict) and isinstance(real, dict):
        same = list(told) == list(real) if whole else told.keys() <= real.keys()
        return same and all(fits(told[name], real[name], whole=whole) for name in told)
    if isinstance(told, list) and isinstance(real, list):
        return not told or not real or fits(told[0], real[0], whole=whole)
    return told is None or real is None


def made_copy(database: Path) -> bytes:
    """What a backup of it holds."""
    copy = database.with_name("copy.db")
    printed("--database", str(database), "backup", "--to", str(copy))
    return copy.read_bytes()


@pytest.mark.parametrize(("call", "text"), JSON_SHAPES, ids=[call for call, _ in JSON_SHAPES])
def test_json_has_the_documented_keys(played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, text: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved.html").write_text(trial_page(TRIAL, first_listing()), encoding="utf-8")
    (tmp_path / "watches.csv").write_text(f"trial,page,query\n{TRIAL},,\n,,cond=dry mouth\n", encoding="utf-8")
    (tmp_path / "copy.db").write_bytes(made_copy(played))
    for name, value in {"CTGOV_URL": DEAD, "HTTP_ATTEMPTS": "1", "HTTP_TIMEOUT": "2", "SMTP_PORT": "9", "SMTP_HOST": "127.0.0.1"}.items():
        monkeypatch.setenv(f"REGISTRY_SYNC_{name}", value)
    real = json.loads(printed("--database", str(played), *shlex.split(call)))
    # of a record, the page shows some fields only
    assert fits(shape(json.loads(text)), shape(real), whole=not call.startswith(("show", "page")))


def test_every_command_with_json_shows_its_shape() -> None:
    with_json = {words for words, command in commands() if any(option.name == "json_" for option in command.params)}
    assert {tuple(word for word in shlex.split(call) if word.islower() and word.isalpha()) for call, _ in JSON_SHAPES} == with_json


def test_the_questions_to_the_history_can_be_asked(history: History) -> None:
    questions = [block["text"] for block in FENCE.finditer(read(ROOT / "docs" / "history.md")) if block["language"] == "sql"]
    assert questions
    for question in questions:
        history.rows(question)


def test_the_receivers_lines_tell_a_genuine_post_from_a_forged_one() -> None:
    (lines,) = [block["text"] for block in FENCE.finditer(read(ROOT / "docs" / "notices.md")) if block["language"] == "python"]
    names: dict[str, Any] = {}
    exec(lines, names)  # noqa: S102 - the lines are our own
    secret, body = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQ=", b'{"id": "1"}'
    genuine = functools.partial(names["is_genuine"], secret=secret, now=1_770_000_100.0)
    headers = {"webhook-id": "n1", "webhook-timestamp": "1770000000"}
    headers["webhook-signature"] = signature(secret_bytes(secret), "n1", "1770000000", body)

    assert genuine(headers, body)
    assert not genuine(headers, body + b" ")
    assert not genuine({**headers, "webhook-id": "n2"}, body)
    assert not genuine({**headers, "webhook-timestamp": "1760000000"}, body)


def test_the_trial_of_the_examples_is_the_demos() -> None:
    assert set(re.findall(r"NCT\d{8}", read(README))) == {TRIAL}


if __name__ == "__main__" and "--write" in sys.argv:
    write()
