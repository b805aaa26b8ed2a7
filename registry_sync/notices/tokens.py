"""The signed links of mails: they stop one subscription and show nothing else, need no login and do not expire.

A token names a subscription by its number and is signed with the installation's key (itsdangerous: HMAC-SHA1 with a derived key), so
that nothing about it has to be kept: it is still understood when the subscription is long gone.
"""

from __future__ import annotations

import re
from functools import lru_cache

from itsdangerous import BadSignature, Signer

IN_A_MAIL = re.compile(r"(?<![A-Za-z0-9_.-])(\d{1,18}\.[A-Za-z0-9_-]{27})(?![A-Za-z0-9_-])")
"""Such a token somewhere in a text."""


def stop_token(key: str, subscription: int) -> str:
    """The token that stops this subscription; ``key``: the installation's, in hexadecimal digits."""
    return _signer(key).sign(str(subscription)).decode("ascii")


def read_stop_token(key: str, token: str) -> int | None:
    """The subscription that a token stops; ``None`` for one that this installation has not signed."""
    try:
        return int(_signer(key).unsign(token.encode("utf-8", "replace")))
    except (BadSignature, ValueError):
        return None


@lru_cache(maxsize=4)
def _signer(key: str) -> Signer:
    return Signer(bytes.fromhex(key), salt="registry-sync stop")
