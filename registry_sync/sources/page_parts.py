"""The blocks of a page -> this trial's part of it in reading order, and its labels with their values."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Collection, Iterator, Sequence

import msgspec
from msgspec.structs import replace

from registry_sync.sources.badges import are_badges, are_facts
from registry_sync.sources.blocks import Block
from registry_sync.sources.columns import as_items, begins_another_field, heads_columns
from registry_sync.sources.finder_values import bare_phases, is_value_of
from registry_sync.sources.folding import fold
from registry_sync.sources.labels import (
    BEGINNING,
    ELIGIBILITY_FACTS,
    FIELD_LABELS,
    PAGE_LABELS,
    SECTION,
    Words,
    is_beside,
    is_criteria_heading,
    is_on_the_way,
    is_related,
    is_step,
    label_key,
    lay_group,
    opens_about,
    opens_other_trials,
)
from registry_sync.sources.markers import strip_bullets
from registry_sync.sources.other_trials import begins_other_trials
from registry_sync.sources.registers import ANY_TRIAL_ID, nct_ids

_MOST_WORDS_BESIDE_AN_ID = 4
_MOST_LETTERS_OF_A_ROW = 120
_MOST_LETTERS_OF_A_HEADING = 60
_MOST_WORDS_OF_A_LABEL = 6
_GLUED = re.compile(r"(?<=[a-z)?])(?=[A-Z0-9])")
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
OF_ANOTHER = re.compile(
    r"\b(?:extension|long-term follow-?up|follow-?up (?:of|to|from)|"
    r"roll-?over|roll over|parent (?:study|trial)|previous|previously|prior|earlier|feeder|sub-?study|"
    r"complet(?:ed|ion of)|enrolled in|participat(?:ed|ion|ing) in|took part|treated in|people of|participants? (?:of|from)|"
    r"patients (?:of|from)|similar|related|companion|sister|see also|follows)\b",
    re.IGNORECASE,
)
"""How a text speaks of a trial that is not the page's own."""
_ELLIPSES = ("…", "...")
_ENTITY = re.compile(
    r"&(?:nbsp|amp|lt|gt|le|ge|quot|apos|[lr][sd]quo|[nm]dash|hellip|bull|middot|deg|micro|plusmn|times|reg|trade|copy|shy|ensp|emsp|thinsp|"
    r"zwnj|alpha|beta|gamma|delta|mu|sup[123]|frac[134]{2}|[aeiouyAEIOUY](?:acute|grave|circ|uml|tilde|ring)|[nN]tilde|[cC]cedil|[aA]ring|"
    r"[aA]Elig|aelig|oslash|Oslash|oelig|szlig|#\d{2,5}|#[xX][0-9a-fA-F]{2,5});"
)
_SIMPLE_TAG = re.compile(r"</?(?:(?P<within>sup|sub|b|i|em|strong|u|span|font)|br|p|li|ul|ol|div)\s{0,3}/?>", re.IGNORECASE)
_ITEM_TAG = re.compile(r"<li\s{0,3}>", re.IGNORECASE)
_CRUMBS = re.compile(r"(?:^|\s)[/>›»→|]\s*(?:(?:clinical )?(?:trial|study):?\s+)?NCT\d{8}\s*$", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"[\w-]/(?:[\w.~-]+/)*(?:[\w.~-]*-)?NCT\d{8}|[?&=]NCT\d{8}", re.IGNORECASE)
_MOST_BLOCKS_BELOW_RELATED = 6
_NO_HEADING = 7
_BARE_ID = re.compile(r"(?:(?:clinical )?(?:trial|study):?\s+)?NCT\d{8}", re.IGNORECASE)
_MOST_BLOCKS_BEFORE_AN_ID = 4
_NAMES = frozenset(("lead_sponsor", "conditions"))
_ANSWERS = frozenset(("healthy_volunteers",))


def trial_ids(blocks: Sequence[Block]) -> frozenset[str]:
    """Every NCT id that the page shows."""
    return frozenset(found for block in blocks if "NCT" in block.text.upper() for found in nct_ids(block.text))


