// Connections for tests: over a port, over streams, over sockets; all closed with the test.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Duplex, PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import * as npm from 'ws';
import { WebSocketSession } from 'websocket-component';
import { WebSocketServer } from 'websocket-component/node';

export const url = 'ws://example.com/chat';

/** Two ends of a Node stream. */
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

/** A client's request, as bytes. */
export const opening = Buffer.from([
  'GET / HTTP/1.1', 'Host: a', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', '',
].join('\r\n'));

/** A server's response that accepts the request with this head, as bytes; `more` are fields after the usual ones. */
export function responseTo(head, line = 'HTTP/1.1 101 x', more = []) {
  const [, key] = /Sec-WebSocket-Key: (.*)\r/.exec(String(head));
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const fields = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`, ...more];
  return Buffer.from([line, ...fields, '', ''].join('\r\n'));
}

/** A frame as a client sends it, with the mask key 0. */
export const frame = (first, payload = '') => Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0, ...Buffer.from(payload)]);

/** A duplex whose other side the test plays: it keeps what is written, and notes how it is ended. */
export function manual() {
  const output = [];
  const duplex = {
    listener: undefined,
    isFull: false,
    isPaused: false,
    /** `end` and `destroy`, as they were called. */
    calls: [],
    written: () => Buffer.concat(output),
    /** How often something was written. */
    writes: () => output.length,
    writableLength: 0,
    start: (listener) => Object.assign(duplex, { listener }),
    write: (bytes) => {
      output.push(bytes.slice());
      return !duplex.isFull;
    },
    pause: () => Object.assign(duplex, { isPaused: true }),
    resume: () => Object.assign(duplex, { isPaused: false }),
    end: () => duplex.calls.push('end'),
    destroy: () => duplex.calls.push('destroy'),
    /** A server that is open, and has written nothing but its response. */
    accept: async (options) => {
      const accepting = WebSocketSession.accept(duplex, options);
      while (!duplex.listener) await sleep(1);
      duplex.listener.data(opening);
      const session = await accepting;
      output.length = 0;
      return session;
    },
    /** A client that is open. */
    connect: async (options) => {
      const connecting = WebSocketSession.connect(duplex, { url, ...options });
      while (output.length === 0) await sleep(1);
      duplex.listener.data(responseTo(duplex.written()));
      const session = await connecting;
      output.length = 0;
      return session;
    },
  };
  return duplex;
}

/** A client and a server that are open. */
export function pair({ ends = ports(), client = {}, server = {} } = {}) {
  return Promise.all([
    WebSocketSession.connect(ends[0], { url, ...client }),
    WebSocketSession.accept(ends[1], server),
  ]);
}

/** The next messages, as many as `count`. */
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

/** The project's server on a free port, closed with the test. */
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

/** npm ws's server on a free port. */
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

/** npm ws's client, closed with the test. */
export function wsClient(test, to, protocols = [], options = {}) {
  const client = new npm.WebSocket(to, protocols, options).on('error', () => {});
  test.after(() => client.terminate());
  return client;
}

/** Echoes. */
export function echo(socket) {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
}

/** An HTTP server on a free port, closed with the test. */
export async function http(test, answer = (_, response) => response.end('a page')) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: server.address().port };
}
