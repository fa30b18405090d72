"""All cryptography of stored secrets. Pure: keys and values in, values out.

- A provider's key is sealed with AES-256-GCM (NIST SP 800-38D) under the master key. Its associated
  data names the row that it belongs to, so that a sealed value moved to another row does not open.
  A nonce is 96 random bits, made anew for every sealing.
- A token or a proxy key is 192 random bits of ours. Only its HMAC-SHA256 under a key of this home
  is stored: it cannot be read back, and a copy of the database alone cannot even confirm a guess.

Errors carry no secret, and no text of the library's.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets

KEY_BYTES = 32
_NONCE_BYTES = 12

TOKEN_PREFIX = "acm_proj_"  # noqa: S105 (the public beginning of every token)
PROXY_KEY_PREFIX = "acm_key_"
_SECRET_BYTES = 24

_PUBLIC_START = re.compile(r"(?:[A-Za-z]{2,8}[-_]){1,2}")
"""What keys of one kind all begin with: ``sk-``, ``sk-proj-``, ``gsk_``. No part of the secret."""
_SHOWN_END = 4


class Unsealable(Exception):
    """A sealed value does not open: another master key, another row, or damage."""


def new_key() -> bytes:
    """A random key of 256 bits."""
    return secrets.token_bytes(KEY_BYTES)


def new_token() -> str:
    return TOKEN_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def new_proxy_key() -> str:
    return PROXY_KEY_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def seal(master: bytes, secret: str, binding: str) -> bytes:
    """Nonce and ciphertext. ``binding`` names the row, and must be the same to open it."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(master).encrypt(nonce, secret.encode(), binding.encode())


def unseal(master: bytes, sealed: bytes, binding: str) -> str:
    """The secret. Raises Unsealable."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return AESGCM(master).decrypt(nonce, ciphertext, binding.encode()).decode()
    except (InvalidTag, ValueError):
        raise Unsealable from None


def opens(master: bytes, sealed: bytes, binding: str) -> bool:
    """Whether it is the master key of a sealed value, in its row, undamaged."""
    try:
        unseal(master, sealed, binding)
    except Unsealable:
        return False
    return True


def digest(token_key: bytes, secret: str) -> bytes:
    """What is stored of a token or a proxy key."""
    # What comes over the wire may hold anything that latin-1 and surrogates can spell.
    return hmac.digest(token_key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256)


def key_to_text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def key_from_text(text: str) -> bytes | None:
    """A key of 32 bytes as base64 or hexadecimal digits; None for anything else."""
    text = text.strip()
    try:
        if len(text) == 2 * KEY_BYTES:
            return bytes.fromhex(text)
        key = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return key if len(key) == KEY_BYTES else None


def shown(secret: str) -> str:
    """A secret as people may see it: ``sk-proj-…wxyz``. A short one shows nothing of itself."""
    start = _PUBLIC_START.match(secret)
    prefix = start[0] if start else ""
    rest = secret[len(prefix) :]
    return f"{prefix}…{rest[-_SHOWN_END:]}" if len(rest) >= 4 * _SHOWN_END else f"{prefix}…"
