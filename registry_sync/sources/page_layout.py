"""The blocks of a page as a reader takes them: tables by column, escaped markup as what was meant, glued headings apart."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from registry_sync.sources.blocks import Block
from registry_sync.sources.columns import as_items, begins_another_field, heads_columns
from registry_sync.sources.folding import fold
from registry_sync.sources.labels import CRITERIA, PAGE_LABELS, Words, is_criteria_heading, label_key, lay_group

_MOST_LETTERS_OF_A_ROW = 120
_HEADS_PARTS = re.compile(
    r"\b(?:locations?|sites?|cent(?:re|er)|countr(?:y|ies)|member states?|facility|institution|city|contacts?|arms?|cohorts?|groups?|"
    r"documents?|versions?)\b",
    re.IGNORECASE,
)
"""Columns of a table whose rows are parts of the trial, with a status each."""
_GLUED_HEADING = re.compile(
    r"(?P<before>.*[.!?)])\s?"
    r"(?P<heading>(?:(?:Key|Main) )?(?:Inclusion|Exclusion) [Cc]riteria:?|Participants? [Mm]ust(?: [Nn]ot)?:)",
    re.DOTALL,
)
_ELLIPSES = ("…", "...")
_ENTITY = re.compile(
    r"&(?:nbsp|amp|lt|gt|le|ge|quot|apos|[lr][sd]quo|[nm]dash|hellip|bull|middot|deg|micro|plusmn|times|reg|trade|copy|shy|ensp|emsp|thinsp|"
    r"zwnj|alpha|beta|gamma|delta|mu|sup[123]|frac[134]{2}|[aeiouyAEIOUY](?:acute|grave|circ|uml|tilde|ring)|[nN]tilde|[cC]cedil|[aA]ring|"
    r"[aA]Elig|aelig|oslash|Oslash|oelig|szlig|#\d{2,5}|#[xX][0-9a-fA-F]{2,5});"
)
_SIMPLE_TAG = re.compile(r"</?(?:(?P<within>sup|sub|b|i|em|strong|u|span|font)|br|p|li|ul|ol|div)\s{0,3}/?>", re.IGNORECASE)
_ITEM_TAG = re.compile(r"<li\s{0,3}>", re.IGNORECASE)
_MOST_LETTERS_OF_A_HEADING = 60
_MOST_BLOCKS_OF_A_FOLD = 4


def laid_out(blocks: Sequence[Block], words: Words) -> tuple[Block, ...]:
    """The blocks as a reader takes them: a table whose first row names its columns by column, a page that is one list as text."""
    laid = _unlisted(list(_without_folds(list(_unfolded(blocks)), words)), words)
    return tuple(_by_columns(laid, words) if any(block.cells > 1 for block in laid) else laid)


def _unfolded(blocks: Sequence[Block]) -> Iterator[Block]:
    """The same, with a heading of criteria that is glued to the end of a text as a block of its own, and "You can join if…" as one."""
    blocks = list(_plain(blocks))
    lay = {block.text: group for block in blocks if len(block.text) <= _MOST_LETTERS_OF_A_HEADING and (group := lay_group(block.text))}
    excludes = "exclusion" in lay.values()
    for block in blocks:
        if excludes and (group := lay.get(block.text)):
            yield replace(block, text=f"{group.capitalize()} criteria:", parts=(), raw="", marker=None)
            continue
        if block.text.endswith(_ELLIPSES) and is_criteria_heading(block.text):
            yield replace(block, text=block.text.rstrip(" .…") + ":", parts=(), raw="")
            continue
        if block.text.endswith(":") and len(block.text) > _MOST_LETTERS_OF_A_ROW and (found := _GLUED_HEADING.fullmatch(block.text)):
            yield replace(block, text=found["before"], parts=(), raw="")
            yield replace(block, text=found["heading"], parts=(), raw="", marker=None)
        else:
            yield block


def _without_folds(blocks: Sequence[Block], words: Words) -> Iterator[Block]:
    """The same, without "Expand all" above headings of criteria whose items are there."""
    for index, block in enumerate(blocks):
        if not words.opens_a_fold(block.text) or not _is_open_fold(blocks[index + 1 : index + 1 + _MOST_BLOCKS_OF_A_FOLD], words):
            yield block


def _is_open_fold(below: Sequence[Block], words: Words) -> bool:
    """Does a heading of criteria stand here, with a line below it that neither is one nor leads to the rest?"""
    heads = [place for place, block in enumerate(below[:-1]) if is_criteria_heading(block.text)]
    if not heads or any(words.label_meaning(block.text) not in (None, CRITERIA) for block in below[: heads[0]]):
        return False
    first = below[heads[0] + 1]
    return not (is_criteria_heading(first.text) or words.label_meaning(first.text) or words.is_cut_off(first.text))


def _plain(blocks: Sequence[Block]) -> Iterator[Block]:
    """The blocks without markup that a reader sees, because the page escaped it twice."""
    for block in blocks:
        if ("&" in block.text and _ENTITY.search(block.text)) or ("<" in block.text and _SIMPLE_TAG.search(block.text)):
            yield from _unescaped(block)
        else:
            yield block


def _unescaped(block: Block) -> tuple[Block, ...]:
    """A block whose text shows markup ("&amp;nbsp;", "<br>") as the text, or the list, that was meant."""
    text = _without_markup(block.text)
    if len(_ITEM_TAG.findall(text)) > 1:
        items = [fold(_SIMPLE_TAG.sub(" ", item)) for item in _ITEM_TAG.split(text)]
        return tuple(
            replace(block, text=item, parts=(), raw="", kind="item" if place else block.kind, marker="*" if place else block.marker)
            for place, item in enumerate(items)
            if item
        )
    plain = fold(_tagless(text))
    raw = _tagless(_without_markup(block.raw)) if block.raw else ""
    parts = tuple(part for one in block.parts if (part := fold(_tagless(_without_markup(one)))))
    return (replace(block, text=plain, parts=parts, raw=raw),) if plain else ()


def _without_markup(text: str) -> str:
    """The text with its known entities as the signs that they are, of which the page may have made two out of one."""
    for _ in range(2):
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    return text


def _tagless(text: str) -> str:
    """Without simple tags: those of a line are blanks, those within a word nothing."""
    return _SIMPLE_TAG.sub(lambda found: "" if found["within"] else " ", text)


def _unlisted(blocks: Sequence[Block], words: Words) -> list[Block]:
    """The same, with the items of a list that holds the page's own labels as lines of text."""
    labels: dict[int, list[str]] = {}
    leading: dict[int, str | None] = {}
    for block in blocks:
        if block.outline and block.depth == 0 and block.kind == "item":
            meaning = words.label_meaning(block.text)
            leading.setdefault(block.outline, meaning)
            if meaning is not None:
                labels.setdefault(block.outline, []).append(meaning)
    pages = {
        outline
        for outline, meanings in labels.items()
        if leading[outline] in PAGE_LABELS or (len(set(meanings)) > 1 and PAGE_LABELS.intersection(meanings))
    }
    return [_as_text(block) if block.outline in pages else block for block in blocks]