def own_blocks(blocks: Sequence[Block], trials: Collection[str], words: Words) -> tuple[Block, ...]:
    """The blocks that tell of the trial (its ids are ``trials``): without "Similar trials" and what follows another trial's id.

    What is doubtful is left out: a field too few is only not stated, another trial's status would be a false alarm.
    """
    kept: list[Block] = []
    others_from: int | None = None
    ends_at_level = 0
    for index, block in enumerate(blocks):
        shown = shown_id(block, words)
        if shown in trials:
            if _is_below_related(blocks, index):
                continue
            others_from = None
        elif others_from is not None:
            if ends_at_level and 0 < block.level <= ends_at_level and words.label_meaning(block.text) is not None:
                others_from = None
        elif block.kind != "item" and (begins_other_trials(blocks, index, words) or (block.level > 1 and is_related(block.text))):
            others_from, ends_at_level = index, block.level
        elif shown is not None and not _names_second_id(blocks, index, words):
            others_from, ends_at_level = index, _rank_of_part(kept, words)
            _drop_title(kept, words)
        if others_from is None:
            kept.append(block)
    return tuple(kept)


def _rank_of_part(kept: Sequence[Block], words: Words) -> int:
    """The rank of the heading over another trial's own, where it is no label of the page: the part ends at the next one. 0: none."""
    levels = [block for block in kept if block.level]
    if not levels or words.label_meaning(levels[-1].text) is not None:
        return 0
    above = next((block for block in reversed(levels[:-1]) if block.level < levels[-1].level), None)
    return above.level if above is not None and above.level > 1 and words.label_meaning(above.text) is None else 0


def _drop_title(kept: list[Block], words: Words) -> None:
    """Leave out what stands between another trial's heading and its id, and its badges above that heading."""
    for place in range(len(kept) - 1, max(0, len(kept) - 1 - _MOST_BLOCKS_BEFORE_AN_ID), -1):
        if kept[place].level and words.label_meaning(kept[place].text) is None and not is_criteria_heading(kept[place].text):
            while place > 1 and are_badges(kept[place - 1], words) and words.label_meaning(kept[place - 2].text) is None:
                place -= 1
            del kept[place:]
            return


def leading_trial(blocks: Sequence[Block], trials: Collection[str], words: Words) -> str | None:
    """The first trial that the page presents by its id: another one than the watched means a list, or that other's page.

    A line that only leads to a trial presents none, nor does a trail of bread crumbs present the watched one (its ids are ``trials``).
    """
    for index, block in enumerate(blocks):
        if opens_other_trials(block.text):
            return None
        shown = shown_id(block, words)
        if shown is None or is_on_the_way(block.text) or _is_below_related(blocks, index):
            continue
        if shown in trials and (is_crumbs(block.text) or _is_in_address(block.text) or _ends_trail(blocks, index)):
            continue
        if not _names_second_id(blocks, index, words):
            return shown
    return None


def is_crumbs(text: str) -> bool:
    """Is this the way to a page in its site ("Home > Trials > NCT01234567")?"""
    return _CRUMBS.search(text) is not None


def _ends_trail(blocks: Sequence[Block], index: int) -> bool:
    """Is this the last of bread crumbs that are blocks of their own?"""
    return index > 0 and _BARE_ID.fullmatch(blocks[index].text) is not None and not blocks[index].level and is_step(blocks[index - 1].text)


def _is_in_address(text: str) -> bool:
    """Does an id stand in an address that is not the register's own?"""
    return _IN_ADDRESS.search(text) is not None and "clinicaltrials.gov/" not in text.casefold()


def _is_below_related(blocks: Sequence[Block], index: int) -> bool:
    """Does this block stand right below "Related", "Recently viewed" or the like?"""
    level = _NO_HEADING
    for block in reversed(blocks[max(0, index - _MOST_BLOCKS_BELOW_RELATED) : index]):
        if (is_beside(block.text) or opens_other_trials(block.text)) and (block.level < level if block.level else level == _NO_HEADING):
            return True
        if block.level:
            level = min(level, block.level)
        elif level == _NO_HEADING and block.kind not in ("item", "text"):
            return False
    return False


