"""What a route asks of its caller: `public`, `optional`, `authenticated`, or clauses that must hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.errors import GatewayError
from gateway.policy.claims import Scalar, find_claim, same_value
from gateway.policy.roles import RoleGraph
from gateway.principal import Principal
from gateway.reasons import Reason


class PolicyUnsound(GatewayError):
    """A clause that cannot be evaluated on this route, such as `owner` of a parameter the path does not have.

    Raised, not returned as a denial, so that a surrounding `not` cannot turn it into consent.
    """


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a clause does not hold. `held` counts the parts of an `all` that held before that one."""

    reason: Reason
    detail: str
    held: int = 0


class Clause(Protocol):
    """One condition on the caller."""

    def check(self, principal: Principal, params: Mapping[str, str], /) -> Denial | None:
        """None when the clause holds."""
        ...

    def describe(self) -> str:
        """The clause in words, for listings."""
        ...

    def reads(self) -> frozenset[str]:
        """The path parameters the answer depends on."""
        ...


class _ReadsNoPath:
    __slots__ = ()

    def reads(self) -> frozenset[str]:
        return frozenset()


@dataclass(frozen=True, slots=True)
class Roles(_ReadsNoPath):
    """Any of `wanted`; `satisfied_by` also has the roles that include one of them."""

    wanted: tuple[str, ...]
    satisfied_by: frozenset[str]

    @classmethod
    def any_of(cls, wanted: Iterable[str], graph: RoleGraph) -> "Roles":
        """Compile the roles as written against the inclusion graph."""
        names = tuple(wanted)
        return cls(names, graph.satisfying(names))

    def check(self, principal: Principal, _params: Mapping[str, str]) -> Denial | None:
        if not self.satisfied_by.isdisjoint(principal.roles):
            return None
        return Denial(Reason.ROLE_MISSING, self._sentence())

    def describe(self) -> str:
        return f"role {' or '.join(self.wanted)}"

    def _sentence(self) -> str:
        return "Admin access required" if self.wanted == ("admin",) else f"Requires {self.describe()}"


@dataclass(frozen=True, slots=True)
class Scopes(_ReadsNoPath):
    """All of `wanted`; an empty list is never satisfied."""

    wanted: tuple[str, ...]

    def check(self, principal: Principal, _params: Mapping[str, str]) -> Denial | None:
        if self.wanted and principal.scopes.issuperset(self.wanted):
            return None
        return Denial(Reason.SCOPE_MISSING, f"Requires {self.describe()}")

    def describe(self) -> str:
        return f"scope {' and '.join(self.wanted)}"


@dataclass(frozen=True, slots=True)
class Claim(_ReadsNoPath):
    """The claim `name` (dots reach into objects) is one of `values`, or a list that has one of them."""

    name: str
    values: tuple[Scalar, ...]

    def check(self, principal: Principal, _params: Mapping[str, str]) -> Denial | None:
        seen = find_claim(principal.claims, self.name)
        candidates = seen if isinstance(seen, list | tuple) else (seen,)
        if any(same_value(one, wanted) for one in candidates for wanted in self.values):
            return None
        return Denial(Reason.CLAIM_MISMATCH, Reason.CLAIM_MISMATCH.sentence)

    def describe(self) -> str:
        return f"claim {self.name} = {' or '.join(map(repr, self.values))}"


@dataclass(frozen=True, slots=True)
class Owner:
    """The path parameter `param` is the caller's own subject."""

    param: str

    def check(self, principal: Principal, params: Mapping[str, str]) -> Denial | None:
        if self.param not in params:
            raise PolicyUnsound(self.param)
        if principal.subject and params[self.param] == principal.subject:
            return None
        return Denial(Reason.NOT_OWNER, Reason.NOT_OWNER.sentence)

    def describe(self) -> str:
        return f"owner of {{{self.param}}}"

    def reads(self) -> frozenset[str]:
        return frozenset((self.param,))


@dataclass(frozen=True, slots=True)
class Issuer(_ReadsNoPath):
    """The token came from this issuer."""

    name: str

    def check(self, principal: Principal, _params: Mapping[str, str]) -> Denial | None:
        if principal.issuer == self.name:
            return None
        return Denial(Reason.CLAIM_MISMATCH, f"Requires {self.describe()}")

    def describe(self) -> str:
        return f"issuer {self.name}"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of `clauses` holds.

    When none does, the denial is that of the closest alternative: the one in which the most parts held, and
    among equals the first as written.
    """

    clauses: tuple[Clause, ...]

    def check(self, principal: Principal, params: Mapping[str, str]) -> Denial | None:
        closest: Denial | None = None
        for clause in self.clauses:
            denial = clause.check(principal, params)
            if denial is None:
                return None
            if closest is None or denial.held > closest.held:
                closest = denial
        return closest or _empty()

    def describe(self) -> str:
        return f"({' or '.join(clause.describe() for clause in self.clauses)})"

    def reads(self) -> frozenset[str]:
        return _read_by(self.clauses)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of `clauses` holds; no clauses at all is never satisfied."""

    clauses: tuple[Clause, ...]

    def check(self, principal: Principal, params: Mapping[str, str]) -> Denial | None:
        for held, clause in enumerate(self.clauses):
            denial = clause.check(principal, params)
            if denial is not None:
                return Denial(denial.reason, denial.detail, held + denial.held)
        return None if self.clauses else _empty()

    def describe(self) -> str:
        return " and ".join(clause.describe() for clause in self.clauses)

    def reads(self) -> frozenset[str]:
        return _read_by(self.clauses)


@dataclass(frozen=True, slots=True)
class Not:
    """`clause` does not hold."""

    clause: Clause

    def check(self, principal: Principal, params: Mapping[str, str]) -> Denial | None:
        if self.clause.check(principal, params) is not None:
            return None
        return Denial(Reason.CLAIM_MISMATCH, f"Requires {self.describe()}")

    def describe(self) -> str:
        return f"not ({self.clause.describe()})"

    def reads(self) -> frozenset[str]:
        return self.clause.reads()


@dataclass(frozen=True, slots=True)
class AccessPublic(_ReadsNoPath):
    """Anyone, and nobody's identity is looked at."""

    def describe(self) -> str:
        return "public"


@dataclass(frozen=True, slots=True)
class AccessOptional(_ReadsNoPath):
    """Anyone; who sends a token must send a good one."""

    def describe(self) -> str:
        return "optional"


@dataclass(frozen=True, slots=True)
class AccessAuthenticated(_ReadsNoPath):
    """Any verified caller."""

    def describe(self) -> str:
        return "authenticated"


@dataclass(frozen=True, slots=True)
class AccessRequires:
    """A verified caller for whom `clause` holds."""

    clause: Clause

    def describe(self) -> str:
        return self.clause.describe()

    def reads(self) -> frozenset[str]:
        return self.clause.reads()


Access = AccessPublic | AccessOptional | AccessAuthenticated | AccessRequires


def _read_by(clauses: tuple[Clause, ...]) -> frozenset[str]:
    return frozenset().union(*(clause.reads() for clause in clauses))


def _empty() -> Denial:
    return Denial(Reason.CLAIM_MISMATCH, Reason.CLAIM_MISMATCH.sentence)
