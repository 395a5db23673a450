"""The `/auth` endpoints and the authenticator: accounts, tokens and sessions brought together."""
