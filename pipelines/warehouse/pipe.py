"""What passes between the two processes of the centre: a line of JSON, then so many bytes of Arrow."""

import io
import json
from typing import IO, Any

import polars as pl


class PipeClosed(Exception):
    """The other process has ended."""


def send(stream: IO[bytes], message: dict[str, Any], frame: pl.DataFrame | None = None) -> None:
    """Writes one message and, with it, a frame as an Arrow stream."""
    body: bytes | memoryview = b""
    if frame is not None:
        buffer = io.BytesIO()
        frame.write_ipc_stream(buffer)
        body = buffer.getbuffer()
    try:
        stream.write(json.dumps({**message, "bytes": len(body)}).encode() + b"\n")
        stream.write(body)
        stream.flush()
    except BrokenPipeError:
        raise PipeClosed from None


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], pl.DataFrame | None]:
    """The next message and its frame. Raises PipeClosed at the end of the stream."""
    line = stream.readline()
    if not line:
        raise PipeClosed
    message = json.loads(line)
    length = message.pop("bytes")
    body = stream.read(length)
    if len(body) != length:
        raise PipeClosed
    return message, pl.read_ipc_stream(body) if length else None
