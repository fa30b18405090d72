"""Admits requests: takes what is ours off them, says who pays, and puts the provider's key in.

The decisions are ``acm_addon.gatekeeper``'s; here are the state that they are made on, kept up to
date with the control data, and what a client said when it opened its tunnel.
"""

import os
from dataclasses import dataclass

from mitmproxy import connection, http

from acm_addon import attribution, gatekeeper, model_rule, refusals, token_key, vault
from acm_addon.attribution import Carrier, Tags
from acm_addon.budgets import Budget
from acm_addon.control.records import ProxyKey, Snapshot, Switch
from acm_addon.control.snapshot import ControlView
from acm_addon.control.store import ControlStore
from acm_addon.control.vault_access import VaultDoor
from acm_addon.errors import AcmError
from acm_addon.gatekeeper import Payer, Presented, Refusal
from acm_addon.home import Home
from acm_addon.logs import logger
from acm_addon.master_keeper import MasterKeeper
from acm_addon.model import Attribution, utc_now
from acm_addon.providers.base import Provider
from acm_addon.routing import Directory

log = logger("admission")

_NO_KEY = vault.new_key()
"""Nothing has a digest under it."""
_BUSY_SECONDS = 0.25
"""The event loop waits no longer for the control data. Who reads a WAL hardly ever waits."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What is known of a request before its route is."""

    payer: Payer
    tags: Tags
    refusal: Refusal | None = None

    @property
    def attribution(self) -> Attribution:
        if self.refusal:
            return Attribution(self.refusal.project, self.refusal.key, self.tags.values)
        key = self.payer.key
        return Attribution(self.payer.project, key.name if key else None, self.tags.values)

    @property
    def limited(self) -> ProxyKey | None:
        """The proxy key, where it is limited to models."""
        key = self.payer.key
        return key if key and key.models is not None else None


