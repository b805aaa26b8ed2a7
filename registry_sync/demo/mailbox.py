"""A mail server on loopback that keeps what it is sent and can be told to be difficult.

It runs aiosmtpd's protocol on a socket bound here: aiosmtpd's own Controller tests itself by connecting to the port that
it was given, which fails for port 0, and it leaves connections open when it stops.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import collections
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Literal, Self, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from registry_sync.demo.faults import Hold

HOST = "127.0.0.1"

Stage = Literal["connect", "ehlo", "auth", "mail", "rcpt", "data"]

_PATIENCE = 60.0
_TURNS = 10
_COMMAND_LIMITS = {"AUTH": 12_288}
"""RFC 4954, section 4.1: a line of AUTH may be longer than other commands; access tokens need it."""

_LONGEST_LINE = 998
"""RFC 5322, section 2.1.1: octets, without the line's end."""

_BAD_LOGIN = "535 5.7.8 Authentication credentials invalid"


@dataclass(frozen=True)
class Mail:
    """One message as it came: the envelope, the bytes, who had logged in, and whether the line was encrypted."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    login: str | None
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        """The message, parsed anew at each call."""
        return message_from_bytes(self.raw, policy=policy.default)

    def text(self, subtype: Literal["plain", "html"] = "plain") -> str:
        """One of the alternatives, its lines ended by ``\\n``. Raises LookupError when the message has none of this kind."""
        part = self.message.get_body((subtype,))
        if part is None:
            raise LookupError(f"the message has no text/{subtype} part")
        return str(part.get_content()).replace("\r\n", "\n")


@dataclass
class _Refusal:
    stage: Stage
    reply: str
    left: int | None
    address: str | None = None


class Mailbox:
    """The server. ``username`` with ``password`` or ``token`` makes it ask for a login (PLAIN, LOGIN; XOAUTH2).

    ``security``: ``starttls`` offers and demands STARTTLS, ``tls`` speaks TLS from the first byte; both need ``context``,
    a server's. The port is chosen at the first ``start`` and kept. Usable as a context manager, from any thread.
    """

    def __init__(
        self,
        *,
        security: Literal["none", "starttls", "tls"] = "none",
        context: ssl.SSLContext | None = None,
        username: str = "",
        password: str = "",
        token: str = "",
    ) -> None:
        if (security == "none") != (context is None):
            raise ValueError("starttls and tls need a context, and nothing else does")
        self._security, self._context = security, context
        self._username, self._password, self._token = username, password, token
        self._changed = threading.Condition()
        self._messages: list[Mail] = []
        self._refusals: list[_Refusal] = []
        self._holds: dict[Stage, Hold] = {}
        self._given_holds: list[Hold] = []
        self._drops = 0
        self._connections = 0
        self._port = 0
        self._transports: set[asyncio.BaseTransport] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    host = HOST

    @property
    def port(self) -> int:
        """The port. Raises RuntimeError before the first start."""
        if not self._port:
            raise RuntimeError("this mail server was never started: it has no port yet")
        return self._port

    @property
    def messages(self) -> tuple[Mail, ...]:
        """What came so far, in its order."""
        with self._changed:
            return tuple(self._messages)

    @property
    def connections(self) -> int:
        """How many connections were made so far."""
        with self._changed:
            return self._connections

    def wait_for(self, count: int, timeout: float = _PATIENCE) -> tuple[Mail, ...]:
        """The messages, once there are so many. Raises TimeoutError when there are not within ``timeout`` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._messages) >= count, timeout):
                raise TimeoutError(f"{len(self._messages)} of {count} mails came within {timeout:g} s")
            return tuple(self._messages)

    def empty(self) -> None:
        """Forget the messages so far."""
        with self._changed:
            self._messages.clear()

    def refuse_login(self, reply: str = _BAD_LOGIN, *, times: int | None = None) -> None:
        """Answer every login so, right or wrong; ``times``: the next ones only."""
        self._refuse(_Refusal("auth", reply, times))

    def refuse_sender(self, reply: str = "553 5.7.1 Sender address rejected", *, times: int | None = None) -> None:
        """Answer MAIL FROM so."""
        self._refuse(_Refusal("mail", reply, times))

    def refuse_recipient(self, address: str, reply: str = "550 5.1.1 No such user here", *, times: int | None = None) -> None:
        """Answer RCPT TO this address so: 4xx is for now, 5xx for good (RFC 5321, 4.2.1)."""
        self._refuse(_Refusal("rcpt", reply, times, address.lower()))

    def refuse_data(self, reply: str = "554 5.6.0 Message refused", *, times: int | None = None) -> None:
        """Answer a whole message so, and do not keep it."""
        self._refuse(_Refusal("data", reply, times))

    def drop_after_data(self, times: int = 1) -> None:
        """Keep the next messages, but end the connection in place of the 250: the client cannot know."""
        with self._changed:
            self._drops = times

    def hang(self, stage: Stage) -> Hold:
        """Say nothing at this stage until released; at ``connect`` the connection ends then, elsewhere it goes on."""
        hold = Hold()
        with self._changed:
            self._holds[stage] = hold
            self._given_holds.append(hold)
        return hold

    def behave(self) -> None:
        """Forget every refusal, and release what hangs."""
        with self._changed:
            self._refusals.clear()
            self._drops = 0
            self._holds.clear()
            holds, self._given_holds = self._given_holds, []
        for hold in holds:
            hold.release()

    def start(self) -> Self:
        """Listen. Raises OSError when the port is taken by now, RuntimeError when it listens already."""
        if self._thread is not None:
            raise RuntimeError(f"the mail server at port {self._port} listens already")
        listener = socket.create_server((HOST, self._port), backlog=128)
        self._port = listener.getsockname()[1]
        listening = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(listener, listening),), name="Mailbox", daemon=True)
        self._thread.start()
        if not listening.wait(_PATIENCE):
            raise RuntimeError(f"the mail server at port {self._port} does not listen after {_PATIENCE:g} s")
        return self

    def stop(self) -> None:
        """Refuse connections from now on and end those that are open. May be called twice."""
        if self._thread is None or self._loop is None or self._stopping is None:
            return
        self.behave()
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _serve(self, listener: socket.socket, listening: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(_quiet_about_lost_connections)
        self._stopping = asyncio.Event()
        server = await self._loop.create_server(self._connection, sock=listener, ssl=self._context if self._security == "tls" else None)
        listening.set()
        await self._stopping.wait()
        # A connection that was accepted a moment ago gets its transport only in one of the loop's next turns, and only from
        # a server that is not closed yet; without a transport, nobody would close its socket.
        self._loop.remove_reader(listener)
        for _ in range(_TURNS):
            for transport in tuple(self._transports):
                cast(asyncio.Transport, transport).abort()
            await asyncio.sleep(0)
        server.close()
        await server.wait_closed()
        sessions = asyncio.all_tasks() - {cast("asyncio.Task[Any]", asyncio.current_task())}
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    def _connection(self) -> asyncio.BaseProtocol:
        with self._changed:
            self._connections += 1
            hold = self._holds.get("connect")
        return _Protocol(self) if hold is None else _Silent(self, hold)

    def _refuse(self, refusal: _Refusal) -> None:
        with self._changed:
            self._refusals.append(refusal)

    async def _reply_at(self, stage: Stage, address: str | None = None) -> str | None:
        """Wait where this stage hangs, then the refusal that was scripted for it."""
        with self._changed:
            hold = self._holds.get(stage)
        if hold is not None:
            await asyncio.get_running_loop().run_in_executor(None, hold.hold)
        with self._changed:
            for refusal in self._refusals:
                if refusal.stage == stage and refusal.address in (None, address):
                    return self._use(refusal)
        return None

    def _use(self, refusal: _Refusal) -> str:
        if refusal.left is not None:
            refusal.left -= 1
            if refusal.left <= 0:
                self._refusals.remove(refusal)
        return refusal.reply

    def _keep(self, mail: Mail) -> bool:
        """Keep a message; is its connection to be dropped?"""
        with self._changed:
            self._messages.append(mail)
            drop = self._drops > 0
            self._drops -= drop
            self._changed.notify_all()
        return drop


class _Silent(asyncio.Protocol):
    """A connection on which no greeting ever comes."""

    def __init__(self, mailbox: Mailbox, hold: Hold) -> None:
        self._mailbox, self._hold = mailbox, hold
        self._waiting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._mailbox._transports.add(transport)
        self._waiting = asyncio.get_running_loop().create_task(self._end_when_released(transport))

    async def _end_when_released(self, transport: asyncio.BaseTransport) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self._hold.hold)
        transport.close()
        self._mailbox._transports.discard(transport)


