"""Header fields set on an answer that something further in makes."""

from collections.abc import Collection

from gateway.asgi import Message, Send

Fields = list[tuple[bytes, bytes]]


def setting_fields(send: Send, fields: Fields, replaces: Collection[bytes]) -> Send:
    """A `send` that adds `fields` to the head of the answer and drops what it has of `replaces` (lower case)."""

    async def setting(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [field for field in message.get("headers", ()) if field[0].lower() not in replaces]
            message = {**message, "headers": [*kept, *fields]}
        await send(message)

    return setting
