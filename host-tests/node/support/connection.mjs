// A session on a Node socket: the whole of what a host does.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { BINARY, TEXT, entropy, exchange, plainAcceptance, request, text } from './drive.mjs';

const nothing = new Uint8Array();
const now = () => process.hrtime.bigint();

/** A connection that a session speaks on. `onEvent` gets each event that it yields. */
export class Connection {
  #session;
  #socket;
  #onEvent;
  #unread = nothing;
  #close;
  #timer;

  constructor(session, socket, onEvent) {
    this.#session = session;
    this.#socket = socket;
    this.#onEvent = onEvent;
    /** How it ended: the peer's code and reason, and the rule that was broken, if one was. */
    this.ended = once(socket, 'close').then(() => this.#end());
    socket.setNoDelay(true);
    socket.on('data', (data) => this.#exchange(data));
    socket.on('end', () => {
      session.endOfInput(now());
      this.#exchange(nothing);
    });
    this.#exchange(nothing);
  }

  send(...messages) {
    this.#exchange(nothing, messages);
  }

  /** Answers the request, and takes what came after it. */
  accept(acceptance) {
    this.#session.accept(acceptance, now());
    this.#exchange(nothing);
  }

  /** Ends it at once, so that nothing is left of a test that failed. */
  destroy() {
    this.#socket.destroy();
  }

  request() {
    return this.#session.request();
  }

  negotiated() {
    return this.#session.negotiated();
  }

  #exchange(data, messages = []) {
    const input = this.#unread.length ? Buffer.concat([this.#unread, data]) : data;
    const result = exchange(this.#session, input, messages, now());
    if (result.refused) throw new Error(result.refused.description);
    this.#unread = result.rest;
    if (result.output.length) this.#socket.write(result.output);
    // A client that has closed cleanly waits for the server to end first.
    const isClean = this.#session.outcome()?.clean;
    if (result.state === 'closed' || (result.state === 'draining' && !isClean)) this.#socket.end();
    this.#wake(result.nextDeadline);
    for (const event of result.events) {
      if (event.tag === 'close') this.#close = { code: event.val, reason: text(event.data) };
      this.#onEvent(event, this);
    }
  }

  #wake(deadline) {
    clearTimeout(this.#timer);
    if (deadline === undefined) return;
    const milliseconds = Math.max(0, Math.ceil(Number(deadline - now()) / 1e6));
    this.#timer = setTimeout(() => this.#exchange(nothing), milliseconds);
  }

  #end() {
    clearTimeout(this.#timer);
    const rule = this.#session.failure()?.rule;
    this.#session[Symbol.dispose]();
    return { ...this.#close, rule };
  }
}

/** A server on a port of its own that sends everything back, for as long as the test runs. */
export async function echoServer(test, { WebsocketSession, SessionOptions, chooseSubprotocol }) {
  const options = new SessionOptions();
  const connections = [];
  const server = createServer((socket) => {
    connections.push(new Connection(WebsocketSession.server(options, now()), socket, ({ tag, data }, connection) => {
      if (tag === 'request') {
        const subprotocol = chooseSubprotocol(connection.request().headers, ['echo']);
        connection.accept({ ...plainAcceptance, subprotocol });
      } else if (tag === 'text' || tag === 'binary') {
        connection.send({ kind: tag === 'text' ? TEXT : BINARY, data });
      }
    }));
  });
  server.listen(0, '127.0.0.1');
  test.after(() => {
    server.close();
    connections.forEach((connection) => connection.destroy());
  });
  await once(server, 'listening');
  return { connections, port: server.address().port };
}

/** A client that is connected to the port on this machine. */
export async function dial(test, { WebsocketSession, SessionOptions }, port, onEvent, more = {}) {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const session = WebsocketSession.client(new SessionOptions(), entropy(), now());
  session.connect(request({ authority: `127.0.0.1:${port}`, ...more }), now());
  const connection = new Connection(session, socket, onEvent);
  test.after(() => connection.destroy());
  return connection;
}
