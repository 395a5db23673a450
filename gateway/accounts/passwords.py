"""Passwords: which may be chosen, and hashing them off the event loop with a bound on the work accepted.

A password is compared exactly as received (ASVS 5.0 6.2.8): no trimming, no case folding, no Unicode
normalisation, no truncation. So the composed and the decomposed spelling of an accent are two passwords.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

from gateway.accounts.common import common_passwords
from gateway.accounts.hashes import Hashes, Verdict
from gateway.errors import Refusal
from gateway.reasons import Reason

_MOST_BYTES = 1024
_T = TypeVar("_T")


def _stand_back() -> None:
    """Let the event loop have the processor first: hashing is all computation, and nobody waits for it but a login.

    Linux gives each thread its own priority; elsewhere this would slow the whole process down.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


def spare_threads() -> int:
    """How many hashes may run at once: two, but never on the last processor."""
    return max(1, min(2, (os.cpu_count() or 1) - 1))


class Passwords:
    """`threads` hashes run at once and `queue` more may wait; what comes on top is refused at once.

    `min_length` counts code points. `open()` before use.
    """

    def __init__(self, *, min_length: int, reject_common: bool, threads: int = 2, queue: int = 32) -> None:
        self._min_length = min_length
        self._reject_common = reject_common
        self._threads = threads
        self._places = BoundedSemaphore(threads + queue)
        self._hashes = Hashes()
        self._executor: ThreadPoolExecutor | None = None
        self._common: frozenset[str] = frozenset()
        self._dummy = ""

    async def open(self) -> None:
        """Start the threads; make the hash that stands in for unknown users."""
        self._common = common_passwords() if self._reject_common else frozenset()
        self._executor = ThreadPoolExecutor(self._threads, "passwords", initializer=_stand_back)
        self._dummy = await self._run(self._hashes.make_dummy)

    async def close(self) -> None:
        """Finish what was accepted, then stop the threads."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.to_thread(executor.shutdown)

    def check(self, password: str) -> str | None:
        """Why this password may not be chosen, as a sentence; None when it may."""
        if len(password) < self._min_length:
            return f"A password needs at least {self._min_length} characters."
        if not _hashable(password):
            return f"A password has at most {_MOST_BYTES} bytes of UTF-8 and no NUL character."
        if password.casefold() in self._common:
            return "This password is one of the most common; please choose another."
        return None

    async def hash(self, password: str) -> str:
        """Refusal(FIELD_INVALID) for what `check` would refuse whatever its settings, Refusal(OVERLOADED)."""
        if not _hashable(password):
            raise Refusal(Reason.FIELD_INVALID)
        return await self._run(lambda: self._hashes.make(password))

    async def verify(self, password_hash: str | None, password: str) -> Verdict:
        """Whether the password is right; None, for an unknown user, costs the same. Refusal(OVERLOADED)."""
        if not _hashable(password):
            return Verdict(ok=False, rehash=False)
        return await self._run(lambda: self._hashes.verify(password_hash, password, self._dummy))

    async def _run(self, work: Callable[[], _T]) -> _T:
        if self._executor is None:
            raise RuntimeError("Passwords.open() comes first")
        if not self._places.acquire(blocking=False):
            raise Refusal(Reason.OVERLOADED, retry_after=1)
        future: Future[_T] = self._executor.submit(work)
        # Also when the caller goes away while waiting: the work is then cancelled before it began.
        future.add_done_callback(lambda _done: self._places.release())
        return await asyncio.wrap_future(future)


def _hashable(password: str) -> bool:
    if len(password) > _MOST_BYTES or "\0" in password:
        return False
    try:
        return len(password.encode()) <= _MOST_BYTES
    except UnicodeEncodeError:  # a lone surrogate, which JSON can spell
        return False
