"""What we answer ourselves: JSON in the provider's own error shape, marked ``X-ACM-Error``."""

import json
from datetime import datetime
from math import ceil
from zoneinfo import ZoneInfo

from mitmproxy import http

from acm_addon import __version__
from acm_addon.amounts import exact_usd
from acm_addon.budgets import Decision, Verdict
from acm_addon.providers.base import Provider
from acm_addon.routing import BUILT_IN, Directory
from acm_addon.windows import Period

_FAILURES = {
    "CONNECT_FAILED": "upstream_unreachable",
    "GENERIC_SERVER_ERROR": "upstream_failed",
    "RESPONSE_VALIDATION_FAILED": "upstream_invalid_response",
    "RESPONSE_TOO_LARGE": "upstream_invalid_response",
    "DESTINATION_UNKNOWN": "no_destination",
    "REQUEST_TOO_LARGE": "request_too_large",
}

_NO_HTTP = ("Cannot parse HTTP response", "unexpected server response")
"""How mitmproxy begins what it says of an answer that it cannot read."""

_MESSAGES = {
    "upstream_unreachable": "acm could not connect to the provider, or does not trust its "
    "certificate.",
    "upstream_failed": "The provider closed the connection before it answered.",
    "upstream_invalid_response": "The provider's answer is not valid HTTP.",
    "no_destination": "The request names no host, so acm cannot tell where it should go.",
    "request_too_large": "The request is too large.",
    "bad_request": "The request is not valid HTTP.",
    "internal_error": "acm failed while it prepared this request, which was not sent.",
    "token_required": "acm requires a project token: as X-Project-Token, as the user name of the "
    "proxy URL, or in the base URL (/_p/TOKEN/…). `acm project token new` makes one.",
    "unknown_token": "acm does not know this project token.",
    "revoked_token": "This project token was revoked.",
    "expired_token": "This project token has expired.",
    "token_is_no_key": "A project token is not an API key. Send it as X-Project-Token, or use a "
    "proxy key (`acm key issue`).",
    "unknown_key": "acm does not know this proxy key.",
    "revoked_key": "This proxy key was revoked.",
    "expired_key": "This proxy key has expired.",
    "unknown_project": "acm has no project of the name that the proxy URL or base URL carries. "
    "`acm project create` makes one.",
    "project_archived": "This project is archived.",
    "wrong_project": "This proxy key belongs to another project than the token.",
    "provider_not_allowed": "This proxy key is not good for this provider.",
    "model_not_allowed": "This proxy key is not good for this model.",
    "model_unreadable": "This proxy key is limited to models, and acm cannot read which one this "
    "request asks for. Send plain JSON with a Content-Length of at most 8 MB.",
    "unsafe_destination": "acm puts a provider's key only into requests that go over TLS to a host "
    "of the provider's own.",
    "no_provider_key": "acm's vault has no key of this provider for this proxy key. "
    "`acm key add` stores one.",
    "vault_unavailable": "acm cannot open its vault, and so has no provider key for this proxy "
    "key. `acm key list --check` says why.",
    "control_unavailable": "acm cannot read its projects and keys, and so cannot check this token "
    "or key. `acm project list` says why.",
    "client_left": "The client left before this request was sent.",
    "not_a_provider": "acm listens for other machines, and reaches AI providers only.",
}


_LOCKED = (
    "Budget {}: acm's ledger does not answer, so it cannot be known whether the budget has room for"
    " this call, which was not sent."
)
_UNPRICED = (
    "Budget {}: acm cannot tell beforehand what this call may cost, and the budget takes no such"
    " call. `acm budget set … --unknown allow` lets it pass."
)


def code_of_failure(error_code: str, message: str = "") -> str:
    """Our code for mitmproxy's ``ErrorCode`` name; its message tells two of one name apart."""
    if error_code == "GENERIC_SERVER_ERROR" and message.startswith(_NO_HTTP):
        return "upstream_invalid_response"
    return _FAILURES.get(error_code, "bad_request")


def failure_response(status: int, code: str, host: str) -> http.Response:
    """The answer to a request that failed on its way, for a client that meant ``host``.

    Retrying may help where the provider is at fault, so these leave ``x-should-retry`` alone.
    """
    response = _response(status, code, _MESSAGES[code], BUILT_IN.of_host(host))
    response.headers["Connection"] = "close"
    return response


def unroutable(path: str, directory: Directory) -> http.Response:
    """404 for a gateway path that leads nowhere; the body says which paths exist."""
    paths = ", ".join(directory.paths())
    message = f"acm has no route for this path. Routes: {paths}"
    shape = directory.named(path.lstrip("/").partition("/")[0])
    response = _response(404, "unknown_route", message, shape)
    response.headers["x-should-retry"] = "false"
    return response


def refused(status: int, code: str, provider: Provider | None) -> http.Response:
    """A request that we do not send on, in the shape that the provider's SDK understands.

    To send it again as it is cannot help.
    """
    response = _response(status, code, _MESSAGES[code], provider)
    response.headers["x-should-retry"] = "false"
    return response


def over_budget(verdict: Verdict, provider: Provider, now: datetime) -> http.Response:
    """A call that a hard budget does not let leave. It says which one, and how that stands."""
    assert verdict.claim is not None
    claim, budget = verdict.claim, verdict.claim.budget
    if verdict.decision is Decision.LOCKED:
        response = _response(503, "ledger_locked", _LOCKED.format(budget.label), provider)
        response.headers["Retry-After"] = "1"
        return response
    if verdict.decision is Decision.UNPRICED:
        response = _response(429, "price_unknown", _UNPRICED.format(budget.label), provider)
        response.headers["x-should-retry"] = "false"
        return response
    standing = verdict.standing
    amounts = budget.limit, standing.spent, standing.held, claim.amount
    limit, spent, held, wanted = (f"${exact_usd(amount)}" for amount in amounts)
    ends = budget.period is not Period.TOTAL
    reset = claim.window.until.astimezone(ZoneInfo(budget.zone)).isoformat(timespec="seconds")
    message = (
        f"Budget {budget.label}: limit {limit}, spent {spent}, held by running calls {held}; this"
        f" call may cost {wanted}. " + (f"It resets at {reset}." if ends else "It does not reset.")
    )
    response = _response(429, "budget_exceeded", message, provider)
    if verdict.decision is Decision.WAIT:
        # Only running calls stand in the way, and these will end.
        response.headers["Retry-After"] = "1"
        return response
    response.headers["x-should-retry"] = "false"
    if ends:
        seconds = (claim.window.until - now).total_seconds()
        response.headers["Retry-After"] = str(max(1, ceil(seconds)))
    return response


def rate_limited(seconds: float, provider: Provider) -> http.Response:
    """The provider has said to wait, and has not been asked again. To retry after that helps."""
    wait = max(1, ceil(seconds))
    message = (
        f"The provider told this key to wait, for {wait} more s. acm's rate-limit guard is on for"
        " this project, so this call was not sent."
    )
    response = _response(429, "rate_limited", message, provider)
    response.headers["Retry-After"] = str(wait)
    return response


def pong() -> http.Response:
    """The answer to ``acm doctor``, which asks whether this is acm, and which version."""
    body = json.dumps({"acm": __version__}).encode()
    return http.Response.make(200, body, {"Content-Type": "application/json"})


def _response(status: int, code: str, message: str, provider: Provider | None) -> http.Response:
    shape = provider or BUILT_IN.of_host("api.openai.com")
    assert shape is not None
    return http.Response.make(
        status,
        shape.error_body(status, code, message),
        {"Content-Type": "application/json", "X-ACM-Error": code},
    )
