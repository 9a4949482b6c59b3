// A server, two clients over TCP, and a pair over a port.

import { WebSocketSession, WebSocket as OverTransport } from 'websocket-component';
import { WebSocket, WebSocketServer, connect } from 'websocket-component/node';
import type { AddressInfo } from 'node:net';

const begin = performance.now();
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
server.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
await new Promise<void>((resolve) => server.on('listening', resolve));
const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;

const session = await connect(url, { deflate: true });
await session.send('hello '.repeat(100));
for await (const message of session) {
  console.log('session:', typeof message === 'string' && message.length);
  break;
}
console.log('first message after', Math.round(performance.now() - begin), 'ms');
await session.close();

const socket = new WebSocket(url);
await new Promise((resolve) => (socket.onopen = resolve));
const heard = new Promise<string | ArrayBuffer | Blob>((resolve) => (socket.onmessage = ({ data }) => resolve(data)));
socket.send('greetings');
console.log('WebSocket:', await heard);
const closed = new Promise<number>((resolve) => (socket.onclose = ({ code }) => resolve(code)));
socket.close(3000, 'bye');
console.log('closed:', await closed);

const { port1, port2 } = new MessageChannel();
const [client, peer] = await Promise.all([
  WebSocketSession.connect(port1 as MessagePort, { url: 'ws://example.com/' }),
  WebSocketSession.accept(port2 as MessagePort),
]);
await client.send(new Uint8Array([1, 2, 3]));
for await (const message of peer) {
  console.log(`over a port: ${String(message)}`);
  break;
}
await client.close();
console.log('constants:', OverTransport.OPEN, WebSocket.CLOSED);
server.close(() => process.exit());
