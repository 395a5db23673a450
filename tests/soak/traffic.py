"""What a soaked gateway is asked, all at once: each kind of caller repeats its visit until time is up."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
from websockets.asyncio.client import connect

Visit = Callable[[], Awaitable[None]]


class Traffic:
    """`unexpected` counts answers that nobody asked for, by caller; `visits` what was done."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.port = int(url.rpartition(":")[2])
        self.bearer = {"Authorization": f"Bearer {token}"}
        self.visits: Counter[str] = Counter()
        self.unexpected: Counter[str] = Counter()
        self.client = httpx2.AsyncClient(base_url=url, trust_env=False, timeout=20)

    async def run(self, seconds: float) -> None:
        """All kinds of callers, four of the commonest."""
        callers: list[tuple[str, Visit]] = [
            *[("json", self.json)] * 4,
            ("upload", self.upload),
            ("denied", self.denied),
            ("departure", self.departure),
            ("events", self.events),
            ("websocket", self.websocket),
            ("session", self.session),
        ]
        deadline = asyncio.get_running_loop().time() + seconds
        async with asyncio.TaskGroup() as group:
            for name, visit in callers:
                group.create_task(self._repeat(name, visit, deadline))

    async def close(self) -> None:
        await self.client.aclose()

    async def _repeat(self, name: str, visit: Visit, deadline: float) -> None:
        while asyncio.get_running_loop().time() < deadline:
            await visit()
            self.visits[name] += 1

    def _expect(self, name: str, answer: httpx2.Response, status: int) -> None:
        if answer.status_code != status:
            self.unexpected[f"{name} {answer.status_code}"] += 1

    async def json(self) -> None:
        self._expect("json", await self.client.get("/any/json", headers=self.bearer), 200)

    async def upload(self) -> None:
        async def pieces() -> Any:
            for _ in range(16):
                yield b"x" * 16384

        answer = await self.client.post("/public/upload", content=pieces())
        self._expect("upload", answer, 200)
        if answer.text != "262144":
            self.unexpected["upload cut short"] += 1

    async def denied(self) -> None:
        self._expect("no token", await self.client.get("/any/json"), 401)
        self._expect("bad token", await self.client.get("/any/json", headers={"Authorization": "Bearer a.b.c"}), 401)
        self._expect("no role", await self.client.get("/admin/json", headers=self.bearer), 403)
        self._expect("dots", await self.client.get("/public/%2e%2e/admin"), 400)
        self._expect("nowhere", await self.client.get("/nowhere"), 404)

    async def departure(self) -> None:
        """Ask for something slow, and leave before it comes."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /public/slow HTTP/1.1\r\nHost: gw\r\n\r\n")
        await asyncio.sleep(0.02)
        writer.transport.abort()

    async def events(self) -> None:
        async with self.client.stream("GET", "/any/events", headers=self.bearer) as answer:
            self._expect("events", answer, 200)
            lines = 0
            async for line in answer.aiter_lines():
                lines += line.startswith("data: ")
                if lines == 10:
                    break

    async def websocket(self) -> None:
        async with connect(f"ws://127.0.0.1:{self.port}/ws/echo", additional_headers=self.bearer) as socket:
            for number in range(5):
                await socket.send(f"{number}" * 500)
                if await socket.recv() != f"{number}" * 500:
                    self.unexpected["websocket"] += 1

    async def session(self) -> None:
        """A whole life: login, three refreshes, logout, and the dead token refused."""
        credentials = {"email": "soak@example.com", "password": "password123"}
        answer = await self.client.post("/auth/login", json=credentials)
        self._expect("login", answer, 200)
        with contextlib.suppress(KeyError):
            body = answer.json()["body"]
            for _ in range(3):
                answer = await self.client.post("/auth/refresh", json={"refresh_token": body["refresh_token"]})
                self._expect("refresh", answer, 200)
                body = answer.json()["body"]
            answer = await self.client.post("/auth/logout", json={"refresh_token": body["refresh_token"]})
            self._expect("logout", answer, 200)
            answer = await self.client.post("/auth/refresh", json={"refresh_token": body["refresh_token"]})
            self._expect("ended", answer, 401)
