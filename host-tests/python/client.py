"""Python's websockets as a client, with its default settings: `client.py URL EXTENSION`, with the one that
is to be agreed on, or an empty text. Whatever it doesn't get back is an error, and an exit status."""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

LARGE = 16 * 1024 * 1024


def equal(got, wanted):
    if got != wanted:
        raise SystemExit(f"{short(got)} instead of {short(wanted)}")


def short(value):
    text = repr(value)
    return text if len(text) < 200 else f"{len(value)} of {type(value).__name__}"


def open_connection():
    return connect(
        sys.argv[1],
        subprotocols=["other", "echo"],
        additional_headers={"X-Test": "carried"},
        max_size=LARGE,
        proxy=None,
    )


def check_handshake(socket):
    equal(socket.subprotocol, "echo")
    equal(socket.response.headers["X-Server"], "carried back")
    extensions = socket.response.headers.get("Sec-WebSocket-Extensions", "")
    equal(extensions.partition(";")[0], sys.argv[2])


async def end(socket):
    try:
        await socket.recv()
    except ConnectionClosed:
        return socket.close_code, socket.close_reason
    raise SystemExit("a message came instead of the end")


async def exchange_messages(socket):
    messages = ["", "a", "Grüße 🌍", "x" * LARGE, b"", b"\x09", b"all by\x00\xff" * (LARGE // 8)]
    for message in messages:
        await socket.send(message)
        equal(await socket.recv(), message)

    # All at once: their order stays.
    async def send_all():
        for message in messages:
            await socket.send(message)

    sending = asyncio.create_task(send_all())
    for message in messages:
        equal(await socket.recv(), message)
    await sending

    # An iterable is sent as fragments.
    await socket.send(["fragments ", "", "ü"])
    equal(await socket.recv(), "fragments ü")
    await (await socket.ping(b"are you there"))
    await socket.send("ping me")
    equal(await socket.recv(), "pong from the server")


async def main():
    async with open_connection() as socket:
        check_handshake(socket)
        await exchange_messages(socket)
        await socket.close(4001, "the client has had enough")
        equal(socket.close_code, 4001)
    async with open_connection() as socket:
        check_handshake(socket)
        await socket.send("close me")
        equal(await end(socket), (4002, "the server has had enough"))


asyncio.run(main())
