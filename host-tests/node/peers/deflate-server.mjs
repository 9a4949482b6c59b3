// npm's ws as servers that send everything back and agree to permessage-deflate: `deflate-server.mjs
// PARAMETERS`, a list of what to agree to, by the names of RFC 7692. A server and a line for each.

import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import { options } from './deflate-options.mjs';

for (const parameters of JSON.parse(process.argv[2])) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: options(parameters) });
  server.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on('error', (error) => { throw error; });
  });
  await once(server, 'listening');
  console.log(`listening on 127.0.0.1:${server.address().port}`);
}