class _Protocol(SMTP):
    """aiosmtpd's protocol with the mailbox as its owner, and its open transports known to it."""

    line_length_limit = 12_288  # room for AUTH; the length of a message's lines is checked in handle_DATA

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        starttls = mailbox._context if mailbox._security == "starttls" else None
        super().__init__(
            _Handler(mailbox),
            hostname="localhost",  # else the host's full name is looked up, which can take seconds
            ident="Mailbox",
            enable_SMTPUTF8=True,
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )
        # On the class these limits are shared, and each new connection clears them for all.
        self.command_size_limits = collections.defaultdict(lambda: SMTP.command_size_limit, _COMMAND_LIMITS)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._mailbox._transports.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._mailbox._transports = {one for one in self._mailbox._transports if not one.is_closing()}
        super().connection_lost(error)


class _Handler:
    """What aiosmtpd asks at each stage; the names are its own."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._login: str | None = None

    async def handle_EHLO(self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, replies: list[str]) -> list[str]:  # noqa: N802
        refused = await self._mailbox._reply_at("ehlo")
        if refused is not None:
            return [refused]
        session.host_name = hostname
        return [self._offer(reply) for reply in replies if not reply.startswith("250-AUTH") or self._wants_login]

    async def handle_AUTH(self, server: SMTP, session: Session, _envelope: Envelope, args: list[str]) -> str | None:  # noqa: N802
        refused = await self._mailbox._reply_at("auth")
        mechanism, initial = args[0], args[1:]
        try:
            login, secret = await _credentials(server, mechanism, initial)
        except _NoCredentialsError:
            return None
        right = self._mailbox._token if mechanism == "XOAUTH2" else self._mailbox._password
        accepted = bool(right) and (login, secret) == (self._mailbox._username, right)
        if refused is None and accepted:
            session.authenticated = True
            self._login = login
            return "235 2.7.0 Authentication successful"
        if mechanism == "XOAUTH2":
            await server.challenge_auth('{"status":"401"}')  # the reason first; the client answers it with an empty line
        return refused or _BAD_LOGIN

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> None:  # noqa: N802
        """Here so that aiosmtpd offers the mechanism; ``handle_AUTH`` does the work."""

    async def handle_MAIL(self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        refused = await self._mailbox._reply_at("mail")
        if refused is not None:
            return refused
        if self._wants_login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        refused = await self._mailbox._reply_at("rcpt", address.lower())
        if refused is not None:
            return refused
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        refused = await self._mailbox._reply_at("data")
        raw = envelope.original_content or b""
        if any(len(line) > _LONGEST_LINE for line in raw.split(b"\r\n")):
            refused = refused or "500 5.6.0 Line too long (RFC 5322, 2.1.1)"
        if refused is not None:
            return refused
        transport = cast(asyncio.Transport, server.transport)
        encrypted = transport.get_extra_info("ssl_object") is not None
        mail = Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw, self._login, encrypted)
        if self._mailbox._keep(mail):
            transport.abort()
            await asyncio.Event().wait()  # the lost connection cancels this task
        return "250 2.0.0 OK"

    @property
    def _wants_login(self) -> bool:
        return bool(self._mailbox._password or self._mailbox._token)

    def _offer(self, reply: str) -> str:
        if not reply.startswith("250-AUTH"):
            return reply
        return "250-AUTH " + " ".join(["LOGIN", "PLAIN"] * bool(self._mailbox._password) + ["XOAUTH2"] * bool(self._mailbox._token))


async def _credentials(server: SMTP, mechanism: str, initial: list[str]) -> tuple[str, str]:
    """Login and secret, as the mechanism sends them; two empty strings when they cannot be read."""
    first = _decoded(initial[0]) if initial else await _asked(server, "User Name" if mechanism == "LOGIN" else "")
    if mechanism == "LOGIN":
        return first, await _asked(server, "Password")
    if mechanism == "PLAIN":  # RFC 4616: identity to act as, login, password
        _, login, secret = [*first.split("\0"), "", "", ""][:3]
        return login, secret
    parts = dict(part.partition("=")[::2] for part in first.split("\1") if part)
    return parts.get("user", ""), parts.get("auth", "").removeprefix("Bearer ")


async def _asked(server: SMTP, challenge: str) -> str:
    answer = await server.challenge_auth(challenge)
    if not isinstance(answer, bytes):
        raise _NoCredentialsError
    return answer.decode("utf-8", "replace")


class _NoCredentialsError(Exception):
    """The client broke its login off, and aiosmtpd has answered that."""


def _decoded(text: str) -> str:
    with suppress(binascii.Error):
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    return ""


def _quiet_about_lost_connections(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A client that leaves in the middle, or a failed handshake, is what tests are about, and no news."""
    if not isinstance(context.get("exception"), (OSError, ssl.SSLError)):
        loop.default_exception_handler(context)
