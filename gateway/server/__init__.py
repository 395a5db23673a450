"""Processes and sockets: the HTTP protocol, workers, the management listener, drain."""
