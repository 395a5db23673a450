"""Gateway: enforces authentication and authorisation in front of other services."""

__version__ = "0.1.0"
