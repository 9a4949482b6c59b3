// Connections for tests: over a port, over streams, over sockets; all gone when the test is over.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { Duplex, PassThrough } from 'node:stream';
import * as npm from 'ws';
import { WebSocketSession } from 'websocket-component';
import { WebSocketServer } from 'websocket-component/node';

export const url = 'ws://example.com/chat';

/** Two ends of a stream of Node's. */
export function streams() {
  const [there, back] = [new PassThrough(), new PassThrough()];
  return [Duplex.from({ readable: back, writable: there }), Duplex.from({ readable: there, writable: back })];
}

/** Two ends of WHATWG streams. */
export function webStreams() {
  const [there, back] = [new TransformStream(), new TransformStream()];
  return [{ readable: back.readable, writable: there.writable }, { readable: there.readable, writable: back.writable }];
}

/** Two ends of a message channel. */
export function ports() {
  const { port1, port2 } = new MessageChannel();
  return [port1, port2];
}

/** A client and a server that are open. */
export function pair({ ends = ports(), client = {}, server = {} } = {}) {
  return Promise.all([
    WebSocketSession.connect(ends[0], { url, ...client }),
    WebSocketSession.accept(ends[1], server),
  ]);
}

/** So many messages. */
export async function take(session, count) {
  const messages = [];
  for await (const message of session) {
    messages.push(message);
    if (messages.length === count) break;
  }
  return messages;
}

/** All of them, to the end. */
export async function all(session) {
  const messages = [];
  for await (const message of session) messages.push(message);
  return messages;
}

/** The project's server on a port of its own, which closes with the test. */
export async function serve(test, options = {}, connected = echo) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  server.on('connection', connected);
  await once(server, 'listening');
  test.after(() => {
    for (const client of server.clients ?? []) client.terminate();
    server.close();
  });
  return { server, url: `ws://127.0.0.1:${server.address().port}/chat` };
}

/** npm ws's server on a port of its own. */
export async function serveWs(test, options = {}, connected = echo) {
  const server = new npm.WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  server.on('connection', connected);
  await once(server, 'listening');
  test.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return { server, url: `ws://127.0.0.1:${server.address().port}/chat` };
}

/** npm ws's client, gone with the test. */
export function wsClient(test, to, protocols = [], options = {}) {
  const client = new npm.WebSocket(to, protocols, options).on('error', () => {});
  test.after(() => client.terminate());
  return client;
}

/** Sends back what comes. */
export function echo(socket) {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
}

/** An HTTP server on a port of its own, gone with the test. */
export async function http(test, answer = (_, response) => response.end('a page')) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: server.address().port };
}
