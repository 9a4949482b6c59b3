// How connections end: who ends the transport first, how long it waits for the other side, and what is reported (RFC
// 6455, 7.1.1).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { all, frame, manual, pair } from './support/connections.mjs';

/** A close frame with 1000, as a server sends it and as a client does. */
const close = {
  server: Buffer.from([0x88, 2, 0x03, 0xe8]),
  client: Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]),
};

test('a client that has closed cleanly leaves it to the server to end the transport first', async () => {
  const duplex = manual();
  const client = await duplex.connect();
  const closing = client.close();
  await sleep(1);
  duplex.listener.data(close.server);
  await sleep(20);
  assert.deepEqual([client.state, duplex.calls], ['closing', []]);
  duplex.listener.end();
  assert.deepEqual(await closing, { code: 1000, reason: '', wasClean: true, error: undefined });
  assert.deepEqual([client.state, duplex.calls], ['closed', ['end']]);
});

test('a server that has closed cleanly ends the transport at once', async () => {
  const duplex = manual();
  const server = await duplex.accept();
  duplex.listener.data(close.client);
  assert.equal((await server.closed).wasClean, true);
  assert.deepEqual([...duplex.written()], [...close.server]);
  assert.deepEqual(duplex.calls, ['end']);
});

test('after a broken rule the writing side ends, and what the peer still sends is read to its end', async () => {
  const duplex = manual();
  const server = await duplex.accept();
  duplex.listener.data(frame(0xff));
  await assert.rejects(all(server), { rule: 'reserved-bits' });
  assert.deepEqual([...duplex.written().subarray(0, 4)], [0x88, duplex.written()[1], 1002 >> 8, 1002 & 255]);
  assert.deepEqual([server.state, duplex.calls, duplex.isPaused], ['closing', ['end'], false]);
  await assert.rejects(server.send('too late'), { rule: 'reserved-bits' });
  for (let count = 0; count < 3; count += 1) duplex.listener.data(frame(0x81, 'nobody reads it'));
  assert.equal(server.state, 'closing');
  duplex.listener.end();
  const { code, wasClean, error } = await server.closed;
  assert.deepEqual([code, wasClean, error.rule], [1006, false, 'reserved-bits']);
  assert.deepEqual(duplex.calls, ['end']);
});

test('a peer that doesn\'t end its side is waited for as long as timeouts.close says', async () => {
  const keepAlive = setInterval(() => {}, 1000);
  const duplex = manual();
  const server = await duplex.accept({ timeouts: { close: 50 } });
  duplex.listener.data(frame(0xff));
  const sending = setInterval(() => duplex.listener.data(frame(0x81, 'still here')), 5);
  const { error } = await server.closed;
  clearInterval(sending);
  assert.equal(error.rule, 'reserved-bits');
  assert.deepEqual(duplex.calls, ['end', 'destroy']);

  const other = manual();
  const client = await other.connect({ timeouts: { close: 50 } });
  const closing = client.close();
  await sleep(1);
  other.listener.data(close.server);
  assert.equal((await closing).wasClean, true);
  assert.deepEqual(other.calls, ['destroy']);
  clearInterval(keepAlive);
});

test('a duplex that reports its end, or throws, while it is written to ends its own connection only', async () => {
  const other = manual();
  const bystander = await other.accept();
  const ways = {
    end: (duplex) => duplex.listener.closed(new Error('reset')),
    throws: () => {
      throw new Error('reset');
    },
  };
  for (const act of Object.values(ways)) {
    const duplex = manual();
    const server = await duplex.accept();
    duplex.write = () => act(duplex) ?? true;
    duplex.listener.data(frame(0x89, 'a ping is answered at once'));
    const { code, wasClean, error } = await server.closed;
    assert.deepEqual([code, wasClean, error.message], [1006, false, 'reset']);
  }
  await bystander.send('alive');
  assert.equal(other.written().toString('latin1'), '\x81\x05alive');
});

test('a transport that breaks once both have closed is no error', async () => {
  const duplex = manual();
  const client = await duplex.connect();
  const closing = client.close();
  await sleep(1);
  duplex.listener.data(close.server);
  duplex.listener.closed(new Error('reset'));
  assert.deepEqual(await closing, { code: 1000, reason: '', wasClean: true, error: undefined });
});

test('a close of the peer that was never answered is not clean', async () => {
  const duplex = manual();
  const server = await duplex.accept();
  duplex.isFull = true;
  server.send('the transport is full from here on').catch(() => {});
  await sleep(1);
  duplex.listener.data(close.client);
  await sleep(1);
  server.abort();
  const { code, wasClean } = await server.closed;
  assert.deepEqual([code, wasClean], [1000, false]);
});

test('a connection that is aborted writes nothing more, though a rule is broken behind messages', async () => {
  const duplex = manual();
  const server = await duplex.accept();
  duplex.listener.data(Buffer.concat([frame(0x81, 'one'), frame(0xff)]));
  for await (const message of server) {
    assert.equal(message, 'one');
    server.abort();
  }
  const { code, wasClean, error } = await server.closed;
  assert.deepEqual([code, wasClean, error], [1006, false, undefined]);
  assert.equal(duplex.written().length, 0);
  assert.deepEqual(duplex.calls, ['destroy']);
});

test('whoever reads more slowly than the connection ends gets all messages', async () => {
  const [client, server] = await pair();
  for (let count = 0; count < 3; count += 1) void client.send(new Uint8Array(200_000));
  const closing = client.close();
  await sleep(50);
  assert.equal((await all(server)).length, 3);
  assert.equal((await closing).wasClean, true);
});
