"""A local stand-in for the providers: for ``acm demo`` and for the tests. It costs nothing.

It answers as OpenAI, Anthropic and Gemini do, plain and streamed, over plaintext and TLS, counts
the billable calls it has seen, and can be told by a request header (see ``script``) to misbehave.
It never reaches out to anything.
"""

from cli.standin.seen import Calls, Seen
from cli.standin.server import StandIn

__all__ = ["Calls", "Seen", "StandIn"]
