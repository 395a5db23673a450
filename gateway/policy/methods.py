"""Which methods a route without `methods:` takes, and which no route may take."""

COMMON_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
"""What the `Allow` of a route without `methods:` names."""

# The rest of the IANA HTTP method registry but CONNECT, TRACE and PRI; and PURGE, which caches brought in.
_UNCOMMON_METHODS = """
    ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL
    MKREDIRECTREF MKWORKSPACE MOVE ORDERPATCH PROPFIND PROPPATCH PURGE QUERY REBIND REPORT SEARCH UNBIND
    UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL
"""

OPEN_METHODS = frozenset(COMMON_METHODS) | frozenset(_UNCOMMON_METHODS.split())
"""What "all methods" means. A verb that nobody registered (`FOO`, `get`) has to be listed to be routed:
upstreams that fold case or fall back to GET would answer it under a policy nobody wrote for it."""

NEVER_ROUTED = frozenset({"CONNECT", "TRACE"})
"""CONNECT asks for a tunnel and TRACE echoes credentials (RFC 9110 9.3.6, 9.3.8)."""