def _as_text(block: Block) -> Block:
    if block.depth == 0:
        return replace(block, kind="text" if block.kind == "item" else block.kind, marker=None, outline=0)
    return replace(block, depth=block.depth - 1)


def _by_columns(blocks: Sequence[Block], words: Words) -> Iterator[Block]:
    """Where a row holds only labels and the next ones their values, each column becomes a row: the label and its values."""
    rows = [list(group) for _, group in itertools.groupby(blocks, key=lambda block: block.row or -1)]
    unused = itertools.count(1 + max((block.row for block in blocks), default=0))
    at = 0
    while at < len(rows):
        head = rows[at]
        if head[0].cells > 1 and words.heads_sites([label.text for label in head if any(letter.isalpha() for letter in label.text)]):
            yield from head  # a table of sites, which is read row by row
            at += 1
            continue
        below = _values_below(rows, at, words) if _names_columns(head, words) else []
        values = [block for row in as_items(below, head) for block in row]
        of_places = any(words.label_meaning(label.text) == "locations" or _HEADS_PARTS.search(label.text) for label in head if values)
        for label in head if values else ():
            if of_places and words.label_meaning(label.text) == "overall_status":
                continue  # of each place
            if any(letter.isalpha() for letter in label.text):
                column = [label, *(value for value in values if value.cell == label.cell or value.cells < label.cells)]
                number = next(unused)
                yield from (replace(block, row=number, cell=int(block is not label), cells=2) for block in column)
        if not values:
            yield from head
        at += 1 + len(below)


def _values_below(rows: Sequence[Sequence[Block]], at: int, words: Words) -> Sequence[Sequence[Block]]:
    """The rows of values below the labels of a row; only one where its cells hold whole lists, but for more lists of criteria."""
    of_criteria = any(is_criteria_heading(label.text) for label in rows[at])
    end, has_lists = at + 1, False
    while end < len(rows):
        heads = of_criteria and end + 1 < len(rows) and heads_columns(rows[end], rows[at], words)
        row = rows[end + 1] if heads else rows[end]
        if not _fits(rows[at], row, words) or (has_lists and not (of_criteria and any(block.kind == "item" for block in row))):
            break
        end += 1 + heads
        has_lists = has_lists or len({block.cell for block in row}) < len(row)
    return rows[at + 1 : end]


def _names_columns(row: Sequence[Block], words: Words) -> bool:
    """Is this a row of labels, each in a cell of its own and none twice? A column of numbers needs none."""
    if row[0].cells < 2 or len({block.cell for block in row}) < len(row):
        return False
    named = [block for block in row if any(letter.isalpha() for letter in block.text)]
    names = {words.label_meaning(block.text) or label_key(block.text) for block in named}
    return len(named) > 1 and len(names) == len(named) and all(_is_label(block, words) for block in named)


def _is_label(block: Block, words: Words) -> bool:
    return words.label_meaning(block.text) is not None or is_criteria_heading(block.text)


def _fits(labels: Sequence[Block], values: Sequence[Block], words: Words) -> bool:
    """Is this a row of values below those labels?"""
    same = values[0].cells == labels[0].cells and values[0].nesting == labels[0].nesting
    in_columns = {value.cell for value in values} <= {label.cell for label in labels}
    if any(is_criteria_heading(label.text) for label in labels):
        return same and in_columns and not begins_another_field(values, words)
    return same and in_columns and not any(_is_label(value, words) for value in values)
