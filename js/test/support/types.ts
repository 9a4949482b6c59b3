// How a program in Node is typed.

import { createServer } from 'node:http';
import { createConnection } from 'node:net';
import { WebSocketSession } from 'websocket-component';
import { WebSocket, WebSocketServer, connect } from 'websocket-component/node';

const server = new WebSocketServer({ server: createServer(), perMessageDeflate: { level: 3 }, maxPayload: 1 << 20 });
server.on('connection', (connection, request) => {
  connection.on('message', (data, isBinary) => connection.send(data, { binary: isBinary satisfies boolean }));
  connection.on('close', (code, reason) => console.log(code satisfies number, reason.toString('utf8'), request.url));
  // @ts-expect-error There is no such event.
  connection.on('nothing', () => {});
});

const session: WebSocketSession = await connect('ws://127.0.0.1/', { tls: { rejectUnauthorized: true }, deflate: true });
await WebSocketSession.connect(createConnection(80), { url: 'ws://127.0.0.1/' });
const socket = new WebSocket('ws://127.0.0.1/');
socket.onopen = () => socket.close(session.protocol.length);
