"""Requests over many kept connections at once, and how long each took. Written on plain sockets: a client library costs more than a server."""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """`rate` in requests a second; times in milliseconds."""

    rate: float
    p50: float
    p95: float
    p99: float


def load(port: int, request_of: Callable[[int], bytes], count: int, expected: int, connections: int = 32) -> Load:
    """`request_of`: the bytes of the n-th request. Raises when an answer has another status than `expected`."""
    return asyncio.run(_load(port, request_of, count, expected, connections))


async def _load(port: int, request_of: Callable[[int], bytes], count: int, expected: int, connections: int) -> Load:
    numbers = iter(range(count))
    times: list[float] = []
    start = time.perf_counter()
    await asyncio.gather(*(_one(port, request_of, numbers, expected, times) for _ in range(connections)))
    took = time.perf_counter() - start
    cuts = statistics.quantiles(times, n=100)
    return Load(count / took, cuts[49] * 1000, cuts[94] * 1000, cuts[98] * 1000)


async def _one(port: int, request_of: Callable[[int], bytes], numbers: Iterator[int], expected: int, times: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for n in numbers:  # shared: each takes the next one
        start = time.perf_counter()
        writer.write(request_of(n))
        status, body = await _answer(reader)
        times.append(time.perf_counter() - start)
        if status != expected:
            raise SystemExit(f"status {status}: {body[:2000]!r}")
    writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines[1:] if b": " in line)
    body = b""
    if headers.get(b"transfer-encoding") == b"chunked":
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size + 2)
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get(b"content-length", 0)))
    return int(lines[0].split(b" ")[1]), body


def post(path: str, body: bytes, kind: str, headers: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
