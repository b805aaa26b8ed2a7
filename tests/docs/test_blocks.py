"""Every block of commands in the documentation is typed into a shell, and works.

A block that cannot be run here says why, in a comment right before it that no reader sees: ``<!-- not run: it needs a network -->``.
Two more such comments say how a block is run: ``<!-- each alone -->`` where its lines are alternatives, each in the world as it was;
``<!-- in order -->`` on a page whose blocks follow from each other. There, what is shown as text after commands is what they print, and
``<!-- then: recruitment closes -->`` lets something happen in the world.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from tests.docs.world import EVENTS, World, open_world
from tests.test_docs import BLOCK, PAGES, read

HOW = r"(?:<!-- (?P<how>not run: [^>]+|each alone|then: [^>]+) -->\n\n?)?"
FENCE = re.compile(HOW + r"^ {0,3}```(?P<language>\w*)\n(?P<text>.*?)^ {0,3}```$", re.DOTALL | re.MULTILINE)
COMMANDS = ("sh", "cron")
OTHERS_TOOLS = ("sqlite3",)
IN_ORDER = "<!-- in order -->"


class Block(msgspec.Struct, frozen=True):
    """Commands on a page. ``how``: what the comment before them says."""

    page: str
    line: int
    language: str
    text: str
    how: str = ""

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_marked(self) -> bool:
        return self.how.startswith("not run: ")

    @property
    def parts(self) -> list[str]:
        """What is typed at one go: all of it, or each command alone."""
        if self.how != "each alone":
            return [self.text]
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line for line in lines if line.strip() and not line.startswith("#")]


def blocks(page: Path, languages: Sequence[str] = COMMANDS) -> Iterator[Block]:
    """The blocks of commands on a page; of a crontab the commands behind the times."""
    text = BLOCK.sub(lambda made: re.sub(r"[^\n]", " ", made[0]), read(page))
    for found in FENCE.finditer(text):
        if found["language"] not in languages:
            continue
        commands = found["text"]
        if found["language"] == "cron":
            lines = [line for line in commands.splitlines() if line.strip() and not line.startswith("#")]
            commands = "".join(f"( {line.split(None, 5)[5]} )\n" for line in lines)
        yield Block(page.name, text.count("\n", 0, found.start("text")) + 1, found["language"], commands, found["how"] or "")


ALL = [block for page in PAGES for block in blocks(page)]
ORDERED = [page for page in PAGES if IN_ORDER in read(page)]
ALONE = [block for block in ALL if not block.is_marked and block.page not in [page.name for page in ORDERED]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("world")) as opened:
        yield opened


def typed(world: World, text: str, folder: Path) -> str:
    done = world.run(text, folder)
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.mark.parametrize("block", ALONE, ids=lambda block: block.id)
def test_what_is_shown_can_be_typed(world: World, tmp_path: Path, block: Block) -> None:
    for tool in OTHERS_TOOLS:
        if re.search(rf"\b{tool} ", block.text) and shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed here")
    for number, part in enumerate(block.parts):
        folder = tmp_path / str(number)
        world.copy(folder, empty=re.search(r"registry-sync (.* )?init$", part, re.MULTILINE) is not None)
        typed(world, part, folder)


@pytest.mark.parametrize("page", ORDERED, ids=lambda page: page.name)
def test_a_page_can_be_typed_from_its_first_line_to_its_last(tmp_path: Path, page: Path) -> None:
    folder = tmp_path / "here"
    said: list[str] = []
    with open_world(tmp_path, lived=False) as world:
        world.copy(folder, empty=True)
        for block in blocks(page, (*COMMANDS, "text")):
            if block.language == "text":
                assert [line for line in block.text.splitlines() if line not in said] == []
            elif not block.is_marked:
                if block.how.startswith("then: "):
                    EVENTS[block.how.removeprefix("then: ")](world)
                said = typed(world, block.text, folder).splitlines()


def test_no_block_is_passed_over() -> None:
    """Each block is run or says why not; and as many fences stand on the pages as were found."""
    marked = [block for block in ALL if block.is_marked]
    ordered = [block for block in ALL if block.page in [page.name for page in ORDERED] and not block.is_marked]
    assert len(ALONE) + len(ordered) + len(marked) == len(ALL)
    assert len(ALL) == sum(len(re.findall(rf"^ {{0,3}}```(?:{'|'.join(COMMANDS)})$", read(page), re.MULTILINE)) for page in PAGES)
    assert all(len(block.how) > len("not run: it needs") for block in marked)
    assert len(marked) < len(ALL) / 3
    assert not [page.name for page in PAGES if re.search(r"^```(?:bash|shell|console|zsh)$", read(page), re.MULTILINE)]


def test_a_command_that_fails_would_be_seen(world: World, tmp_path: Path) -> None:
    world.copy(tmp_path / "here")
    assert world.run("registry-sync show NCT00000000\nregistry-sync watch list", tmp_path / "here").returncode == 2
