// Inspected connections for tests: between sides that the test plays, between sessions, over sockets.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'websocket-component';
import { frame, manual, pair, ports } from './connections.mjs';

/** A frame as a server sends it, of up to 65535 bytes. */
export function plain(first, payload = '') {
  const bytes = Buffer.from(payload);
  const header = bytes.length < 126 ? [first, bytes.length] : [first, 126, bytes.length >> 8, bytes.length & 255];
  return Buffer.concat([Buffer.from(header), bytes]);
}

const payload = (code, reason) => Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);

/** A close frame, as each side sends it. */
export const close = {
  client: (code, reason = '') => frame(0x88, payload(code, reason)),
  server: (code, reason = '') => plain(0x88, payload(code, reason)),
};

/** The payload of a masked frame of up to 125 bytes. */
export const unmasked = (bytes) => bytes.subarray(6).map((byte, index) => byte ^ bytes[2 + (index % 4)]);

/** The code of a close frame, masked or not. */
export function closeCode(bytes) {
  const isMasked = (bytes[1] & 0x80) !== 0;
  const [high, low] = isMasked ? unmasked(bytes) : bytes.subarray(2);
  return (high << 8) | low;
}

/** An open connection between two sides that the test plays. */
export async function between(options = {}) {
  const [client, server] = [manual(), manual()];
  const inspection = await inspect(client, server, { negotiated: {}, ...options });
  return { client, server, inspection };
}

/** A client and a server that are open, with an inspector between them. */
export async function through({ ends = ports, client = {}, server = {}, options = {} } = {}) {
  const [[near, front], [back, far]] = [ends(), ends()];
  const [inspection, sessions] = await Promise.all([
    inspect(front, back, options), pair({ ends: [near, far], client, server }),
  ]);
  return { inspection, client: sessions[0], server: sessions[1] };
}

/** A proxy to the server at this URL, on a free port; its inspections and sockets. */
export async function proxy(t, to, options = {}) {
  const inspections = [];
  const sockets = [];
  const front = createServer({ allowHalfOpen: true }, (socket) => {
    const upstream = connect({ port: Number(new URL(to).port), host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(socket, upstream);
    inspections.push(inspect(socket, upstream, options));
  }).listen(0, '127.0.0.1');
  await once(front, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    front.close();
  });
  return { url: `ws://127.0.0.1:${front.address().port}/chat`, inspections, sockets };
}

/** Keeps the program alive until the test is over, since the package's timers don't. */
export function keepAlive(t) {
  const timer = setInterval(() => {}, 1000);
  t.after(() => clearInterval(timer));
}

/** Waits for a condition. */
export async function until(holds) {
  while (!holds()) await sleep(2);
}
