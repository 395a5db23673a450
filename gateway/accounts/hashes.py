"""Argon2id hashes: made with one set of parameters, read with bounds on what a stored hash may ask for."""

import secrets
from dataclasses import dataclass

from argon2 import Parameters, PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane; about 20 ms on one core.
_MEMORY_KIB, _PASSES, _LANES = 19_456, 2, 1
# The weakest of OWASP's equivalent sets (7 MiB, 5 passes), and far above the strongest: a row that somebody
# wrote by hand must neither make guessing cheap nor exhaust the machine.
_LEAST_MEMORY, _LEAST_WORK = 7_168, 7_168 * 5
_MOST_MEMORY, _MOST_PASSES, _MOST_LANES = 262_144, 10, 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rehash`: the password is right, and its hash should be replaced by one with today's parameters."""

    ok: bool
    rehash: bool


class Hashes:
    """Blocking: takes tens of milliseconds of one core a call."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)

    def make(self, password: str) -> str:
        """The encoded hash with a random salt."""
        return self._hasher.hash(password)

    def make_dummy(self) -> str:
        """A hash of a password that nobody knows."""
        return self.make(secrets.token_urlsafe())

    def verify(self, stored: str | None, password: str, dummy: str) -> Verdict:
        """The same work with a stored hash, without one, and with one that is not to be trusted."""
        usable = stored if stored is not None and _acceptable(stored) else None
        matches = self._matches(usable or dummy, password)
        if usable is None or not matches:
            return Verdict(ok=False, rehash=False)
        return Verdict(ok=True, rehash=self._hasher.check_needs_rehash(usable))

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _acceptable(stored: str) -> bool:
    try:
        parameters = extract_parameters(stored)
    except InvalidHashError:
        return False
    return parameters.type is Type.ID and parameters.version == 19 and _within_bounds(parameters)


def _within_bounds(parameters: Parameters) -> bool:
    work = parameters.memory_cost * parameters.time_cost
    return (
        _LEAST_MEMORY <= parameters.memory_cost <= _MOST_MEMORY
        and 1 <= parameters.time_cost <= _MOST_PASSES
        and 1 <= parameters.parallelism <= _MOST_LANES
        and work >= _LEAST_WORK
        and parameters.salt_len >= 8
        and parameters.hash_len >= 16
    )
