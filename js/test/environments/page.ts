// In a browser, over a port: the page's title has the echo.

import { WebSocket, WebSocketSession } from 'websocket-component';

const begin = performance.now();
const { port1, port2 } = new MessageChannel();
const accepting = WebSocketSession.accept(port2);
const socket = new WebSocket('ws://example.com/', [], { transport: port1 });
socket.onopen = () => socket.send('hello');
socket.onerror = ({ error }) => (document.title = String(error));
socket.onmessage = ({ data }) => {
  document.title = `${String(data)} ${Math.round(performance.now() - begin)} ms`;
};
for await (const message of await accepting) await (await accepting).send(message);
