// Keepalive: a peer that shows that it is alive is not taken for dead because its pong is late or never arrives.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { frame, manual, take } from './support/connections.mjs';

const timeouts = { keepalive: 20, pong: 80 };
/** How long a peer is watched: long enough for a few pongs to be missed, in milliseconds. */
const WATCHED = 400;

/** How often a ping was written. */
const pings = (duplex) => duplex.written().toString('latin1').split('\x89').length - 1;

/** Runs a server whose peer does something every few milliseconds for a while; returns its state then. */
async function watch(act, every = 10) {
  const duplex = manual();
  const server = await duplex.accept({ timeouts });
  const end = performance.now() + WATCHED;
  for (let count = 0; performance.now() < end; count += 1) {
    act(duplex, count);
    await sleep(every);
  }
  const { state } = server;
  server.abort();
  return { state, pings: pings(duplex) };
}

test('a peer that is silent after a ping is given up with 1011', async () => {
  const keepAlive = setInterval(() => {}, 1000);
  const duplex = manual();
  const server = await duplex.accept({ timeouts });
  const ended = server.closed;
  await assert.rejects(take(server, 1), (error) => {
    const { rule, closeCode, limit } = error;
    assert.deepEqual([rule, closeCode, limit], ['pong-timeout', 1011, 80]);
    return true;
  });
  duplex.listener.end();
  assert.equal((await ended).code, 1006);
  clearInterval(keepAlive);
});

test('a peer that knows no pings, and sends messages, lives', async () => {
  const { state, pings: count } = await watch(({ listener }) => listener.data(frame(0x81, 'a message')), 40);
  assert.equal(state, 'open');
  assert(count > 0, 'it was never pinged');
});

test('a peer whose pong waits behind a long frame of its own lives', async () => {
  const header = Buffer.from([0x82, 0x80 | 126, 0xff, 0xff, 0, 0, 0, 0]);
  const { state } = await watch(({ listener }, count) => listener.data(count === 0 ? header : Buffer.alloc(100)), 40);
  assert.equal(state, 'open');
});

test('a peer that answers pings with an empty payload lives', async () => {
  const { state, pings: count } = await watch(({ listener }) => listener.data(frame(0x8a)), 40);
  assert.equal(state, 'open');
  assert(count > 0, 'it was never pinged');
});

test('a peer whose ping waits behind what it takes slowly lives', async () => {
  const duplex = manual();
  const server = await duplex.accept({ timeouts: { keepalive: 20, pong: 200 } });
  duplex.isFull = true;
  void server.send('fills the transport').catch(() => {});
  await sleep(60);
  // The ping is written, and waits in the transport.
  duplex.listener.drained();
  assert.equal(pings(duplex), 1);
  await sleep(150);
  duplex.listener.drained();
  await sleep(150);
  assert.equal(server.state, 'open');
  server.abort();
});
