// npm's ws as an upstream, with its default settings: it sends everything back, and tells what it
// saw in a line of JSON each. `echo-server.mjs [CERTIFICATE KEY]`: with TLS if they are given.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { WebSocketServer } from 'ws';

const tell = (what) => console.log(JSON.stringify(what));

const [cert, key] = process.argv.slice(2).map((path) => readFileSync(path));
const http = cert ? createSecureServer({ cert, key }) : createServer();
http.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${http.address().port}`));

const server = new WebSocketServer({
  server: http,
  perMessageDeflate: true,
  handleProtocols: (offered) => (offered.has('echo') ? 'echo' : false),
});
server.on('headers', (headers) => headers.push('X-Server: carried back'));
server.on('connection', (socket, request) => {
  tell({ opened: request.url, header: request.headers['x-test'], protocol: socket.protocol, extensions: socket.extensions });
  socket.on('message', (data, isBinary) => {
    const text = isBinary ? '' : data.toString();
    if (text === 'ping me') socket.ping('from the server');
    else if (text === 'close me') socket.close(4002, 'the server has had enough');
    else socket.send(data, { binary: isBinary });
  });
  socket.on('pong', (data) => socket.send(`pong ${data}`));
  socket.on('close', (code, reason) => tell({ closed: code, reason: reason.toString() }));
  socket.on('error', ({ message }) => tell({ error: message }));
});
