"""Where acm keeps its files: ``ACM_HOME``, by default the platform's data folder."""

import os
from dataclasses import dataclass
from pathlib import Path

from acm_addon.errors import AcmError

PING_PATH = "/acm/ping"
"""A gateway path that the proxy answers itself: whoever asks knows that it is there."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folder and the names in it. Nothing is created until ``ensure``."""

    root: Path

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.db"

    @property
    def control(self) -> Path:
        """Projects, tokens, keys, and settings."""
        return self.root / "control.db"

    @property
    def token_key(self) -> Path:
        """32 random bytes under which tokens and proxy keys are hashed."""
        return self.root / "token.key"

    @property
    def master_key(self) -> Path:
        """The vault's master key, where there is no keyring."""
        return self.root / "master.key"

    @property
    def journal(self) -> Path:
        return self.root / "journal"

    @property
    def drain_lock(self) -> Path:
        return self.root / "journal" / "drain.lock"

    @property
    def log(self) -> Path:
        return self.root / "proxy.log"

    @property
    def ca(self) -> Path:
        """mitmproxy's certificate folder."""
        return self.root / "ca"

    @property
    def ca_certificate(self) -> Path:
        return self.ca / "mitmproxy-ca-cert.pem"

    @property
    def ca_key(self) -> Path:
        """The authority's private key, and its certificate. It leaves this file for nowhere."""
        return self.ca / "mitmproxy-ca.pem"

    @property
    def ca_bundle(self) -> Path:
        """The system's roots plus ours."""
        return self.ca / "bundle.pem"

    @property
    def providers(self) -> Path:
        """The user's own providers, where there are any."""
        return self.root / "providers.toml"

    @property
    def run(self) -> Path:
        """Files of the running proxy: pid, lock, state."""
        return self.root / "run"

    @property
    def prices(self) -> Path:
        """Frozen price tables by content hash."""
        return self.root / "prices"

    @property
    def price_overrides(self) -> Path:
        """The user's own prices, discounts and maps."""
        return self.prices / "overrides.toml"

    @property
    def price_base(self) -> Path:
        """The base data of the last update; it need not be there."""
        return self.prices / "base.json.gz"

    @property
    def price_pointer(self) -> Path:
        """Names the tables that came into use, by their hash, and when. The last one stays in use
        while the sources are unsound."""
        return self.prices / "current"

    def ensure(self) -> "Home":
        """Create the folders, readable by the owner alone."""
        for folder in (self.root, self.journal, self.ca, self.run, self.prices):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self


def acm_home() -> Home:
    """The home of this user. Absolute, since programs that are told of it change their folder.

    Raises AcmError when something else than a folder is in its place.
    """
    root = _chosen()
    if root.exists() and not root.is_dir():
        raise AcmError(f"acm's home {root} is not a folder", "ACM_HOME names it")
    return Home(root)


def _chosen() -> Path:
    if chosen := os.environ.get("ACM_HOME"):
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("acm", appauthor=False)
