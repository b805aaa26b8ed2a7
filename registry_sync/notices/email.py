"""Mail over SMTP: one connection for many mails, each outcome a value.

What fails for the server as a whole (no connection, login or sender refused) is told apart from what fails for one recipient,
so that one bad address stops nobody else's mail and a dead server is asked once.
"""

from __future__ import annotations

import base64
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from email.utils import parseaddr

from registry_sync.errors import RegistrySyncError, UsageError
from registry_sync.notices.clean import cut, one_line
from registry_sync.notices.deadline import Deadline
from registry_sync.notices.interface import Ahead, Notice, Outcome, Refused, Retry, Sent, nothing_ahead
from registry_sync.notices.wire import Wire
from registry_sync.plural import count
from registry_sync.settings import Smtp

OVERALL = 4
"""A mail's deadline as a multiple of ``smtp.timeout``, which is for one answer: a server may think, but not drip for ever."""

_OK = frozenset({250, 251, 252})
_AUTHENTICATED = 235
_AUTH_CONTINUES = 334
_READY = 220
_GO_ON = 354
_CLOSING = 421
_ENCRYPTION_REQUIRED = 538
_NEEDS_LOGIN = frozenset({530, 534, 535, _ENCRYPTION_REQUIRED})
"""Answers that are about the login whatever command they answer (RFC 4954): the operator's to mend, not the recipient's fault."""

_OF_ANOTHER_NAME = frozenset({62, 64})
"""OpenSSL's codes for a certificate of another host, by name and by address."""
_WITH_STARTTLS = 'set [smtp] security = "starttls"'
_LATER = "try again later, or ask whoever runs it"
_WITHOUT_STARTTLS = 'set [smtp] security = "tls" with the port for it, often 465, or "none" on a network of your own'

_LONGEST_REASON = 240
_SHORTEST_SECRET = 4
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?!\S)")
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253}")
"""An address that is written as it is; smtplib takes every address apart, for others need quotes, which costs as much as a mail."""


class _ChannelDownError(Exception):
    """The server as a whole cannot be used now; the text is for the operator, and so is what there is to ``do`` about it.

    ``brief``: the same without the server's words.
    """

    def __init__(self, said: str, brief: str | None = None, *, do: str = "") -> None:
        super().__init__(said)
        self.brief = brief
        self.do = do


class _ClosedByServerError(Exception):
    """The server closed a connection that was open from an earlier mail; the text is its answer."""


class _Session(smtplib.SMTP):
    """A connection whose every answer is read under a deadline; the constructor connects and reads the greeting."""

    def __init__(self, deadline: Deadline, host: str, port: int, local: str, timeout: float) -> None:
        self.deadline = deadline
        super().__init__(host, port, local, timeout)

    def getreply(self) -> tuple[int, bytes]:
        self.deadline.watch(self.sock)
        return super().getreply()


class _TlsSession(smtplib.SMTP_SSL):
    """The same inside TLS from the first byte on."""

    def __init__(self, deadline: Deadline, host: str, port: int, local: str, timeout: float, context: ssl.SSLContext) -> None:
        self.deadline = deadline
        super().__init__(host, port, local, timeout=timeout, context=context)

    def getreply(self) -> tuple[int, bytes]:
        self.deadline.watch(self.sock)
        return super().getreply()


