"""The examples of reverse proxies: what they must not log, and that the proxies read them, where they are installed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from tests.deploy.conftest import DEPLOY
from tests.waiting import PATIENCE, finish, free_port, until

PERSONAL = ("stop", "confirm", "manage", "subscribe", "deadlines", "operator")


def test_no_proxy_logs_what_is_one_persons() -> None:
    caddy = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    (paths,) = re.findall(r"@personal path (.*)", caddy)
    assert paths.split() == [f"/{each}/*" for each in PERSONAL]
    assert "log_skip @personal" in caddy
    nginx = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    (names, block) = re.findall(r"location ~ \^/\(([a-z|]+)\)\(/\|\$\) \{(.*?)\}", nginx, re.DOTALL)[0]
    assert names.split("|") == list(PERSONAL)
    assert "access_log" not in block
    for server in nginx.split("\nserver {")[1:]:
        assert "    access_log off;" in server.partition("location")[0]


@pytest.mark.parametrize("name", ["Caddyfile", "nginx.conf"])
def test_both_stand_before_serve_and_keep_the_numbers_to_themselves(name: str) -> None:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    assert "127.0.0.1:8080" in text
    assert "/metrics" in text
    assert "trials.example.org" in text


@pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed here")
def test_caddy_reads_its_file() -> None:
    call = ["caddy", "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@dataclass
class Nginx:
    """The example, at a port of the test's, before pages that answer everything."""

    folder: Path
    port: int

    def ask(self, request: bytes) -> bytes:
        """The first line of the answer."""
        context = ssl.create_default_context(cafile=self.folder / "ca.pem")
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname="trials.example.org") as talk,
        ):
            talk.sendall(request)
            return talk.makefile("rb").readline().strip()

    def get(self, path: str, more: str = "") -> bytes:
        return self.ask(f"GET {path} HTTP/1.1\r\nHost: trials.example.org\r\nConnection: close\r\n{more}\r\n".encode())


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def listens(port: int) -> bool:
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed here")
    authority = trustme.CA()
    pair = authority.issue_cert("trials.example.org")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    pair.private_key_pem.write_to_path(tmp_path / "privkey.pem")
    for number, blob in enumerate(pair.cert_chain_pems):
        blob.write_to_path(tmp_path / "fullchain.pem", append=number > 0)
    pages = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=pages.serve_forever)
    ports = [free_port() for _ in range(2)]
    server = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for there, here in (
        ("/etc/letsencrypt/live/trials.example.org", str(tmp_path)),
        ("/var/log/nginx", str(tmp_path)),
        ("127.0.0.1:8080", f"127.0.0.1:{pages.server_port}"),
        ("listen 80;", f"listen 127.0.0.1:{ports[0]};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{ports[1]} ssl;"),
        ("    listen [::]:80;\n", ""),
        ("    listen [::]:443 ssl;\n", ""),
    ):
        assert there in server
        server = server.replace(there, here)
    kept = "".join(f"{name}_temp_path {tmp_path / name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;\n" if os.geteuid() == 0 else ""
    whole = (
        f"{user}daemon off;\npid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log {tmp_path}/access.log;\n{kept}{server}}}\n"
    )
    (tmp_path / "nginx.conf").write_text(whole, encoding="utf-8")
    call = ["nginx", "-e", str(tmp_path / "error.log"), "-c", str(tmp_path / "nginx.conf")]
    done = subprocess.run([*call, "-t"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    thread.start()
    process = subprocess.Popen(call, stderr=subprocess.PIPE)
    try:
        until(lambda: listens(ports[1]) or process.poll() is not None)
        assert process.poll() is None
        yield Nginx(tmp_path, ports[1])
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)
        pages.shutdown()
        finish(thread)
        pages.server_close()


def test_no_secret_is_in_the_logs_of_nginx_however_it_is_asked(nginx: Nginx) -> None:
    assert nginx.get("/trials/NCT06805448") == b"HTTP/1.1 200 OK"
    for each in PERSONAL:
        assert nginx.get(f"/{each}/SECRET") == b"HTTP/1.1 200 OK"
    assert nginx.get("/stop/SECRET%ZZ").startswith(b"HTTP/1.1 400 ")
    assert nginx.get(f"/stop/SECRET{'x' * 9_000}").startswith(b"HTTP/1.1 414 ")
    assert nginx.get("/stop/SECRET", f"X-Large: {'x' * 9_000}\r\n").startswith(b"HTTP/1.1 400 ")
    assert nginx.ask(b"GET /stop/SECRET HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    logged = (nginx.folder / "access.log").read_text(encoding="utf-8")
    assert [re.findall('"(.*?)"', line)[0] for line in logged.splitlines()] == ["GET /trials/NCT06805448 HTTP/1.1"]
    assert "SECRET" not in (nginx.folder / "error.log").read_text(encoding="utf-8")
