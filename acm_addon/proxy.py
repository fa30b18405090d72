"""Our own mitmproxy: one port, and just the addons that we need."""

import asyncio
import contextlib
import os
import signal
import ssl
from pathlib import Path

from mitmproxy import certs
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.master import Master

from acm_addon.addon import Acm
from acm_addon.admission import Admission
from acm_addon.budget_check import BudgetCheck
from acm_addon.distrust import Distrust
from acm_addon.errors import AcmError
from acm_addon.gate import Gate
from acm_addon.history import OutputHistory
from acm_addon.home import Home
from acm_addon.layers import Layers
from acm_addon.limit_keeper import LimitKeeper
from acm_addon.listening import is_loopback
from acm_addon.logs import logger
from acm_addon.recorder import Recorder
from acm_addon.server import AcmConnectionHandler
from acm_addon.test_upstream import TestUpstream
from acm_addon.user_providers import directory
from acm_addon.watch import Watch

log = logger("proxy")

IDLE_SECONDS = 3600
"""A connection is given up after this long without a byte; a model may think for many minutes."""

GRACE_SECONDS = 5.0
"""How long calls in flight may take to finish when the proxy is asked to stop."""

_CA_NAME = "mitmproxy"
"""The file name that mitmproxy looks for; the certificate inside names acm."""


class Proxy:
    """A proxy from its first socket to its last row."""

    def __init__(
        self, home: Home, host: str, port: int, test_upstream: TestUpstream | None
    ) -> None:
        self._home = home
        self._directory = directory(home)
        self._host = host
        self._port = port
        self._test_upstream = test_upstream

    async def run(self, ready: "asyncio.Future[int]") -> None:
        """Serve until a signal. ``ready`` gets the port when connections are accepted.

        Raises AcmError when the port cannot be taken.
        """
        ensure_ca(self._home)
        recorder = Recorder(self._home)
        admission = Admission(
            self._home, self._directory, beyond_loopback=not is_loopback(self._host)
        )
        gate = Gate(self._home, admission.present_budgets)
        recorder.when_booked = gate.settle
        history = OutputHistory(self._home.ledger)
        check = BudgetCheck(gate, admission.budgets, recorder.table, history)
        limits = LimitKeeper(self._home)
        watch = Watch(recorder, admission, self._directory, check, limits)
        master = self._master(recorder, watch, admission)
        servers = master.addons.get("proxyserver").servers
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        serving = asyncio.create_task(master.run())
        try:
            await self._listening(servers)
            recorder.start()
            ready.set_result(next(iter(servers)).listen_addrs[0][1])
            log.info("listening on %s port %d", self._host, ready.result())
            await stop.wait()
            log.info("stopping")
            gate.close()
            await self._wind_down(servers, watch)
        finally:
            master.shutdown()
            await serving
            limits.close()
            await recorder.close()
            log.info("stopped")

    def _master(self, recorder: Recorder, watch: Watch, admission: Admission) -> Master:
        master = Master(None)
        master._legacy_log_events.uninstall()
        addons = [
            Proxyserver(),
            Layers(watch.tunnelled, lambda: admission.required, self._directory),
            TlsConfig(),
            Acm(
                watch,
                Distrust(recorder.counters, self._directory),
                self._directory,
                self._test_upstream,
            ),
        ]
        master.addons.add(*addons)
        AcmConnectionHandler.use_addons(addons)
        master.options.update(
            mode=["acm"],
            listen_host=self._host,
            listen_port=self._port,
            confdir=str(self._home.ca),
            tcp_timeout=IDLE_SECONDS,
            ssl_verify_upstream_trusted_ca=self._upstream_roots(),
            upstream_cert=False,
        )
        return master

    def _upstream_roots(self) -> str | None:
        """The roots that the user's environment trusts, as its programs would without us."""
        if self._test_upstream:
            return str(self._test_upstream.root)
        named = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
        return named if named and Path(named).is_file() else None

    async def _listening(self, servers: object) -> None:
        """Wait until the port is bound. mitmproxy only logs it when that fails."""
        while True:
            instances = list(servers)  # type: ignore[call-overload]
            if instances and instances[0].last_exception is not None:
                raise AcmError(
                    f"port {self._port} cannot be used: "
                    f"{os.strerror(instances[0].last_exception.errno or 0)}",
                    "choose another one with --port",
                )
            if instances and instances[0].is_running:
                return
            await asyncio.sleep(0.005)

    async def _wind_down(self, servers: object, watch: Watch) -> None:
        """Accept nothing new, and give calls in flight a moment to finish."""
        await servers.update([])  # type: ignore[attr-defined]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await watch.idle.wait()


def ensure_ca(home: Home) -> None:
    """Create the certificate authority of this home, once. Its key stays in the home."""
    if not (home.ca / f"{_CA_NAME}-ca.pem").exists():
        certs.CertStore.create_store(
            home.ca, _CA_NAME, 2048, organization="API Cost Monitor", cn="API Cost Monitor"
        )
