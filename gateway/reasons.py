"""The closed list of reasons: one word in body, header, log, metric, CLI and console."""

from enum import Enum


class Reason(Enum):
    """Why the gateway refused: kebab-case word, HTTP status, sentence for the caller."""

    TOKEN_MISSING = ("token-missing", 401, "Not authenticated")
    TOKEN_MALFORMED = ("token-malformed", 401, "Invalid token")
    TOKEN_INVALID = ("token-invalid", 401, "Invalid token")
    TOKEN_EXPIRED = ("token-expired", 401, "Token has expired")
    TOKEN_REVOKED = ("token-revoked", 401, "Token has been revoked")
    TOKEN_WRONG_TYPE = ("token-wrong-type", 401, "Invalid token type")
    ISSUER_UNKNOWN = ("issuer-unknown", 401, "Invalid token")
    CREDENTIALS_INVALID = ("credentials-invalid", 401, "Invalid credentials")
    SESSION_ENDED = ("session-ended", 401, "Token has been revoked")

    ROLE_MISSING = ("role-missing", 403, "A role is missing")
    SCOPE_MISSING = ("scope-missing", 403, "A scope is missing")
    CLAIM_MISMATCH = ("claim-mismatch", 403, "A claim does not have the required value")
    NOT_OWNER = ("not-owner", 403, "Only the owner may do this")
    CSRF = ("csrf", 403, "Cross-site request refused")
    ACCOUNT_DISABLED = ("account-disabled", 403, "This account is disabled")
    REGISTRATION_CLOSED = ("registration-closed", 403, "Registration is closed")

    PATH_AMBIGUOUS = ("path-ambiguous", 400, "The request target can be read in more than one way")
    HEADER_AMBIGUOUS = ("header-ambiguous", 400, "A header can be read in more than one way")
    BODY_INVALID = ("body-invalid", 400, "The request body is not valid")
    NO_ROUTE = ("no-route", 404, "No route matches this request")
    METHOD_NOT_ALLOWED = ("method-not-allowed", 405, "This route does not allow the method")
    REQUEST_TIMEOUT = ("request-timeout", 408, "The request took too long to arrive")
    EMAIL_TAKEN = ("email-taken", 409, "This email address is already registered")
    CONFLICT = ("conflict", 409, "The change conflicts with the current state")
    BODY_TOO_LARGE = ("body-too-large", 413, "The request body is too large")
    TARGET_TOO_LONG = ("target-too-long", 414, "The request target is too long")
    MEDIA_TYPE = ("media-type", 415, "The request body must be application/json")
    FIELD_INVALID = ("field-invalid", 422, "A field is missing or not valid")
    RATE_LIMITED = ("rate-limited", 429, "Too many requests")
    HEADERS_TOO_LARGE = ("headers-too-large", 431, "The request headers are too large")
    NOT_IMPLEMENTED = ("not-implemented", 501, "The gateway does not implement this")
    UPSTREAM_UNREACHABLE = ("upstream-unreachable", 502, "The service could not be reached")
    UPSTREAM_INVALID = ("upstream-invalid", 502, "The service gave no valid answer")
    UPSTREAM_UNAVAILABLE = ("upstream-unavailable", 503, "The service is not available")
    STORE_UNAVAILABLE = ("store-unavailable", 503, "The session or account store is not available")
    REVOCATION_STALE = ("revocation-stale", 503, "Revocations cannot be checked at the moment")
    OVERLOADED = ("overloaded", 503, "Too much work at the moment")
    UPSTREAM_TIMEOUT = ("upstream-timeout", 504, "The service did not answer in time")

    def __init__(self, word: str, status: int, sentence: str) -> None:
        self.word = word
        self.status = status
        self.sentence = sentence

    def __str__(self) -> str:
        return self.word

    @classmethod
    def of(cls, word: str) -> "Reason":
        """The reason a word names; KeyError when there is none."""
        return _BY_WORD[word]


_BY_WORD = {reason.word: reason for reason in Reason}
