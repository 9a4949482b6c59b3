"""Python's websockets as a client that offers permessage-deflate: `deflate_client.py URL PARAMETERS
LONGEST`. PARAMETERS is a list of what to offer, by the names of RFC 7692, a connection for each; LONGEST
is the length of the longest message. Whatever it doesn't get back is an error, and an exit status."""

import asyncio
import json
import random
import sys

from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

WORDS = "Whoever reads this reads it again, and whoever reads it again knows it. "
LENGTHS = [0, 1, 125, 126, 1000, 4096, 65_535, 65_536, 1 << 20, 16 << 20]


def messages(longest):
    for length in LENGTHS:
        if length <= longest:
            yield (WORDS * (length // len(WORDS) + 1))[:length]
            yield random.randbytes(length)


async def echo(url, offer, longest):
    deflate = ClientPerMessageDeflateFactory(**offer)
    settings = {"extensions": [deflate], "max_size": None, "proxy": None}
    async with connect(url, **settings) as socket:
        agreed = socket.response.headers.get("Sec-WebSocket-Extensions", "")
        if not agreed.startswith("permessage-deflate"):
            raise SystemExit(f"{agreed!r} was agreed on for {offer}")
        for message in messages(longest):
            await socket.send(message)
            if await socket.recv() != message:
                raise SystemExit(f"{len(message)} came back otherwise, with {offer}")
        # An iterable is sent as fragments.
        fragments = ["Whoever reads this ", "reads it again, ", "", "and again."]
        await socket.send(fragments)
        if await socket.recv() != "".join(fragments):
            raise SystemExit(f"fragments came back otherwise, with {offer}")


async def main():
    url, offers, longest = sys.argv[1:]
    for offer in json.loads(offers):
        await echo(url, offer, int(longest))


asyncio.run(main())
