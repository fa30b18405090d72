"""The bundle of roots for clients: nothing that was trusted before is lost, and ours is in it."""

import datetime
import ssl
import stat
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from acm_addon import trust
from acm_addon.errors import AcmError
from acm_addon.home import Home


def authority(name: str) -> str:
    """A self-signed root as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def names(path: Path) -> list[str]:
    """Common names in a bundle, as OpenSSL reads them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(path)
    found = []
    for certificate in context.get_ca_certs():
        subject = dict(pair[0] for pair in certificate["subject"])  # type: ignore[misc,index]
        found.append(subject.get("commonName", ""))
    return found


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home").ensure()
    home.ca_certificate.write_text(authority("acm"))
    return home


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system whose roots are one file that we know."""
    roots = tmp_path / "system.pem"
    roots.write_text(authority("system one") + authority("system two"))
    monkeypatch.setattr(trust, "_SYSTEM_FILES", (str(roots),))
    paths = ssl.get_default_verify_paths()._replace(openssl_cafile="/nowhere")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    return roots


def test_lesson_27_the_bundle_is_the_systems_roots_plus_ours(home: Home, system: Path) -> None:
    """llmtrim PR#139: a bundle of one root broke every other host. Every other host is reached as
    before."""
    assert home.ca_bundle == trust.write_ca_bundle(home, {})
    assert {"system one", "system two", "acm"} == set(names(home.ca_bundle))
    assert 0o600 == stat.S_IMODE(home.ca_bundle.stat().st_mode)


def test_this_machines_real_roots_are_in_the_bundle(home: Home) -> None:
    """Without anything replaced: many roots, and ours, in a file that OpenSSL takes."""
    trust.write_ca_bundle(home, {})
    found = names(home.ca_bundle)
    assert "acm" in found
    assert len(found) > 10


def test_without_a_system_file_certifi_stands_in(
    home: Home, system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS and Windows, where the roots are in a keychain."""
    monkeypatch.setattr(trust, "_SYSTEM_FILES", ())
    trust.write_ca_bundle(home, {})
    found = names(home.ca_bundle)
    assert len(found) > 50
    assert "acm" in found


@pytest.mark.parametrize("variable", trust.TRUST_VARIABLES)
def test_what_the_user_trusts_by_a_variable_stays_trusted(
    home: Home, system: Path, tmp_path: Path, variable: str
) -> None:
    """A company's root, named by any variable that we are about to replace, is kept."""
    company = tmp_path / "company.pem"
    company.write_text("# our root\n" + authority("company"))
    trust.write_ca_bundle(home, {variable: str(company)})
    assert {"system one", "system two", "company", "acm"} == set(names(home.ca_bundle))


def test_inside_its_own_environment_the_bundle_loses_nothing(
    home: Home, system: Path, tmp_path: Path
) -> None:
    """After `acm env` the variables name our bundle alone; what it was made from is not known."""
    company = tmp_path / "company.pem"
    company.write_text(authority("company"))
    trust.write_ca_bundle(home, {"SSL_CERT_FILE": str(company)})
    before = home.ca_bundle.read_text()
    trust.write_ca_bundle(home, dict.fromkeys(trust.TRUST_VARIABLES, str(home.ca_bundle)))
    assert set(trust._certificates(before)) == set(trust._certificates(home.ca_bundle.read_text()))
    assert "company" in names(home.ca_bundle)


def test_an_unchanged_bundle_is_left_alone(home: Home, system: Path) -> None:
    """Programs that run now read the file: it is replaced only when it has to be."""
    trust.write_ca_bundle(home, {})
    before = home.ca_bundle.stat()
    trust.write_ca_bundle(home, {})
    assert before.st_ino == home.ca_bundle.stat().st_ino
    system.write_text(system.read_text() + authority("system three"))
    trust.write_ca_bundle(home, {})
    assert before.st_ino != home.ca_bundle.stat().st_ino
    assert "system three" in names(home.ca_bundle)


def test_a_root_that_is_in_two_files_is_in_the_bundle_once(home: Home, system: Path) -> None:
    """Node reads such a file at every start."""
    trust.write_ca_bundle(home, {"SSL_CERT_FILE": str(system), "CURL_CA_BUNDLE": str(system)})
    assert 3 == home.ca_bundle.read_text().count("BEGIN CERTIFICATE")


def test_damaged_and_missing_files_of_the_user_do_not_spoil_the_bundle(
    home: Home, system: Path, tmp_path: Path
) -> None:
    """One bad block would make OpenSSL refuse the whole file, for every program."""
    damaged = tmp_path / "damaged.pem"
    sound = authority("sound")
    broken = sound.replace("MII", "AAA", 1)
    damaged.write_text(f"{broken}\nnoise\n-----BEGIN CERTIFICATE-----\n{sound}")
    environment = {"SSL_CERT_FILE": str(damaged), "REQUESTS_CA_BUNDLE": "/nowhere/roots.pem"}
    trust.write_ca_bundle(home, environment)
    assert {"system one", "system two", "sound", "acm"} == set(names(home.ca_bundle))


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
def test_a_missing_certificate_of_ours_is_explained(
    home: Home, system: Path, content: str | None
) -> None:
    """The proxy makes it: the hint says how to get there."""
    home.ca_certificate.unlink()
    if content is not None:
        home.ca_certificate.write_text(content)
    with pytest.raises(AcmError, match="no certificate of acm") as caught:
        trust.write_ca_bundle(home, {})
    assert "acm restart" in (caught.value.hint or "")
    assert not home.ca_bundle.exists()


def test_a_bundle_that_cannot_be_written_is_explained(home: Home, system: Path) -> None:
    """A folder stands in its place."""
    home.ca_bundle.mkdir()
    with pytest.raises(AcmError, match="cannot be written"):
        trust.write_ca_bundle(home, {})


def test_a_reader_never_sees_half_a_bundle(home: Home, system: Path) -> None:
    """Programs start while the bundle is replaced: each reads a whole one."""
    trust.write_ca_bundle(home, {})
    stop = threading.Event()
    seen: list[bool] = []

    def read() -> None:
        while not stop.is_set():
            text = home.ca_bundle.read_text()
            seen.append(text.endswith("-----END CERTIFICATE-----\n") and text.count("BEGIN") >= 3)

    reader = threading.Thread(target=read)
    reader.start()
    roots = system.read_text()
    for number in range(20):
        system.write_text(roots + authority(f"more {number}"))
        trust.write_ca_bundle(home, {})
    stop.set()
    reader.join()
    assert all(seen)
    assert seen


@settings(deadline=None)
@given(st.text())
def test_no_text_makes_the_reader_raise(text: str) -> None:
    """Whatever a file holds, its sound certificates are found and the rest is passed over."""
    assert [] == list(trust._certificates(text))
    block = f"-----BEGIN CERTIFICATE-----\n{text}-----END CERTIFICATE-----\n"
    assert len(list(trust._certificates(block))) <= 1
