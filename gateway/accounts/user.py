"""One account, as the store hands it out."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class User:
    """`email` is as typed; `created_at` is in whole seconds since the epoch.

    `epoch` counts what must end every session made before it: a session made under an older epoch is void.
    """

    user_id: str
    email: str
    display_name: str
    role: str
    disabled: bool
    epoch: int
    password_hash: str = field(repr=False)
    created_at: int
