"""Email addresses: which are accepted, and the key under which two spellings of one address meet.

Addresses are checked by form only, never by DNS. Reserved domains such as `example.com`, `.test` and `.local`
are accepted: people use them while developing and in closed networks.
"""

import re
import unicodedata

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

_MOST_CHARACTERS = 254  # RFC 5321 4.5.3.1.3, less the angle brackets
_LOCAL_DOMAIN = re.compile(r"\.local$", re.IGNORECASE)

# Invisible by Unicode's Default_Ignorable_Code_Point, yet letters or marks by category, so email-validator
# lets them pass: two addresses could look the same and differ.
_INVISIBLE = re.compile(r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
_DOTTED_I = re.compile("i\u0307+|\u0131")


def check_email(text: str) -> str | None:
    """Why `text` is no acceptable address, as a sentence for its sender; None when it is one."""
    if len(text) > _MOST_CHARACTERS:
        return "An email address has at most 254 characters."
    try:
        _parse(text)
        # The key must be an address too: no `@`, comma or space may come out of a compatibility form.
        _parse(lookup_key(text))
    except EmailNotValidError as error:
        return str(error)
    return None


def lookup_key(email: str) -> str:
    """Equal for all spellings of one address; idempotent. Text that is no address gives a key of no account.

    Local part: NFKC and full case folding (Unicode 3.13, compatibility caseless matching), dotless and
    dotted i as i. RFC 5321 leaves the case of the local part to the receiving host; no host in use tells
    them apart. Domain: its IDNA ASCII form in lower case.
    """
    try:
        parsed = _parse(email)
    except EmailNotValidError:
        return fold(email)
    return f"{fold(email.rpartition('@')[0])}@{parsed.ascii_domain}"


def fold(text: str) -> str:
    """Compatibility caseless form, for comparing and searching; applied twice it changes nothing more."""
    folded = _fold_once(text)
    while folded != text:
        text, folded = folded, _fold_once(folded)
    return folded


def _fold_once(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text.casefold()).casefold())
    return unicodedata.normalize("NFKC", _DOTTED_I.sub("i", decomposed))


def _parse(text: str) -> ValidatedEmail:
    if _INVISIBLE.search(text):
        raise EmailNotValidError("The email address contains invisible characters.")
    # `test_environment` admits `.test`. There is no option for `.local`, so it is shown as `.test`.
    shown = _LOCAL_DOMAIN.sub(".test", text)
    # `strict` holds the local part to 64 characters (RFC 5321 4.5.3.1.1).
    parsed = validate_email(shown, check_deliverability=False, test_environment=True, strict=True)
    if "." not in parsed.ascii_domain:
        raise EmailNotValidError("The part after the @-sign is not valid. It should have a period.")
    if shown != text:
        parsed.ascii_domain = parsed.ascii_domain.removesuffix("test") + "local"
    return parsed
