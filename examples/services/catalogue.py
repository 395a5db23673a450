"""A public catalogue: it neither knows nor asks who is calling.

python -m examples.services.catalogue --port 8000
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

ITEMS = (
    {"item": "tea", "price": 4.5},
    {"item": "coffee", "price": 6.0},
    {"item": "cocoa", "price": 5.25},
)


async def catalogue(_: Request) -> JSONResponse:
    """All items on sale."""
    return JSONResponse({"items": ITEMS})


async def item(request: Request) -> JSONResponse:
    """One item by its name; 404 when there is none."""
    name = request.path_params["item"]
    for entry in ITEMS:
        if entry["item"] == name:
            return JSONResponse(entry)
    return JSONResponse({"error": f"no item called {name}"}, status_code=404)


async def health(_: Request) -> JSONResponse:
    """Answers as long as the process serves."""
    return JSONResponse({"status": "ok"})


app = Starlette(
    routes=[
        Route("/catalogue", catalogue),
        Route("/catalogue/{item}", item),
        Route("/health", health),
    ]
)

if __name__ == "__main__":
    from examples.services.run import run

    run(app)