def shown_id(block: Block, words: Words) -> str | None:
    """The trial that a short block such as "NCT ID: NCT01234567", a line of facts, or a title with an id, is about."""
    if "NCT" not in block.text.upper():
        return None
    found = nct_ids(block.text)
    if len(found) == 1 and are_facts(block, block.text, words):
        return next(iter(found))
    if not block.level and OF_ANOTHER.search(block.text):
        return None
    if len(found) != 1 or (block.level != 1 and len(ANY_TRIAL_ID.sub(" ", block.text).split()) > _MOST_WORDS_BESIDE_AN_ID):
        return None
    return next(iter(found))


def _names_second_id(blocks: Sequence[Block], index: int, words: Words) -> bool:
    """Does this id stand in a list of ids of the same trial (an alias, an extension), below a label that says so?"""
    key = label_key(blocks[index].text.partition(":")[0])
    above = next((label_key(block.text) for block in reversed(blocks[max(0, index - 4) : index]) if words.label_meaning(block.text)), "")
    return any(word in name for name in (key, above) for word in ("secondary", "identifiers", "other", "alias"))


def laid_out(blocks: Sequence[Block], words: Words) -> tuple[Block, ...]:
    """The blocks as a reader takes them: a table whose first row names its columns by column, a page that is one list as text."""
    laid = _unlisted(list(_unfolded(blocks)), words)
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


def begins_about(block: Block) -> bool:
    """Is this "About the sponsor", alone or as the first run of its block?"""
    return opens_about(block.text) or (len(block.parts) > 1 and block.kind != "item" and opens_about(block.parts[0]))


class Piece(msgspec.Struct, frozen=True):
    """A run of text that is a label or a value. ``meaning`` is the label's (see labels.py), ``None`` for a value.

    ``joined``: this value stands in the same block as the label before it.
    """

    text: str
    meaning: str | None
    block: Block
    joined: bool = False


def pieces(blocks: Sequence[Block], words: Words) -> tuple[Piece, ...]:
    """The blocks as labels and values, in reading order."""
    return tuple(_with_answers([piece for block in blocks for piece in parted(block, words)]))


def _with_answers(found: Sequence[Piece]) -> list[Piece]:
    """The same, with "Accepts healthy volunteers" below "Volunteers" as the answer that it is, though it may be a label too."""
    if not any(piece.meaning in _ANSWERS for piece in found):
        return list(found)
    answered = list(found[:1])
    for before, piece in itertools.pairwise(found):
        is_answer = piece.meaning in _ANSWERS and before.meaning == piece.meaning and answered[-1].meaning is not None
        answered.append(Piece(piece.text, None, piece.block, piece.joined) if is_answer else piece)
    return answered


def parted(block: Block, words: Words) -> Iterator[Piece]:
    """A block as pieces: a label, a value, "Sex: All", "SexAll", or runs of which some are labels."""
    text = block.text
    whole = words.label_meaning(text)
    if whole is not None:
        yield Piece(text, whole, block)
        return
    label, colon, value = text.partition(":")
    if colon and value.strip() and (meaning := words.label_meaning(label)) is not None:
        yield Piece(label, meaning, block)
        yield Piece(value.strip(), None, block, joined=True)
        return
    if len(block.parts) > 1 and block.kind != "item" and any(words.label_meaning(part) for part in block.parts):
        yield from _runs(block, words)
        return
    if len(block.parts) > 1 and block.kind == "item" and words.label_meaning(block.parts[0]):
        yield Piece(block.parts[0], words.label_meaning(block.parts[0]), block)
        yield Piece(" ".join(block.parts[1:]), None, block, joined=True)
        return
    if len(text) <= _MOST_LETTERS_OF_A_ROW and text[:BEGINNING].lower() in words.beginnings:
        row = _without_a_sign(block, words)
        if row is not None:
            yield from row
            return
    yield Piece(text if text[:1].isalpha() else strip_bullets(text)[1] or text, None, block)


