"""White space, control characters and half characters -> plain blanks: what every text from outside goes through."""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def fold(text: str) -> str:
    """One line: runs of blanks as one blank, none at the ends; control characters are blanks.

    A lone surrogate, which no file and no mail could hold, becomes U+FFFD.
    """
    if not text.isprintable():  # nearly every text is: both patterns below are only for what is not
        text = _LONE_SURROGATE.sub("\ufffd", _UNPRINTABLE.sub(" ", text))
    elif text and text[0] != " " != text[-1] and "  " not in text:  # the only blank that can be printed
        return text
    return " ".join(text.split())
