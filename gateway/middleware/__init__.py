"""The pure-ASGI layers of the pipeline, one class a file; `gateway.app` lists them in order."""
