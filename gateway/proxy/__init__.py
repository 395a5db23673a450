"""The way to the upstreams: targets, headers, bodies, connections."""
