"""acm doctor before a live proxy: what it asks is answered by the real thing."""

import json
import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from acm_addon.home import Home
from acm_addon.proxy import ensure_ca
from acm_addon.trust import write_ca_bundle
from cli import examine, runtimes
from tests.loopback.client import PATIENCE
from tests.loopback.harness import LiveProxy, clean_environment


def doctor(home: Home) -> tuple[int, dict[str, Any]]:
    """The exit code, and the findings by check."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", "doctor", "--json"],
        env=clean_environment(home),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "" == done.stderr
    found = json.loads(done.stdout)
    assert found["healthy"] == (done.returncode == 0)
    return done.returncode, {one["check"]: one for one in found["checks"]}


def test_a_running_proxy_is_well_until_a_client_rejects_it(proxy: LiveProxy) -> None:
    """Reachable and trusted; then one broken handshake is what needs hands."""
    code, found = doctor(proxy.home)
    assert 0 == code, found
    assert proxy.port == found["proxy"]["data"]["port"]
    assert found["proxy"]["data"]["answers"]
    trust = {one["runtime"]: one["trusts"] for one in found["trust"]["data"]["runtimes"]}
    assert trust["python ssl"]
    assert False not in trust.values()
    assert {"ok", "warn"} >= {one["status"] for one in found.values()}
    reject(proxy, "api.openai.com")
    code, found = doctor(proxy.home)
    assert (1, "fail") == (code, found["clients"]["status"])
    assert {"api.openai.com": 1} == found["clients"]["data"]["rejected"]


def test_a_doctor_without_a_proxy(tmp_path: Path) -> None:
    """Exit code 1, every check is there, and nothing is created."""
    home = Home(tmp_path / "none")
    code, found = doctor(home)
    assert (1, "fail") == (code, found["proxy"]["status"])
    assert not home.root.exists()


def test_another_server_on_the_port_is_no_proxy() -> None:
    """It accepts the connection and says something else, or nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = listener.accept()
            accepted.close()
            client.close()
    assert examine.ping("127.0.0.1", port) is None


def test_a_runtime_that_lacks_our_certificate_does_not_trust(tmp_path: Path) -> None:
    """The verdict is the runtime's own: with another bundle each of them says no."""
    home = Home(tmp_path / "home").ensure()
    ensure_ca(home)
    other = Home(tmp_path / "other").ensure()
    ensure_ca(other)
    there = [name for name in ("curl", "node") if shutil.which(name)]
    with_ours = {one.runtime: one.trusts for one in runtimes.ask_all(home, write_ca_bundle(home))}
    without = {one.runtime: one.trusts for one in runtimes.ask_all(home, write_ca_bundle(other))}
    for name in ("python ssl", *there):
        assert (True, False) == (with_ours[name], without[name]), name


def test_the_key_of_the_authority_goes_nowhere(tmp_path: Path, monkeypatch: Any) -> None:
    """No file is left behind by the question."""
    home = Home(tmp_path / "home").ensure()
    ensure_ca(home)
    monkeypatch.setattr(runtimes.tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    runtimes.ask_all(home, write_ca_bundle(home))
    assert [] == list((tmp_path / "scratch").iterdir())


def reject(proxy: LiveProxy, host: str) -> None:
    """Come as a client that does not trust acm, and wait until that is published."""
    with socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as client:
        client.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
        with pytest.raises(ssl.SSLCertVerificationError):
            ssl.create_default_context().wrap_socket(client, server_hostname=host)
    path = proxy.home.run / "counters.json"
    deadline = time.monotonic() + PATIENCE
    while host not in json.loads(path.read_text())["rejected_ca"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
