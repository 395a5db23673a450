"""An upstream that answers with what it saw: the exact request line, headers and body, as JSON."""

import json
import time
from dataclasses import dataclass
from urllib.parse import parse_qs

from tests.support.raw_message import RawMessage
from tests.support.raw_upstream import Peer, RawUpstream, ok

PHRASES = {200: b"OK", 204: b"No Content", 304: b"Not Modified", 404: b"Not Found"}


@dataclass(frozen=True)
class Echo:
    """What the upstream saw. `headers` are as received, names in lower case."""

    line: str
    headers: list[tuple[str, str]]
    body: str

    @classmethod
    def of(cls, answer: bytes) -> "Echo":
        """From the body of an answer."""
        seen = json.loads(answer)
        return cls(seen["line"], [(name, value) for name, value in seen["headers"]], seen["body"])

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key == name]

    def squeezed(self) -> set[str]:
        """The names as a CGI application would see them: without punctuation."""
        return {"".join(filter(str.isalnum, name)) for name, _ in self.headers}


def echo(peer: Peer) -> None:
    """Answers every request of a connection. The query may ask for `sleep` seconds and a `status` first."""
    while (request := peer.request()) is not None:
        asked = parse_qs(request.target.partition(b"?")[2].decode("latin-1"))
        time.sleep(float(asked.get("sleep", ["0"])[0]))
        status = int(asked.get("status", ["200"])[0])
        line = b"%d %s" % (status, PHRASES.get(status, b"Other"))
        body = b"" if status in (204, 304) else _seen(request)
        answer = ok(body, b"Content-Type: application/json", b"Server: echo", status=line)
        peer.send(answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if request.start.startswith(b"HEAD ") else answer)


def echo_upstream() -> RawUpstream:
    """A running one is had by `with`; idle connections are kept for two minutes."""
    return RawUpstream(echo, timeout=120)


def _seen(request: RawMessage) -> bytes:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.fields]
    line, body = request.start.decode("latin-1"), request.body.decode("latin-1")
    return json.dumps({"line": line, "headers": headers, "body": body}).encode()
