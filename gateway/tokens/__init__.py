"""Tokens of our own: key ring, strict parsing, issuing, verifying. The only place that imports `jwt`."""
