// A session on a Node socket: the whole of what a host does.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { entropy, exchange, plainAcceptance, request, text } from './drive.mjs';

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
    socket.on('data', (data) => this.#turn(data));
    socket.on('end', () => {
      session.endOfInput(now());
      this.#turn(nothing);
    });
    this.#turn(nothing);
  }

  send(...messages) {
    this.#turn(nothing, messages);
  }

  /** Answers the request, and takes what came after it. */
  accept(acceptance) {
    this.#session.accept(acceptance, now());
    this.#turn(nothing);
  }

  /** Ends it without a word, so that nothing is left of a test that failed. */
  destroy() {
    this.#socket.destroy();
  }

  request() {
    return this.#session.request();
  }

  negotiated() {
    return this.#session.getNegotiated();
  }

  #turn(data, messages = []) {
    const input = this.#unread.length ? Buffer.concat([this.#unread, data]) : data;
    const turn = exchange(this.#session, input, messages, now());
    if (turn.refused) throw new Error(turn.refused.description);
    this.#unread = turn.rest;
    if (turn.output.length) this.#socket.write(turn.output);
    if (turn.state === 'closed') this.#socket.end();
    this.#wake(turn.nextDeadline);
    for (const event of turn.events) {
      if (event.kind === 'close') this.#close = { code: Number(event.detail), reason: text(event.data) };
      this.#onEvent(event, this);
    }
  }

  #wake(deadline) {
    clearTimeout(this.#timer);
    if (deadline === undefined) return;
    const milliseconds = Math.max(0, Math.ceil(Number(deadline - now()) / 1e6));
    this.#timer = setTimeout(() => this.#turn(nothing), milliseconds);
  }

  #end() {
    clearTimeout(this.#timer);
    const rule = this.#session.getFailure()?.rule;
    this.#session[Symbol.dispose]();
    return { ...this.#close, rule };
  }
}

/** A server on a port of its own that sends everything back, for as long as the test runs. */
export async function echoServer(test, { WebsocketSession, defaultConfig, chooseSubprotocol }) {
  const connections = [];
  const server = createServer((socket) => {
    connections.push(new Connection(WebsocketSession.server(defaultConfig(), now()), socket, (event, connection) => {
      const { kind } = event;
      if (kind === 'request') {
        const subprotocol = chooseSubprotocol(connection.request().headers, ['echo']);
        connection.accept({ ...plainAcceptance, subprotocol });
      } else if (kind === 'text' || kind === 'binary') {
        connection.send(event);
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
export async function dial(test, { WebsocketSession, defaultConfig }, port, onEvent, more = {}) {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const session = WebsocketSession.client(defaultConfig(), entropy(), now());
  session.connect(request({ authority: `127.0.0.1:${port}`, ...more }), now());
  const connection = new Connection(session, socket, onEvent);
  test.after(() => connection.destroy());
  return connection;
}