class MailChannel:
    """A mail server as a Channel. ``write`` makes the mail of a notice; ``pace`` is called before each and returns when it may go.

    Mails are sent one by one over one connection; the next is written while the server takes the one before it. ``send`` is not for
    several threads at once.
    """

    def __init__(
        self,
        settings: Smtp,
        *,
        write: Callable[[Notice], Wire],
        pace: Callable[[], object],
    ) -> None:
        self._settings = settings
        self._write = write
        self._pace = pace
        self._sender = _ascii_domain(parseaddr(settings.sender)[1])
        self._sender_is_plain = _is_plain(self._sender)
        self._smtp: _Session | _TlsSession | None = None
        self._written: tuple[Notice, Wire] | None = None

    def send(self, notice: Notice, ahead: Ahead = nothing_ahead) -> Outcome:
        """Hand the notice's mail to the server."""
        try:
            wire = self._wire(notice)
        except UsageError as error:
            return Refused(str(error))
        except RegistrySyncError:
            raise
        except Exception as error:  # whatever a notice may hold, the others are still sent
            return Retry(f"the mail could not be written: {_why(error)}")
        self._pace()
        with Deadline(self._settings.timeout * OVERALL) as deadline:
            try:
                return self._deliver(wire, deadline, ahead)
            except _ChannelDownError as trouble:
                self.close()
                late = self._late(deadline)
                return Retry(late or str(trouble), channel_down=True, brief=None if late else trouble.brief)
            except Exception as error:  # a notice stays queued whatever happened
                self.close()
                late = self._late(deadline)
                reason, brief = (late, None) if late else self._reason("the mail was not taken", error)
                return Retry(reason, brief=brief)

    def check(self) -> str:
        """Connect, log in, and name the sender, as ``doctor`` asks; the server's name. Raises RegistrySyncError, which says what to do.

        No mail is begun: the sender is taken back.
        """
        with Deadline(self._settings.timeout * OVERALL) as deadline:
            try:
                smtp = self._connected(deadline)
                self._envelope_sender(smtp, [], reused=False)
                self._ready_for_the_next()
            except UnicodeError:
                said = f"{self._server} cannot be told the sender {self._sender}"
                raise RegistrySyncError(f"{said}; set [smtp] sender to an address in ASCII", about=self._server) from None
            except _ChannelDownError as trouble:
                said, do = (str(trouble), trouble.do or _LATER) if not deadline.passed else (str(self._late(deadline)), self._find_it())
                raise RegistrySyncError(f"{said}; {do}", about=self._server) from None
            finally:
                self.close()
        return self._server

    def close(self) -> None:
        """Say goodbye when the server still listens, and let go of the connection."""
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        # A server that hangs must not hold the goodbye: the answer to QUIT is waited for shortly and not needed.
        with suppress(OSError, smtplib.SMTPException, ValueError):
            if smtp.sock is not None:
                smtp.sock.settimeout(min(2.0, self._settings.timeout))
                smtp.quit()
        with suppress(OSError):
            smtp.close()

    def _wire(self, notice: Notice) -> Wire:
        """The notice's mail, which may have been written ahead."""
        written, self._written = self._written, None
        return written[1] if written is not None and written[0] is notice else self._write(notice)

    def _write_ahead(self, ahead: Ahead) -> None:
        notice = ahead()
        if notice is not None:
            with suppress(Exception):  # it is told when that notice is sent
                self._written = (notice, self._write(notice))

    def _deliver(self, wire: Wire, deadline: Deadline, ahead: Ahead) -> Outcome:
        """One mail over the open connection; over a fresh one when the server has closed the old one meanwhile."""
        reused = self._smtp is not None
        smtp = self._connected(deadline)
        if wire.utf8 and not smtp.has_extn("smtputf8"):
            return Refused(f"{self._server} takes no addresses with letters beyond ASCII (SMTPUTF8)")
        options = ["SMTPUTF8", "BODY=8BITMIME"] if wire.utf8 else []
        try:
            self._envelope_sender(smtp, options, reused=reused)
        except _ClosedByServerError:
            self.close()
            smtp = self._connected(deadline)
            self._envelope_sender(smtp, options, reused=False)
        code, answer = smtp.docmd("RCPT", f"TO:<{wire.recipient}>") if _is_plain(wire.recipient) else smtp.rcpt(wire.recipient)
        if code not in _OK:
            return self._refused_recipient(code, answer)
        code, answer = self._data(smtp, wire.octets, ahead)
        if code in _OK:
            return Sent()
        return self._judged(code, "did not take the mail", answer)

    def _data(self, smtp: smtplib.SMTP, octets: bytes, ahead: Ahead) -> tuple[int, bytes]:
        """DATA as smtplib's own does it (RFC 5321, 4.1.1.4), but for what is done between its end and the answer."""
        code, answer = smtp.docmd("DATA")
        if code != _GO_ON:
            return code, answer
        smtp.send(_with_its_end(octets))
        self._write_ahead(ahead)
        return smtp.getreply()

    def _envelope_sender(self, smtp: smtplib.SMTP, options: list[str], *, reused: bool) -> None:
        """MAIL FROM. Only here a closed connection is tried anew: nothing of this mail has been taken yet."""
        sender = self._sender
        try:
            code, answer = smtp.mail(sender, options) if options or not self._sender_is_plain else smtp.docmd("MAIL", f"FROM:<{sender}>")
        except (smtplib.SMTPServerDisconnected, ConnectionError) as error:
            raise _ClosedByServerError if reused else _ChannelDownError(*self._reason("closed the connection", error)) from None
        except OSError as error:
            raise _ChannelDownError(*self._reason("gave no answer", error)) from None
        if code == _CLOSING and reused:
            raise _ClosedByServerError
        if code not in _OK:
            do = self._have_it_taken(smtp, code, answer)
            raise _ChannelDownError(*self._told("refused the sender", code, answer, of=f" {sender}"), do=do)

    def _refused_recipient(self, code: int, answer: bytes) -> Outcome:
        if code in _NEEDS_LOGIN:
            raise _ChannelDownError(*self._told("wants a login", code, answer))
        return self._judged(code, "refused the recipient", answer)

    def _judged(self, code: int, what: str, answer: bytes) -> Outcome:
        """4xx is for now, 5xx for good (RFC 5321, 4.2.1); the connection is made ready for the next mail."""
        if code == _CLOSING:
            self.close()
        else:
            self._ready_for_the_next()
        reason, brief = self._told(what, code, answer)
        return Refused(reason, brief) if code in range(500, 600) else Retry(reason, brief=brief)

    def _ready_for_the_next(self) -> None:
        try:
            if self._smtp is not None:
                self._smtp.rset()
        except (OSError, smtplib.SMTPException):
            self.close()

    def _connected(self, deadline: Deadline) -> smtplib.SMTP:
        """The open connection, or a new one that has passed TLS and login."""
        if self._smtp is not None:
            self._smtp.deadline = deadline
            return self._smtp
        try:
            self._smtp = smtp = self._session(deadline)
            if self._settings.security == "starttls":
                self._start_tls(smtp)
            smtp.ehlo_or_helo_if_needed()
            self._log_in(smtp)
        except smtplib.SMTPConnectError as error:
            told = self._told("does not take mail now", error.smtp_code, error.smtp_error)
            raise _ChannelDownError(*told, do=_LATER) from None
        except ssl.SSLError as error:
            raise _ChannelDownError(*self._reason("offers no connection that can be trusted", error), do=self._trust_it(error)) from None
        except smtplib.SMTPNotSupportedError as error:
            raise _ChannelDownError(*self._reason("lacks what the settings ask for", error), do=_WITHOUT_STARTTLS) from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise _ChannelDownError(*self._reason("cannot be reached", error), do=self._find_it(error)) from None
        return smtp

    def _session(self, deadline: Deadline) -> _Session | _TlsSession:
        # The name for EHLO without asking a name server, which smtplib does and which can take minutes.
        name = socket.gethostname()
        local = name if "." in name and name.isascii() else "[127.0.0.1]"
        to = (self._settings.host, self._settings.port, local, self._settings.timeout)
        return _TlsSession(deadline, *to, self._tls()) if self._settings.security == "tls" else _Session(deadline, *to)

    def _start_tls(self, smtp: smtplib.SMTP) -> None:
        smtp.ehlo_or_helo_if_needed()
        code, answer = smtp.starttls(context=self._tls())
        if code != _READY:
            raise _ChannelDownError(*self._told("refused STARTTLS", code, answer), do=_WITHOUT_STARTTLS)

    def _tls(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._settings.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            said = f"smtp.ca_file {self._settings.ca_file} cannot be used: {_why(error)}"
            raise _ChannelDownError(said, do="set [smtp] ca_file to a PEM file, or leave it empty for the system's") from None

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        """AUTH XOAUTH2, PLAIN or LOGIN (RFC 4954), in UTF-8; smtplib's own login takes ASCII passwords only."""
        if not self._settings.username:
            return
        offered = smtp.esmtp_features.get("auth", "").upper().split()
        wanted = ["XOAUTH2"] if self._settings.auth == "xoauth2" else ["PLAIN", "LOGIN"]
        mechanism = next((each for each in wanted if each in offered), None)
        if mechanism is None:
            raise _ChannelDownError(f"{self._server} offers no login by {' or '.join(wanted)}", do=self._log_in_otherwise(offered))
        code, answer = self._auth(smtp, mechanism)
        if code != _AUTHENTICATED:
            told = self._told("refused the login", code, answer, of=f" of {self._settings.username}")
            wants_tls = self._wants_tls(code, answer)
            raise _ChannelDownError(*told, do=_WITH_STARTTLS if wants_tls else "set [smtp] username and password anew")

    def _auth(self, smtp: smtplib.SMTP, mechanism: str) -> tuple[int, bytes]:
        user, password = self._settings.username, self._settings.password
        if mechanism == "PLAIN":
            return smtp.docmd("AUTH", f"PLAIN {_base64(f'{chr(0)}{user}{chr(0)}{password}')}")
        if mechanism == "XOAUTH2":
            code, answer = smtp.docmd("AUTH", f"XOAUTH2 {_base64(f'user={user}{chr(1)}auth=Bearer {password}{chr(1)}{chr(1)}')}")
            # The refusal comes as a challenge; an empty line asks for the real answer.
            return smtp.docmd("") if code == _AUTH_CONTINUES else (code, answer)
        code, answer = smtp.docmd("AUTH", f"LOGIN {_base64(user)}")
        return smtp.docmd(_base64(password)) if code == _AUTH_CONTINUES else (code, answer)

    @property
    def _server(self) -> str:
        return f"mail server {self._settings.host}:{self._settings.port}"

    def _find_it(self, error: BaseException | None = None) -> str:
        """What to do about a server that does not answer as one."""
        settings = self._settings
        if (settings.host, settings.port) == (Smtp().host, Smtp().port):
            return "fill in [smtp] with your mail server"
        if isinstance(error, ConnectionRefusedError | socket.gaierror):
            return "check [smtp] host and port"
        tls = "" if settings.security == "tls" else f': port {settings.port} may want "tls"'
        return f"check [smtp] host, port and security{tls}"

    def _trust_it(self, error: ssl.SSLError) -> str:
        """What to do about TLS that fails."""
        if isinstance(error, ssl.SSLCertVerificationError):
            if error.verify_code in _OF_ANOTHER_NAME:
                return "set [smtp] host to the name in its certificate"
            return "set [smtp] ca_file to the authority that signed it, or ask whoever runs it"
        if self._settings.security == "tls":
            return 'set [smtp] security = "starttls" or "none" for this port, or the port that speaks TLS, often 465'
        return "ask whoever runs it which [smtp] port and security to set"

    def _log_in_otherwise(self, offered: Sequence[str]) -> str:
        settings = self._settings
        if settings.auth == "password" and "XOAUTH2" in offered:
            return 'set [smtp] auth = "xoauth2", with a token for a password'
        if settings.security == "none":
            return 'set [smtp] security = "starttls", before which many offer none; or leave username empty'
        if settings.auth == "xoauth2" and offered:
            return 'set [smtp] auth = "password"'
        return "leave [smtp] username empty if it wants no login"

    def _wants_tls(self, code: int, answer: bytes) -> bool:
        """Does the server want STARTTLS before it goes on (RFC 3207, section 4; RFC 4954, section 6)?"""
        return self._settings.security == "none" and (code == _ENCRYPTION_REQUIRED or b"STARTTLS" in answer.upper())

    def _have_it_taken(self, smtp: smtplib.SMTP, code: int, answer: bytes) -> str:
        """What to do about a sender that is refused."""
        if self._wants_tls(code, answer):
            return _WITH_STARTTLS
        if code in _NEEDS_LOGIN and not self._settings.username:
            clear = self._settings.security == "none" and smtp.has_extn("starttls")
            return "set [smtp] username and password" + (', and security = "starttls"' if clear else "")
        if code in range(400, 500):
            return _LATER
        return "set [smtp] sender to an address for which it takes mail, or ask whoever runs it"

    def _late(self, deadline: Deadline) -> str | None:
        return f"{self._server} took longer than {count(deadline.seconds, 'second')} for one mail" if deadline.passed else None

    def _told(self, what: str, code: int, answer: bytes | str, *, of: str = "") -> tuple[str, str]:
        """What the server did and answered; and the same without its words, and whose (``of``) it is."""
        return f"{self._server} {what}{of}: {self._said(code, answer)}", f"{self._server} {what}: {_status(code, answer)}"

    def _said(self, code: int, answer: bytes | str) -> str:
        """A server's answer on one line, without the password should the server repeat it."""
        text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
        return cut(self._without_secrets(one_line(f"{code} {text}")), _LONGEST_REASON)

    def _reason(self, what: str, error: Exception) -> tuple[str, str | None]:
        """Why it did not come to an answer; and the same without words that may be the server's, where there are some."""
        if isinstance(error, smtplib.SMTPResponseException):
            brief = _status(error.smtp_code, error.smtp_error)
        else:
            brief = _why(error) if isinstance(error, OSError) else type(error).__name__
        why = self._without_secrets(_why(error)) if isinstance(error, smtplib.SMTPResponseException) else _why(error)
        said, brief = (cut(f"{self._server} {what}: {each}", _LONGEST_REASON) for each in (why, brief))
        return said, brief if brief != said else None

    def _without_secrets(self, text: str) -> str:
        """A server's words without what is secret in them; our own hold nothing of it, and what is left out of them would tell it.

        So would a password of a few characters, which stands in many a word.
        """
        password, user = self._settings.password, self._settings.username
        if not password:
            return text
        secrets = [_base64(password), _base64(f"{chr(0)}{user}{chr(0)}{password}")]
        for secret in [password, *secrets] if len(password) >= _SHORTEST_SECRET else secrets:
            text = text.replace(secret, "***")
        return text


def _with_its_end(octets: bytes) -> bytes:
    """A mail with its points doubled and its end marked (RFC 5321, 4.5.2)."""
    doubled = (b"." if octets.startswith(b".") else b"") + octets.replace(b"\n.", b"\n..")
    return doubled + (b"" if doubled.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _is_plain(address: str) -> bool:
    return _PLAIN_ADDRESS.fullmatch(address) is not None


def _ascii_domain(address: str) -> str:
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return address


def _status(code: int, answer: bytes | str) -> str:
    """The code of an answer, and the enhanced one (RFC 3463) where it has one: the rest of it is anything."""
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
    enhanced = _ENHANCED.match(text)
    return f"{code} {enhanced[1]}" if enhanced else str(code)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _why(error: BaseException) -> str:
    # smtplib tells a timeout as a closed connection.
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, OSError) and error.strerror:
        return one_line(error.strerror)
    return one_line(str(error)) or type(error).__name__
