"""Python's websockets as servers that send everything back and agree to permessage-deflate:
`deflate_server.py PARAMETERS`, a list of what to agree to, by the names of RFC 7692. A server and a line
for each."""

import asyncio
import json
import sys

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory


async def echo(socket):
    try:
        async for message in socket:
            await socket.send(message)
    except ConnectionClosed:
        pass


async def main():
    for parameters in json.loads(sys.argv[1]):
        deflate = ServerPerMessageDeflateFactory(**parameters)
        server = await serve(echo, "127.0.0.1", 0, extensions=[deflate], max_size=None)
        port = server.sockets[0].getsockname()[1]
        print(f"listening on 127.0.0.1:{port}", flush=True)
    await asyncio.get_running_loop().create_future()


asyncio.run(main())
