// An echo server on the package or on npm's ws: `echo-server.mjs websocket-component` or `echo-server.mjs ws`, followed
// by `deflate` to compress every message.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { WebSocketServer as WsServer } from 'ws';
import { WebSocketServer } from 'websocket-component/node';

const [, , name, deflate] = process.argv;
const [Server, whole] = {
  'websocket-component': [WebSocketServer, { minLength: 0 }],
  ws: [WsServer, { threshold: 0 }],
}[name];

const server = new Server({ host: '127.0.0.1', port: 0, perMessageDeflate: deflate === 'deflate' && whole });
server.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
await once(server, 'listening');
const { address, port } = server.address();
const { version } = JSON.parse(await readFile(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8'));
console.log(`listening on ${address}:${port}`);
console.log(`version ${version}`);
