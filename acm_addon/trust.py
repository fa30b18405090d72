"""Which certificates a client of the proxy trusts: all that it trusted before, and our authority.

Programs take their roots from different variables, and one bundle stands in for all of them. So it
holds the system's roots, every file that one of those variables names, and our certificate: a
program may come to trust what the user named for another one, and never loses a host that it
reached before. (A bundle without the system's roots broke every other host for other tools.)
"""

import base64
import hashlib
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.whole_file import replace_file

TRUST_VARIABLES = (
    # OpenSSL, and what copies it: Python's ssl, httpx (OpenAI, Anthropic, Gemini SDKs), Ruby, Go on
    # Linux, rustls-native-certs (uv, Codex).
    "SSL_CERT_FILE",
    # The same in builds of Nix, which look here first.
    "NIX_SSL_CERT_FILE",
    # requests; it falls back to certifi, never to SSL_CERT_FILE.
    "REQUESTS_CA_BUNDLE",
    # curl, and requests again.
    "CURL_CA_BUNDLE",
    # Node, Bun, Deno from 2.8: in addition to their own roots.
    "NODE_EXTRA_CA_CERTS",
    # Deno before that.
    "DENO_CERT",
    # botocore: Bedrock.
    "AWS_CA_BUNDLE",
    # gRPC core and grpc-js: Google's and xAI's gRPC clients.
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    # httplib2 below google-api-python-client, which uploads files for Google's older SDK.
    "HTTPLIB2_CA_CERTS",
    # Codex looks here before SSL_CERT_FILE.
    "CODEX_CA_CERTIFICATE",
)
"""What names a file of roots to a client that may talk to a provider.

PIP_CERT, GIT_SSL_CAINFO and CARGO_HTTP_CAINFO are not here: those tools talk to other hosts, whose
TLS is not opened, so they see the real certificates.
"""

_SYSTEM_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Gentoo, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # CentOS
    "/etc/ssl/cert.pem",  # Alpine, macOS
)
"""Where systems keep their roots in one file: the list of Go's crypto/x509."""

_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----"
)


def write_ca_bundle(home: Home, environment: Mapping[str, str] | None = None) -> Path:
    """The file of roots for clients of this home's proxy, written anew only when it changes.

    ``environment`` is the user's, by default this process's; where it names our bundle already,
    what that holds is kept.

    Raises AcmError where our certificate is missing or broken, or the file cannot be written.
    """
    ours = _our_certificate(home)
    found: dict[bytes, str] = {}
    for path in _root_files(os.environ if environment is None else environment):
        for der in _certificates(_read(path)):
            found.setdefault(hashlib.sha256(der).digest(), _pem(der))
    found.setdefault(hashlib.sha256(ours).digest(), _pem(ours))
    bundle = "".join(found.values())
    if _read(home.ca_bundle) != bundle:
        try:
            replace_file(home.ca_bundle, bundle.encode())
        except OSError as error:
            raise AcmError(
                f"the certificate bundle {home.ca_bundle} cannot be written: "
                f"{os.strerror(error.errno or 0)}",
                "set ACM_HOME to a folder that you can write to",
            ) from None
    return home.ca_bundle


def _our_certificate(home: Home) -> bytes:
    """Our authority's certificate as DER. The proxy makes it when it first starts."""
    ours = list(_certificates(_read(home.ca_certificate)))
    if not ours:
        raise AcmError(
            f"there is no certificate of acm in {home.ca_certificate}",
            "the proxy makes it when it starts: `acm restart`",
        )
    return ours[0]


def _root_files(environment: Mapping[str, str]) -> list[Path]:
    """Files of roots, the system's first, each once."""
    # Not ``cafile``: that one follows SSL_CERT_FILE, which may be ours by now.
    candidates = (ssl.get_default_verify_paths().openssl_cafile, *_SYSTEM_FILES)
    system = next((path for path in map(Path, candidates) if path.is_file()), None)
    named = (environment.get(name) for name in TRUST_VARIABLES)
    return list(dict.fromkeys([system or _certifi(), *(Path(path) for path in named if path)]))


def _certifi() -> Path:
    import certifi

    return Path(certifi.where())


def _read(path: Path) -> str:
    """The text of a file, empty where it cannot be read: a client could not read it either."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _certificates(text: str) -> Iterator[bytes]:
    """Every sound certificate of a PEM text, as DER; comments and damaged ones are left out."""
    parser = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for block in _CERTIFICATE.finditer(text):
        try:
            der = base64.b64decode("".join(block[1].split()), validate=True)
            parser.load_verify_locations(cadata=der)
        except (ValueError, ssl.SSLError):
            continue
        yield der


def _pem(der: bytes) -> str:
    return ssl.DER_cert_to_PEM_cert(der)
