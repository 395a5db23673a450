"""Policy: one reading of every request, the route that reading selects, and the verdict. Pure, no I/O.

`target` and `host` read what the client sent, `patterns` and `route` hold what the configuration says,
`table` finds the route, `access` and `roles` say what the route asks, `decide` gives the verdict, and
`analysis` judges the routes themselves.
"""
