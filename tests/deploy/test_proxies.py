"""The examples of reverse proxies: what they must not log, and that the proxies read them, where they are installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import trustme

from tests.deploy.conftest import DEPLOY

PERSONAL = ("stop", "confirm", "manage", "subscribe", "deadlines", "operator")


def test_no_proxy_logs_what_is_one_persons() -> None:
    caddy = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    (paths,) = re.findall(r"@personal path (.*)", caddy)
    assert paths.split() == [f"/{each}/*" for each in PERSONAL]
    assert "log_skip @personal" in caddy
    nginx = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    (names, block) = re.findall(r"location ~ \^/\(([a-z|]+)\)\(/\|\$\) \{(.*?)\}", nginx, re.DOTALL)[0]
    assert names.split("|") == list(PERSONAL)
    assert "access_log off;" in block


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


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed here")
def test_nginx_reads_its_file(tmp_path: Path) -> None:
    pair = trustme.CA().issue_cert("trials.example.org")
    pair.private_key_pem.write_to_path(tmp_path / "privkey.pem")
    for number, blob in enumerate(pair.cert_chain_pems):
        blob.write_to_path(tmp_path / "fullchain.pem", append=number > 0)
    server = (DEPLOY / "nginx.conf").read_text(encoding="utf-8").replace("/etc/letsencrypt/live/trials.example.org", str(tmp_path))
    kept = "".join(f"{name}_temp_path {tmp_path / name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    whole = f"pid {tmp_path}/pid;\nerror_log {tmp_path}/log;\nevents {{}}\nhttp {{\naccess_log off;\n{kept}{server}}}\n"
    (tmp_path / "nginx.conf").write_text(whole, encoding="utf-8")
    done = subprocess.run(["nginx", "-t", "-c", str(tmp_path / "nginx.conf")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
