"""What a connection looks like after the gateway refused a malformed request on it."""

import json

from tests.support.raw_client import RawClient
from tests.support.raw_message import RawMessage


def assert_refused(client: RawClient, status: int, reason: str) -> RawMessage:
    """The next answer is the problem, says that the connection closes, and it does."""
    answer = client.response()
    assert (answer.status, answer.one(b"gateway-reason")) == (status, reason.encode()), answer.head
    assert answer.one(b"content-type") == b"application/problem+json"
    assert answer.one(b"connection") == b"close"
    problem = json.loads(answer.body)
    assert (problem["status"], problem["reason"]) == (status, reason)
    assert client.ended()
    return answer