class Admission:
    """The control data at work, for one proxy."""

    def __init__(self, home: Home, directory: Directory, *, beyond_loopback: bool) -> None:
        """``beyond_loopback``: other machines reach us, so that tokens are always required."""
        self._home = home
        self._directory = directory
        self.providers_only = beyond_loopback
        self._tunnels: dict[str, Carrier] = {}
        self._masters = MasterKeeper(home)
        self._snapshot = Snapshot()
        self._door: VaultDoor | None = None
        self._hash_key: bytes | None = None
        """None where none was made: then there is no token either."""
        self._readable = False
        """Whether the snapshot is the present state, so that a credential can be judged by it."""
        self._complaint = ""
        self._view: ControlView | None = None
        try:
            self._view = ControlView(ControlStore(home, _BUSY_SECONDS))
            self._take_over(self._view)
        except AcmError as error:
            self._complain(error)

    def budgets(self) -> tuple[Budget, ...]:
        """All that there are, as of the last request."""
        return self._snapshot.budgets

    def present_budgets(self) -> tuple[Budget, ...]:
        """All that there are, as of now."""
        return self._refreshed().budgets

    def is_on(self, what: Switch, project: str) -> bool:
        """Whether something is on for a project, as of the last request."""
        return self._snapshot.is_on(what, project)

    @property
    def required(self) -> bool:
        """Whether a call takes a token or a proxy key."""
        return self.providers_only or self._refreshed().require_token

    def connect(self, flow: http.HTTPFlow) -> http.Response | None:
        """A CONNECT: remember who the client says it is; refuse what is no provider's, if we must.

        Whether its token is good is asked at each request, which can be answered as a provider
        would; the answer to a CONNECT reaches no program.
        """
        self._tunnels[flow.client_conn.id] = attribution.of_proxy_user(flow.request.headers.fields)
        if self.providers_only and self._directory.of_host(flow.request.host) is None:
            return self.not_a_provider()
        return None

    def disconnected(self, client: connection.Client) -> None:
        self._tunnels.pop(client.id, None)

    @staticmethod
    def not_a_provider() -> http.Response:
        return refusals.refused(403, "not_a_provider", None)

    def visit(self, flow: http.HTTPFlow, *, forward: bool) -> Visit:
        """Who pays for a request. Takes our headers and our part of the path off it."""
        request = flow.request
        fields = request.headers.fields
        carrier = attribution.of_proxy_user(fields)
        if forward and carrier.who is None:
            carrier = self._tunnels.get(flow.client_conn.id, carrier)
        if not forward:
            carrier, request.path = attribution.of_path(request.path)
        tags = attribution.merged(attribution.tags_of(fields), carrier.tags)
        said = Presented(
            attribution.token_of(fields),
            carrier.who,
            attribution.own_key_of(fields, request.path),
        )
        request.headers.fields = attribution.without_own_headers(fields)
        answer = self._identify(said)
        if isinstance(answer, Refusal):
            return Visit(Payer(), tags, answer)
        return Visit(answer, tags)

    def admit(self, visit: Visit, request: http.Request, provider: Provider) -> Refusal | None:
        """Whether the request may go to this provider; if so, with the provider's key in it."""
        key = visit.payer.key
        if visit.refusal or key is None:
            return visit.refusal
        if not gatekeeper.may_use(key, provider.name):
            return _refusal(visit, 403, "provider_not_allowed")
        if request.scheme != "https" or provider.origin is None:
            # In clear, or at a host that is some customer's, somebody else could read the key.
            return _refusal(visit, 403, "unsafe_destination")
        secret = self._secret_for(visit, key, provider)
        if isinstance(secret, Refusal):
            return secret
        request.headers.fields, request.path = attribution.with_provider_key(
            request.headers.fields, request.path, secret
        )
        return None

    def _secret_for(self, visit: Visit, key: ProxyKey, provider: Provider) -> str | Refusal:
        """The provider's key that a proxy key stands for, in clear."""
        found = gatekeeper.provider_key_for(self._snapshot, key, provider.name)
        if found is None or self._door is None:
            return _refusal(visit, 401, "no_provider_key")
        try:
            return vault.unseal(self._masters.key(self._door), found.sealed, found.binding)
        except AcmError as error:
            self._complain(error)
        except vault.Unsealable:
            self._complain(AcmError(f"the vault is damaged: key {found.name} does not open"))
        return _refusal(visit, 503, "vault_unavailable")

    def judge_head(
        self, visit: Visit, request: http.Request, model: str | None
    ) -> tuple[Refusal | None, bool]:
        """What a rule about models says by the head alone: a refusal, and whether to hold the body.

        ``model`` is the one that the path names, if it names one.
        """
        key = visit.limited
        if key is None:
            return None, False
        if model is not None:
            good = gatekeeper.may_ask(key, (model,))
            return (None if good else _refusal(visit, 403, "model_not_allowed")), False
        headers = request.headers
        if model_rule.judgeable(
            headers.get("content-length"),
            headers.get("content-encoding", "identity").lower() != "identity",
            "transfer-encoding" in headers,
        ):
            return None, True
        return _refusal(visit, 403, "model_unreadable"), False

    def judge_body(self, visit: Visit, body: bytes) -> Refusal | None:
        """What a rule about models says, where the body was held."""
        key = visit.limited
        assert key is not None
        models = model_rule.models_of(body)
        if models is None:
            return _refusal(visit, 403, "model_unreadable")
        if not gatekeeper.may_ask(key, models):
            return _refusal(visit, 403, "model_not_allowed")
        return None

    def _identify(self, said: Presented) -> Payer | Refusal:
        state = self._refreshed()
        if not self._readable and said != Presented():
            return Refusal(503, "control_unavailable")
        required = self.providers_only or state.require_token
        return gatekeeper.identify(state, said, self._digest, utc_now(), required=required)

    def _digest(self, secret: str) -> bytes:
        return vault.digest(self._hash_key or _NO_KEY, secret)

    def _refreshed(self) -> Snapshot:
        """The control data as they are now; where they cannot be read, as they last were."""
        if self._view is not None:
            try:
                if self._view.refresh() or not self._readable:
                    self._take_over(self._view)
            except AcmError as error:
                self._readable = False
                self._complain(error)
        return self._snapshot

    def _take_over(self, view: ControlView) -> None:
        """Raises AcmError."""
        self._snapshot, self._door = view.snapshot, view.door
        try:
            # One that is lost while we run is still known to us.
            self._hash_key = token_key.load(self._home) or self._hash_key
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise AcmError(f"cannot read {self._home.token_key}: {why}") from None
        if self._hash_key is None and self._snapshot.has_credentials:
            raise token_key.lost(self._home)
        self._readable = True
        if self._door and self._snapshot.proxy_keys:
            self._masters.prepare(self._door)

    def _complain(self, error: AcmError) -> None:
        """Say it once, and not at every request."""
        if error.message != self._complaint:
            self._complaint = error.message
            log.error("%s", error.message)


def _refusal(visit: Visit, status: int, code: str) -> Refusal:
    key = visit.payer.key
    return Refusal(status, code, visit.payer.project, key.name if key else None)
