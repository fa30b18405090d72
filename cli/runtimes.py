"""Which programs of this machine trust acm's authority: asked, not assumed.

A server of our own, on this machine and for a moment, shows a certificate that the authority signed
for ``localhost``; each runtime is sent there with the trust that ``acm run`` gives it. Nothing
leaves the machine.
"""

import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from acm_addon.home import Home
from acm_addon.trust import TRUST_VARIABLES

PATIENCE = 15.0
"""Seconds that a runtime may take to start and to shake hands."""

_SSL = "import sys,urllib.request as u;u.build_opener(u.ProxyHandler({})).open(sys.argv[1])"
_REQUESTS = """
import sys
try: import requests
except ImportError: sys.exit(77)
requests.get(sys.argv[1])
"""
_HTTPX = _REQUESTS.replace("requests", "httpx")
_NODE = "require('https').get(process.argv[1],r=>r.resume()).on('error',()=>process.exit(1))"

_NOT_THERE = 77
"""Exit code of a probe whose library is not installed."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """A kind of client, how it is asked, and what leads it to trust our authority."""

    name: str
    program: str
    arguments: tuple[str, ...]
    through: str
    """The variable that ``acm run`` and ``acm env`` set for it."""


RUNTIMES = (
    Runtime("python ssl", "python3", ("-c", _SSL), "SSL_CERT_FILE"),
    Runtime("python httpx", "python3", ("-c", _HTTPX), "SSL_CERT_FILE"),
    Runtime("python requests", "python3", ("-c", _REQUESTS), "REQUESTS_CA_BUNDLE"),
    Runtime("curl", "curl", ("--silent", "--fail", "--noproxy", "*"), "CURL_CA_BUNDLE"),
    Runtime("node", "node", ("-e", _NODE), "NODE_EXTRA_CA_CERTS"),
)


@dataclass(frozen=True, slots=True)
class Trust:
    runtime: str
    through: str
    trusts: bool | None
    """Under ``acm run``; None where the runtime is not installed, or gave no answer."""


def ask_all(home: Home, bundle: Path) -> list[Trust]:
    """Ask every runtime at once. Raises OSError or ValueError where the authority is unusable."""
    with _server(home) as port, ThreadPoolExecutor(len(RUNTIMES)) as pool:
        url = f"https://localhost:{port}/"
        environment = os.environ | dict.fromkeys(TRUST_VARIABLES, str(bundle))
        answers = pool.map(lambda runtime: _ask(runtime, url, environment), RUNTIMES)
        return [
            Trust(runtime.name, runtime.through, answer)
            for runtime, answer in zip(RUNTIMES, answers, strict=True)
        ]


def _ask(runtime: Runtime, url: str, environment: Mapping[str, str]) -> bool | None:
    program = shutil.which(runtime.program)
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *runtime.arguments, url],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode in (_NOT_THERE, 126, 127) else done.returncode == 0


@contextmanager
def _server(home: Home) -> Iterator[int]:
    """Serves 204 to whoever takes our certificate, on a port of this machine."""
    context = _context(home)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, context, over), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            # Closing a socket that another thread waits on does not wake it; a visitor does.
            with suppress(OSError):
                socket.create_connection(listener.getsockname(), PATIENCE).close()
            thread.join(PATIENCE)


def _serve(listener: socket.socket, context: ssl.SSLContext, over: threading.Event) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            if over.is_set():
                client.close()
                return
            threading.Thread(target=_answer, args=(client, context), daemon=True).start()


def _answer(client: socket.socket, context: ssl.SSLContext) -> None:
    client.settimeout(PATIENCE)
    with suppress(OSError), context.wrap_socket(client, server_side=True) as tls:
        tls.recv(65536)
        tls.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


def _context(home: Home) -> ssl.SSLContext:
    """A certificate for localhost, signed by the authority, good for an hour."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.x509.oid import NameOID

    pem = home.ca_key.read_bytes()
    authority = x509.load_pem_x509_certificate(home.ca_certificate.read_bytes())
    signer = serialization.load_pem_private_key(pem, None)
    if not isinstance(signer, rsa.RSAPrivateKey):
        raise ValueError("not the key of an authority of acm")
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    text = leaf.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The folder is ours alone, and gone when the certificate is loaded.
    with tempfile.TemporaryDirectory(prefix="acm-doctor-") as folder:
        chain = Path(folder) / "chain.pem"
        chain.write_bytes(text)
        context.load_cert_chain(chain)
    return context