def _without_a_sign(block: Block, words: Words) -> tuple[Piece, Piece] | None:
    """The label and value of "StatusRecruiting" or "Phase Phase 2": what stands behind the label must be one of its values.

    An item "Age 18 years" may be a criterion, and is left whole.
    """
    text = block.text
    for glued in itertools.islice(_GLUED.finditer(text), _MOST_WORDS_OF_A_LABEL):
        place = glued.start()
        meaning = words.label_meaning(text[:place])
        if meaning is not None and (is_value_of(meaning, text[place:], words) or meaning in _NAMES):
            return Piece(text[:place], meaning, block), Piece(text[place:], None, block, joined=True)
    first, *rest = text.split(" ", _MOST_WORDS_OF_A_LABEL + 1)
    if not rest or bare_phases(text) is not None:
        return None
    for taken in range(min(_MOST_WORDS_OF_A_LABEL, len(rest)), 0, -1):
        label = " ".join((first, *rest[: taken - 1]))
        value = " ".join(rest[taken - 1 :])
        meaning = words.label_meaning(label)
        if block.kind == "item" and meaning in ELIGIBILITY_FACTS:
            return None
        if meaning is not None and is_value_of(meaning, value, words):
            return Piece(label, meaning, block), Piece(value, None, block, joined=True)
    return None


def _runs(block: Block, words: Words) -> Iterator[Piece]:
    """The runs of a block, each a label or the whole text up to the next one."""
    value: list[str] = []
    follows = False
    for part in block.parts:
        meaning = words.label_meaning(part)
        if meaning is None:
            value.append(part)
            continue
        if value:
            yield Piece(" ".join(value), None, block, joined=follows)
            value = []
        follows = True
        yield Piece(part, meaning, block)
    if value:
        yield Piece(" ".join(value), None, block, joined=True)


class Labelled(msgspec.Struct, frozen=True):
    """A label with the pieces up to the next one.

    ``doubtful``: another label without a value stands right before it. ``place``: where the label stands among the pieces.
    """

    meaning: str
    label: str
    values: tuple[Piece, ...]
    doubtful: bool
    place: int = 0


def labelled(found: Sequence[Piece], words: Words) -> tuple[Labelled, ...]:
    """Every label of the page with its values, in reading order."""
    places = [index for index, piece in enumerate(found) if piece.meaning is not None]
    rows: list[Labelled] = []
    for place, following in itertools.pairwise([*places, len(found)]):
        label = found[place]
        before = found[place - 1] if place else None
        doubtful = before is not None and before.meaning in FIELD_LABELS and not _shares_row_only(before, label)
        values = _values(label, found[place + 1 : following], words)
        rows.append(
            Labelled(label.meaning or SECTION, label.text, values, doubtful and not any(value.joined for value in values[:1]), place)
        )
    return tuple(rows)


def _shares_row_only(before: Piece, label: Piece) -> bool:
    """Did the label before stand in a table row of its own, so that its missing value is an empty cell?"""
    return bool(label.block.row) and before.block.row != label.block.row and before.block.cells > 1


def _values(label: Piece, following: Sequence[Piece], words: Words) -> tuple[Piece, ...]:
    """The pieces that belong to a label: up to a heading of its rank, the next term, the end of its row, "About ..."."""
    kept: list[Piece] = []
    for piece in following:
        if _is_beyond(label, piece) and (kept or not _is_value_in_kind(label, piece, words)):
            break
        kept.append(piece)
    return tuple(kept)


def _is_value_in_kind(label: Piece, piece: Piece, words: Words) -> bool:
    """Does a site write values as it writes labels: is this heading or term the value of the one before?"""
    same = label.block.kind == piece.block.kind and label.block.level == piece.block.level
    return same and piece.block.kind in ("heading", "term") and is_value_of(label.meaning or SECTION, piece.text, words)


def _is_beyond(label: Piece, piece: Piece) -> bool:
    if piece.joined:
        return False
    mine, other = label.block, piece.block
    if other.kind == "heading" and (not mine.level or other.level <= mine.level):
        return True
    if other.kind == "term" or begins_about(other) or opens_other_trials(other.text):
        return True
    return bool(mine.row) and other.row != mine.row and mine.cells > 1
