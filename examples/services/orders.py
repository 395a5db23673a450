"""Orders, kept in memory: shows what is left to do in a service that stands behind the gateway.

    python -m examples.services.orders --port 8000

There is no login, no token and no role check in here. The gateway has deleted every `X-User-*` header that
the caller sent and set its own, so the headers can be believed as long as only the gateway reaches this port.
"""

from collections import defaultdict
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


class Orders:
    """The orders of each user, oldest first."""

    def __init__(self) -> None:
        self._by_user: defaultdict[str, list[dict[str, object]]] = defaultdict(list)

    def of(self, user_id: str) -> list[dict[str, object]]:
        return list(self._by_user.get(user_id, ()))

    def add(self, user_id: str, item: str, quantity: int) -> dict[str, object]:
        orders = self._by_user[user_id]
        order: dict[str, object] = {"number": len(orders) + 1, "item": item, "quantity": quantity}
        orders.append(order)
        return order

    def totals(self) -> dict[str, int]:
        return {"users": len(self._by_user), "orders": sum(map(len, self._by_user.values()))}


def caller_name(request: Request) -> str:
    """The display name travels percent-encoded, because header values are ASCII."""
    return unquote(request.headers.get("x-user-display-name", ""))


async def own(request: Request) -> JSONResponse:
    """The caller's own orders, whoever that is."""
    orders: Orders = request.app.state.orders
    user_id = request.headers["x-user-id"]
    return JSONResponse({"customer": caller_name(request), "orders": orders.of(user_id)})


async def create(request: Request) -> JSONResponse:
    """`{"item": "tea", "quantity": 2}`; 422 when it has another shape."""
    orders: Orders = request.app.state.orders
    try:
        wanted = await request.json()
        item, quantity = str(wanted["item"]), int(wanted.get("quantity", 1))
    except (ValueError, TypeError, KeyError, AttributeError):
        return JSONResponse({"error": 'send {"item": "tea", "quantity": 2}'}, status_code=422)
    return JSONResponse(orders.add(request.headers["x-user-id"], item, quantity), status_code=201)


async def of_user(request: Request) -> JSONResponse:
    """One user's orders. Who may see them (that user, or an admin) is the gateway's business."""
    orders: Orders = request.app.state.orders
    user_id = request.path_params["user_id"]
    return JSONResponse({"user_id": user_id, "orders": orders.of(user_id)})


async def report(request: Request) -> JSONResponse:
    """Totals for the admin that the gateway let through."""
    orders: Orders = request.app.state.orders
    return JSONResponse({"for": request.headers["x-user-email"], **orders.totals()})


async def health(_: Request) -> JSONResponse:
    """Answers as long as the process serves."""
    return JSONResponse({"status": "ok"})


app = Starlette(
    routes=[
        Route("/orders", own, methods=["GET"]),
        Route("/orders", create, methods=["POST"]),
        Route("/orders/admin/report", report),
        Route("/orders/{user_id}", of_user),
        Route("/health", health),
    ]
)
app.state.orders = Orders()

if __name__ == "__main__":
    from examples.services.run import run

    run(app)
