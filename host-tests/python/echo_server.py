"""Python's websockets as an upstream, with its default settings: it sends everything back, and tells
what it saw in a line of JSON each. `echo_server.py [CERTIFICATE KEY]`: with TLS if they are given."""

import asyncio
import json
import ssl
import sys

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

LARGE = 16 * 1024 * 1024


def tell(**what):
    print(json.dumps(what, separators=(",", ":")), flush=True)


def add_header(_connection, _request, response):
    response.headers["X-Server"] = "carried back"


async def echo(socket):
    request, response = socket.request, socket.response
    tell(
        opened=request.path,
        header=request.headers.get("X-Test"),
        protocol=socket.subprotocol,
        extensions=response.headers.get("Sec-WebSocket-Extensions", ""),
    )
    try:
        async for message in socket:
            if message == "ping me":
                await (await socket.ping(b"from the server"))
                await socket.send("pong from the server")
            elif message == "close me":
                await socket.close(4002, "the server has had enough")
            else:
                await socket.send(message)
    except ConnectionClosed:
        pass
    tell(closed=socket.close_code, reason=socket.close_reason)


async def main():
    settings = {"subprotocols": ["echo"], "max_size": LARGE, "process_response": add_header}
    if len(sys.argv) > 2:
        settings["ssl"] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        settings["ssl"].load_cert_chain(*sys.argv[1:3])
    async with serve(echo, "127.0.0.1", 0, **settings) as server:
        port = server.sockets[0].getsockname()[1]
        print(f"listening on 127.0.0.1:{port}", flush=True)
        await server.serve_forever()


asyncio.run(main())
