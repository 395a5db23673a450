"""The exception tree. Errors hold fields; text is made once, at the border.

GatewayError
├── Refusal              the gateway answers the caller itself, with a Reason
│   ├── TokenRefused     a token did not pass (401)
│   ├── TargetRefused    the request target is malformed or ambiguous (400, 414)
│   ├── UpstreamFailed   the upstream gave no usable answer (502, 503, 504)
│   └── StoreUnavailable the session or account store cannot be asked (503)
├── ConfigError          the configuration has problems; nothing was started
└── KeyRefused           key material is weak, malformed or meant for something else
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.reasons import Reason


class GatewayError(Exception):
    """Root of everything the product raises on purpose."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field of a request body that was refused."""

    field: str
    message: str


class Refusal(GatewayError):
    """An answer of the gateway's own. `retry_after` is in whole seconds; `headers` go on the answer."""

    def __init__(
        self,
        reason: Reason,
        *,
        detail: str | None = None,
        errors: Sequence[FieldError] = (),
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(reason.word)
        self.reason = reason
        self.detail = reason.sentence if detail is None else detail
        self.errors = tuple(errors)
        self.retry_after = retry_after
        self.headers = dict(headers or {})


class TokenRefused(Refusal):
    """`why` says which check failed, for operators (`token inspect`, debug log); callers never see it."""

    def __init__(self, reason: Reason, why: str) -> None:
        super().__init__(reason)
        self.why = why


class TargetRefused(Refusal):
    """`why` names what was found in the target, such as `dot segment`."""

    def __init__(self, reason: Reason, why: str) -> None:
        super().__init__(reason)
        self.why = why


class UpstreamFailed(Refusal):
    """`upstream` is the configured name; `why` is for the log only."""

    def __init__(self, reason: Reason, upstream: str, why: str, *, retry_after: int | None = None) -> None:
        super().__init__(reason, retry_after=retry_after)
        self.upstream = upstream
        self.why = why


class StoreUnavailable(Refusal):
    """The store named (`accounts`, `sessions`) could not be asked; callers should come back after `retry_after` s.

    `why` and `hint` are for operators (see `gateway.faults`): callers never see them, and no secret is in them.
    """

    def __init__(self, store: str, why: str = "cannot be asked", hint: str = "", *, retry_after: int = 1) -> None:
        super().__init__(Reason.STORE_UNAVAILABLE, retry_after=retry_after)
        self.store = store
        self.why = why
        self.hint = hint


class ConfigError(GatewayError):
    """Everything that is wrong with a configuration, at once (`config.problems.Problem` each)."""

    def __init__(self, problems: Sequence[object]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = tuple(problems)


class KeyRefused(GatewayError):
    """`hint` says how to make an acceptable key; the key itself is never part of the error."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint
