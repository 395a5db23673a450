"""Known attacks on token verification, each with the refusal it gets, and what PyJWT alone makes of it.

Every token here is signed with the trusted key unless the attack is about the signature: what refuses it is
the check in question and nothing else.
"""

import base64
import json

import pytest

from gateway.errors import TokenRefused
from gateway.reasons import Reason
from tests.tokens import forge
from tests.tokens.forge import (
    CLAIMS,
    HEADER,
    KID,
    NOW,
    TTL,
    b64,
    payload_with,
    raw,
    sealed,
    with_claims,
    with_header,
)

MALFORMED, INVALID = Reason.TOKEN_MALFORMED, Reason.TOKEN_INVALID
WRONG_TYPE, EXPIRED, FOREIGN = Reason.TOKEN_WRONG_TYPE, Reason.TOKEN_EXPIRED, Reason.ISSUER_UNKNOWN
SOON = NOW + TTL - 60  # well ahead, so that the comparison with PyJWT does not depend on when it runs
GOOD = sealed(HEADER, CLAIMS)
GOOD_HEADER, GOOD_PAYLOAD, GOOD_SIGNATURE = GOOD.split(b".")


def signed_over(signing_input: bytes) -> bytes:
    signature = forge.RING.active.sign(signing_input)
    return signing_input + b"." + b64(signature)


def unsigned(alg: str) -> bytes:
    return b64(raw({**HEADER, "alg": alg})) + b"." + GOOD_PAYLOAD + b"."


def header_text(text: str) -> bytes:
    return sealed(text.replace("KID", json.dumps(KID)).encode(), CLAIMS)


HEADER_ATTACKS = {
    "01 alg none, empty signature": (unsigned("none"), MALFORMED, False),
    "01 alg None, empty signature": (unsigned("None"), MALFORMED, False),
    "01 alg nOnE, empty signature": (unsigned("nOnE"), MALFORMED, False),
    "01 alg none, old signature kept": (unsigned("none") + GOOD_SIGNATURE, INVALID, False),
    "03 alg list": (with_header(alg=["HS256"]), MALFORMED, False),
    "03 alg lower case": (with_header(alg="hs256"), INVALID, False),
    "03 alg missing": (forge.without("alg"), INVALID, False),
    "03 alg of another family": (with_header(alg="RS256"), INVALID, False),
    "04 alg twice": (header_text('{"alg":"none","alg":"HS256","typ":"at+jwt","kid":KID}'), MALFORMED, True),
    "04 alg twice, one escaped": (
        header_text('{"\\u0061lg":"none","alg":"HS256","typ":"at+jwt","kid":KID}'),
        MALFORMED,
        True,
    ),
    "06 jwk": (with_header(jwk={"kty": "oct", "k": "AA"}), MALFORMED, True),
    "06 jku": (with_header(jku="https://evil.test/keys"), MALFORMED, True),
    "06 x5u": (with_header(x5u="https://evil.test/cert"), MALFORMED, True),
    "06 x5c": (with_header(x5c=["AA"]), MALFORMED, True),
    "07 kid path traversal": (with_header(kid="../../dev/null"), INVALID, True),
    "07 kid SQL": (with_header(kid="x' UNION SELECT 'key"), INVALID, True),
    "07 kid NUL": (with_header(kid=f"{KID}\x00"), INVALID, True),
    "07 kid URL": (with_header(kid="https://evil.test/key"), INVALID, True),
    "07 kid upper case": (with_header(kid=KID.upper() + "A"), INVALID, True),
    "07 kid empty": (with_header(kid=""), INVALID, True),
    "07 kid missing": (forge.without("kid"), INVALID, True),
    "08 kid number": (with_header(kid=1), MALFORMED, False),
    "08 kid list": (with_header(kid=[KID]), MALFORMED, False),
    "08 kid object": (with_header(kid={"a": KID}), MALFORMED, False),
    "09 crit unknown": (with_header(crit=["x"], x=1), MALFORMED, False),
    "09 crit empty": (with_header(crit=[]), MALFORMED, False),
    "09 crit of a known header": (with_header(crit=["kid"]), MALFORMED, False),
    "10 b64 false": (with_header(b64=False, crit=["b64"]), MALFORMED, False),
    "10 b64 true": (with_header(b64=True), MALFORMED, True),
    "11 zip": (with_header(zip="DEF"), MALFORMED, True),
    "12 typ JWT": (with_header(typ="JWT"), WRONG_TYPE, True),
    "12 typ missing": (forge.without("typ"), WRONG_TYPE, True),
    "12 typ upper case": (with_header(typ="AT+JWT"), WRONG_TYPE, True),
    "13 refresh type under the access key": (with_header(typ="rt+jwt"), WRONG_TYPE, True),
    "13 token_type refresh": (with_claims(token_type="refresh"), WRONG_TYPE, True),
    "13 token_type missing (ID token)": (forge.without("token_type"), WRONG_TYPE, True),
}

CLAIM_ATTACKS = {
    "05 sub twice": (sealed(HEADER, payload_with('"sub":"x"')), MALFORMED, True),
    "05 role twice": (sealed(HEADER, payload_with('"role":"admin"')), MALFORMED, True),
    "05 duplicate inside": (sealed(HEADER, payload_with('"x":[{"a":1,"a":2}]')), MALFORMED, True),
    "15 exp missing": (forge.without("exp"), INVALID, False),
    "15 exp null": (with_claims(exp=None), INVALID, False),
    "16 exp as text": (with_claims(exp=str(SOON)), INVALID, True),
    "16 iat as text": (with_claims(iat=str(NOW)), INVALID, True),
    "17 exp float": (with_claims(exp=SOON + 0.5), INVALID, True),
    "17 exp whole float": (with_claims(exp=float(SOON)), INVALID, True),
    "18 exp NaN": (with_claims(exp=float("nan")), MALFORMED, False),
    "18 exp Infinity": (with_claims(exp=float("inf")), MALFORMED, False),
    "18 exp 1e400": (
        sealed(HEADER, raw(CLAIMS).replace(f'"exp":{NOW + TTL}'.encode(), b'"exp":1e400')),
        MALFORMED,
        False,
    ),
    "19 exp 10^30": (with_claims(exp=10**30), MALFORMED, True),
    "19 exp in ten years": (with_claims(exp=NOW + 315_360_000), INVALID, True),
    "19 exp one second over the lifetime": (with_claims(exp=NOW + TTL + 1), INVALID, True),
    "20 exp of 5,000 digits": (sealed(HEADER, payload_with('"x":' + "9" * 5000)), MALFORMED, False),
    "21 exp true": (with_claims(exp=True), INVALID, False),
    "21 exp list": (with_claims(exp=[SOON]), INVALID, False),
    "21 exp negative": (with_claims(exp=-1), INVALID, False),
    "21 iat true": (with_claims(iat=True), INVALID, True),
    "22 iat ahead": (with_claims(iat=SOON, exp=SOON + 60), INVALID, False),
    "22 nbf ahead": (with_claims(nbf=SOON), INVALID, False),
    "22 nbf text": (with_claims(nbf=str(NOW)), INVALID, True),
    "22 nbf null": (with_claims(nbf=None), INVALID, False),
    "23 iat negative": (with_claims(iat=-1), INVALID, True),
    "23 iat of 1970": (with_claims(iat=0), INVALID, True),
    "23 iat after exp": (with_claims(iat=NOW + 3, exp=NOW + 3), INVALID, False),
    "25 aud that nobody asked for": (with_claims(aud="shop"), INVALID, False),
    "25 aud empty": (with_claims(aud=""), INVALID, True),
    "25 aud null": (with_claims(aud=None), INVALID, True),
    "26 iss list": (with_claims(iss=["gateway"]), INVALID, False),
    "26 iss with a slash": (with_claims(iss="gateway/"), INVALID, False),
    "26 iss prefix": (with_claims(iss="gate"), INVALID, False),
    "26 iss missing": (forge.without("iss"), INVALID, False),
    "27 sub number": (with_claims(sub=7, user_id=7), INVALID, False),
    "27 sub is somebody else": (with_claims(sub="0" * 8 + forge.USER[8:]), INVALID, True),
    "27 sub no UUID": (with_claims(sub="ann", user_id="ann"), INVALID, True),
    "27 user_id missing": (forge.without("user_id"), INVALID, True),
    "27 jti number": (with_claims(jti=7), INVALID, False),
    "27 jti missing": (forge.without("jti"), INVALID, False),
    "27 role list": (with_claims(role=["admin"]), INVALID, True),
    "27 role empty": (with_claims(role=""), INVALID, True),
    "27 sid missing": (forge.without("sid"), INVALID, True),
    "28 sub with a lone surrogate": (with_claims(sub="\ud800", user_id="\ud800"), MALFORMED, True),
    "28 key with a lone surrogate": (with_claims(**{"\udfff": 1}), MALFORMED, True),
    "28 display_name with CR LF": (with_claims(display_name="A\r\nX-Role: admin"), INVALID, True),
    "28 email with NUL": (with_claims(email="a\x00@example.com"), INVALID, True),
    "29 payload in UTF-16": (sealed(HEADER, json.dumps(CLAIMS).encode("utf-16")), MALFORMED, True),
    "29 payload with a BOM": (sealed(HEADER, b"\xef\xbb\xbf" + raw(CLAIMS)), MALFORMED, True),
    "29 payload in Latin-1": (sealed(HEADER, raw(CLAIMS).replace(b"Ann", b"\xc4nn")), MALFORMED, False),
    "29 overlong UTF-8": (sealed(HEADER, raw(CLAIMS).replace(b"Ann", b"\xc0\xafnn")), MALFORMED, False),
    "30 payload list": (sealed(HEADER, b"[]"), MALFORMED, False),
    "30 payload null": (sealed(HEADER, b"null"), MALFORMED, False),
    "30 header list": (sealed(b"[]", CLAIMS), MALFORMED, False),
    "30 two values": (sealed(HEADER, raw(CLAIMS) + b"{}"), MALFORMED, False),
    "31 nested 100,000 deep": (
        sealed(HEADER, b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        MALFORMED,
        False,
    ),
    "31 nested 2,000 deep": (sealed(HEADER, b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}"), MALFORMED, False),
    "31 nested 9 objects deep": (
        sealed(HEADER, payload_with('"x":' + '{"a":' * 9 + "1" + "}" * 9)),
        MALFORMED,
        True,
    ),
    "31 nested 9 deep": (sealed(HEADER, payload_with('"x":' + "[" * 9 + "]" * 9)), MALFORMED, True),
}

FORM_ATTACKS = {
    "32 a megabyte": (with_claims(x="x" * 1_000_000), MALFORMED, True),
    "32 just over 8 KiB": (with_claims(x="x" * 6000), MALFORMED, True),
    "33 padded signature": (GOOD + b"=", MALFORMED, True),
    "33 padded payload": (
        signed_over(b64(raw(HEADER)) + b"." + b64(raw(CLAIMS) + b" " * (1 - len(raw(CLAIMS)) % 3 + 3)) + b"=="),
        MALFORMED,
        True,
    ),
    "34 space in front": (b" " + GOOD, MALFORMED, False),
    "34 newline at the end": (GOOD + b"\n", MALFORMED, False),
    "34 standard alphabet": (GOOD[:-1] + b"/", MALFORMED, False),
    "34 not ASCII": (GOOD + "é".encode(), MALFORMED, False),
    "35 non-zero trailing bits": (GOOD[:-1] + bytes([GOOD[-1] + 1]), MALFORMED, False),
    "36 one segment": (GOOD_HEADER, MALFORMED, False),
    "36 two segments": (GOOD_HEADER + b"." + GOOD_PAYLOAD, MALFORMED, False),
    "36 four segments": (GOOD + b".AA", MALFORMED, False),
    "36 five segments (JWE)": (GOOD + b".AA.AA", MALFORMED, False),
    "36 empty": (b"", MALFORMED, False),
    "36 only dots": (b"..", MALFORMED, False),
    "42 signature cut short": (GOOD.rpartition(b".")[0] + b".AAAA", INVALID, False),
    "42 signed by a retiring key, kid of the active one": (
        sealed(HEADER, CLAIMS, key=base64.b64decode(forge.OLD_SECRET)),
        INVALID,
        False,
    ),
    "42 signed by the active key, kid of a retiring one": (
        with_header(kid=next(kid for kid in forge.RING.by_kid if kid != KID)),
        INVALID,
        True,
    ),
    "expired": (with_claims(iat=NOW - TTL, exp=NOW), EXPIRED, False),
    "somebody else's token": (
        sealed({**HEADER, "kid": "theirs"}, {**CLAIMS, "iss": "https://id.example"}, b"k" * 32),
        FOREIGN,
        False,
    ),
    "somebody else's issuer under our key": (with_claims(iss="https://id.example"), INVALID, False),
}

ATTACKS = {**HEADER_ATTACKS, **CLAIM_ATTACKS, **FORM_ATTACKS}


@pytest.mark.parametrize(("token", "reason", "_pyjwt"), ATTACKS.values(), ids=ATTACKS)
def test_attack_is_refused(token: bytes, reason: Reason, _pyjwt: bool) -> None:
    assert forge.refusal(token) is reason


@pytest.mark.parametrize(("token", "_reason", "accepted"), ATTACKS.values(), ids=ATTACKS)
def test_what_pyjwt_alone_does_is_as_noted(token: bytes, _reason: Reason, accepted: bool) -> None:
    assert forge.pyjwt_accepts(token) is accepted


def test_the_token_the_attacks_start_from_is_good() -> None:
    assert forge.access_tokens().verify(GOOD).subject == forge.USER
    assert forge.pyjwt_accepts(GOOD)


AUDIENCE_ATTACKS = {
    "24 list with ours": ["shop"],
    "24 list with ours and another": ["shop", "other"],
    "25 wrong": "other",
    "25 part of ours": "sho",
    "25 more than ours": "shop ",
    "25 mixed types": ["shop", 7],
    "25 null": None,
}


@pytest.mark.parametrize("audience", AUDIENCE_ATTACKS.values(), ids=AUDIENCE_ATTACKS)
def test_audience_attack_is_refused(audience: object) -> None:
    assert forge.refusal(with_claims(aud=audience), forge.access_tokens(audience="shop")) is INVALID


def test_audience_missing_is_refused_when_one_is_configured() -> None:
    assert forge.refusal(GOOD, forge.access_tokens(audience="shop")) is INVALID


def test_13_refresh_token_is_no_access_token() -> None:
    first = forge.refresh_tokens().first(user_id=forge.USER, session_id="s", issued_at=NOW, expires_at=SOON)
    assert forge.refusal(first.token.encode()) is WRONG_TYPE


def test_14_access_token_is_no_refresh_token() -> None:
    with pytest.raises(TokenRefused) as refused:
        forge.refresh_tokens().read(forge.access_tokens().issue(forge.SUBJECT).token)
    assert refused.value.reason is WRONG_TYPE


def test_48_refresh_token_forged_with_the_access_key_is_refused() -> None:
    claims = {
        "token_type": "refresh",
        "user_id": forge.USER,
        "sid": "s",
        "gen": 0,
        "jti": "j",
        "iat": 1,
        "exp": 2,
    }
    forged = sealed({**HEADER, "typ": "rt+jwt"}, {**claims, "iss": forge.ISSUER})
    with pytest.raises(TokenRefused) as refused:
        forge.refresh_tokens().read(forged.decode())
    assert refused.value.reason is INVALID
