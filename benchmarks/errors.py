"""What can be wrong with a measurement."""


class Missing(Exception):
    """A program or feature is not to be had on this machine; the text says which and why."""


class Unfit(Exception):
    """A server does not do what it is to be measured at."""
