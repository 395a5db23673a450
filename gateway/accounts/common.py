"""The common passwords that nobody may choose: `common.txt`, one a line, lower case."""

from importlib.resources import files


def common_passwords() -> frozenset[str]:
    """About 3,000, as ASVS 5.0 6.2.4 asks; compare case-folded."""
    text = files("gateway.accounts").joinpath("common.txt").read_text("utf-8")
    return frozenset(text.split())
