"""What the HTTP/2 tests share: an upstream of large, cut and missing answers, and how a refusal looks."""

import json
import time
from typing import Final

from tests.support.h2_client import Answer
from tests.support.raw_upstream import Peer, RawUpstream, ok

BIG: Final = 8 * 1024 * 1024
LARGE: Final = ok(b"x" * BIG, b"Set-Cookie: a=1", b"Set-Cookie: b=2", b"Connection: x-drop", b"X-Drop: 1")


class BigUpstream(RawUpstream):
    """Answers with eight megabytes; to `…never` not at all until the other side closes, to `…unread` without
    taking the body, and to `…cut` with less than it announced. `stuck` holds the connections without an answer.
    """

    def __init__(self) -> None:
        self.stuck: list[Peer] = []
        super().__init__(self.serve, timeout=30)

    def serve(self, peer: Peer) -> None:
        while (message := peer.head()) is not None:
            if message.target.endswith(b"never"):
                self.stuck.append(peer)
                peer.gone()
                return
            if message.target.endswith(b"unread"):
                time.sleep(3)
                return
            if message.target.endswith(b"cut"):
                peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
                peer.close()
                return
            peer.send(LARGE)


def refused(answer: Answer) -> tuple[int, str]:
    """Status and reason of a refusal, which is the same problem as on HTTP/1.1."""
    problem = json.loads(answer.body)
    assert answer.all(b"content-type") == [b"application/problem+json"]
    assert answer.all(b"gateway-reason") == [problem["reason"].encode()]
    return answer.status, problem["reason"]
