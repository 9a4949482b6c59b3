// A connection that is forwarded unchanged, and inspected.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketError, inspect } from 'websocket-component';
import { frame, manual, opening, ports, responseTo, serveWs, streams, take, webStreams, wsClient } from './support/connections.mjs';
import { between, close, closeCode, keepAlive, plain, proxy, through, unmasked, until } from './support/inspections.mjs';

const hash = (data) => createHash('sha256').update(data).digest('hex');

const SIZES = [0, 125, 126, 1 << 16, 1 << 20];

for (const [name, ends] of Object.entries({ ports, streams, webStreams })) {
  for (const deflate of [false, true]) {
    test(`messages of every size pass both ways over ${name}, ${deflate ? 'compressed' : 'not compressed'}`, async () => {
      const { inspection, client, server } = await through({ ends, client: { deflate }, server: { deflate } });
      assert.equal(inspection.extensions, client.extensions);
      for (const [from, to] of [[client, server], [server, client]]) {
        for (const size of SIZES) {
          const bytes = Buffer.alloc(size, 'some words that repeat ');
          bytes.set(crypto.getRandomValues(new Uint8Array(Math.min(size, 1000))));
          const [[data], [text]] = [
            (await Promise.all([take(to, 1), from.send(bytes)]))[0],
            (await Promise.all([take(to, 1), from.send('ü'.repeat(size))]))[0],
          ];
          assert.equal(hash(data), hash(bytes), `${size} bytes`);
          assert.equal(hash(text), hash('ü'.repeat(size)), `text of ${size}`);
        }
      }
      await client.close(3000, 'enough');
      const { wasClean, closedBy, violation, error, client: sent, server: answered } = await inspection.closed;
      assert.deepEqual([wasClean, closedBy, violation, error], [true, 'client', undefined, undefined]);
      for (const { messages, closeReceived, closeSent } of [sent, answered]) {
        assert.deepEqual([messages, closeReceived, closeSent], [2 * SIZES.length, 3000, 3000]);
      }
      assert.equal(inspection.state, 'closed');
    });
  }
}

test('clients and servers of npm\'s ws talk through it, with permessage-deflate', async (t) => {
  const back = await serveWs(t, { perMessageDeflate: { threshold: 0 } });
  const { url: to, inspections } = await proxy(t, back.url);
  const client = wsClient(t, to, [], { perMessageDeflate: { threshold: 0 } });
  await once(client, 'open');
  assert.match(client.extensions, /^permessage-deflate/);
  for (const size of SIZES) {
    const bytes = Buffer.alloc(size, 'some words that repeat ');
    client.send(bytes);
    const [data] = await once(client, 'message');
    assert.equal(hash(data), hash(bytes));
  }
  client.close(1000, 'enough');
  assert.equal((await once(client, 'close'))[0], 1000);
  const { wasClean, closedBy } = await (await inspections[0]).closed;
  assert.deepEqual([wasClean, closedBy], [true, 'client']);
});

test('what passes is the same bytes, also behind heads, and wherever they are cut', async () => {
  const requested = Buffer.concat([opening, frame(0x01, 'hel'), frame(0x89, 'ping'), frame(0x80, 'lo'), frame(0x82, Buffer.from([0, 0xff]))]);
  const answered = Buffer.concat([responseTo(opening), plain(0x81, 'hello'), plain(0x82, 'x'.repeat(5000)), plain(0x8a, 'pong')]);
  for (const size of [1, 2, 3, 7, 100, 100_000]) {
    const [client, server] = [manual(), manual()];
    const inspection = await inspect(client, server);
    const feed = (duplex, bytes) => {
      for (let at = 0; at < bytes.length; at += size) {
        // The reader may reuse the memory.
        const chunk = Buffer.from(bytes.subarray(at, at + size));
        duplex.listener.data(chunk);
        chunk.fill(0xee);
      }
    };
    feed(client, requested);
    feed(server, answered);
    assert.equal(hash(server.written()), hash(requested), `cut at ${size}`);
    assert.equal(hash(client.written()), hash(answered), `cut at ${size}`);
    inspection.abort();
  }
  // Cut in two, at every byte.
  for (let at = 0; at <= requested.length; at += 1) {
    const [client, server] = [manual(), manual()];
    const inspection = await inspect(client, server);
    for (const part of [requested.subarray(0, at), requested.subarray(at)]) client.listener.data(part);
    server.listener.data(answered);
    assert.equal(hash(server.written()), hash(requested), `cut at ${at}`);
    inspection.abort();
  }
});

test('a client that doesn\'t wait for the answer waits all the same, and so does a server that speaks first', async () => {
  const [client, server] = [manual(), manual()];
  const inspection = await inspect(client, server);
  server.listener.data(Buffer.concat([responseTo(opening), plain(0x81, 'first')]));
  assert.deepEqual([client.written().length, server.isPaused, inspection.state], [0, true, 'connecting']);
  client.listener.data(Buffer.concat([opening, frame(0x81, 'early')]));
  assert.deepEqual([server.isPaused, client.isPaused, inspection.state], [false, false, 'open']);
  assert.deepEqual(server.written(), Buffer.concat([opening, frame(0x81, 'early')]));
  assert.deepEqual(client.written(), Buffer.concat([responseTo(opening), plain(0x81, 'first')]));
  inspection.abort();
  const [eager, slow] = [manual(), manual()];
  const other = await inspect(eager, slow);
  eager.listener.data(Buffer.concat([opening, frame(0x81, 'early')]));
  assert.deepEqual([slow.written(), eager.isPaused], [opening, true]);
  slow.listener.data(responseTo(opening));
  assert.deepEqual([slow.written(), eager.isPaused], [Buffer.concat([opening, frame(0x81, 'early')]), false]);
  other.abort();
});

test('a side that breaks a rule is closed with its code, and the other one with 1001 or 1014', async () => {
  const cases = [
    { from: 'client', other: 'server', make: frame, otherCode: 1001 },
    { from: 'server', other: 'client', make: plain, otherCode: 1014 },
  ];
  for (const { from, other, make, otherCode } of cases) {
    const { inspection, ...sides } = await between();
    const hello = make(0x81, 'hello');
    sides[from].listener.data(Buffer.concat([hello, make(0x83)]));
    assert.deepEqual(sides[other].written().subarray(0, hello.length), hello);
    const told = { [from]: sides[from].written(), [other]: sides[other].written().subarray(hello.length) };
    assert.deepEqual([told[from][0], closeCode(told[from]), closeCode(told[other])], [0x88, 1002, otherCode]);
    for (const { calls, listener } of Object.values(sides)) {
      assert.deepEqual(calls, ['end']);
      listener.end();
    }
    const { wasClean, closedBy, violation, ...reports } = await inspection.closed;
    assert.deepEqual([wasClean, closedBy, violation.from], [false, undefined, from]);
    const { error } = violation;
    assert(error instanceof WebSocketError);
    assert.deepEqual([error.rule, error.closeCode, error.offset], ['reserved-opcode', 1002, hello.length]);
    assert.deepEqual([reports[from].closeSent, reports[other].closeSent], [1002, otherCode]);
    assert.deepEqual([reports[from].closeReceived, reports[from].messages, reports[other].messages], [undefined, 1, 0]);
  }
});

test('limits are kept for each direction, and told with the violation', async () => {
  const { client, server, inspection } = await between({ client: { limits: { frame: 4 } }, otherCode: 'same' });
  server.listener.data(plain(0x81, 'hello'));
  client.listener.data(frame(0x81, 'hell'));
  client.listener.data(frame(0x81, 'hello'));
  assert.deepEqual([client.written(), server.written().subarray(0, 10)], [
    Buffer.concat([plain(0x81, 'hello'), client.written().subarray(7)]), frame(0x81, 'hell'),
  ]);
  for (const duplex of [client, server]) duplex.listener.end();
  const { violation: { error }, client: c, server: s } = await inspection.closed;
  assert.deepEqual([error.rule, error.offset, error.limit, error.value], ['frame-too-big', 10, 4, 5]);
  assert.deepEqual([c.closeSent, s.closeSent], [1009, 1009]);
});

test('a broken rule inside a frame that has gone on ends there for the receiver', async () => {
  const { client, server, inspection } = await between({ server: { limits: { holdFrame: 100 } } });
  const text = Buffer.alloc(1000, 'a');
  text[500] = 0xff;
  const bytes = plain(0x81, text);
  server.listener.data(bytes.subarray(0, 200));
  assert.equal(client.written().length, 200);
  server.listener.data(bytes.subarray(200));
  assert.deepEqual([client.written(), client.calls], [bytes.subarray(0, 200), ['end']]);
  assert.deepEqual([closeCode(server.written()), server.calls], [1007, ['end']]);
  for (const duplex of [server, client]) duplex.listener.end();
  assert.equal((await inspection.closed).violation.error.rule, 'invalid-utf8');
});

test('a side that is inside a frame is told at its end', async () => {
  const { client, server, inspection } = await between();
  const long = plain(0x82, Buffer.alloc(1000, 7));
  server.listener.data(long.subarray(0, 600));
  client.listener.data(frame(0x83));
  assert.deepEqual([client.written().length, client.calls], [600, []]);
  server.listener.data(long.subarray(600));
  assert.deepEqual(client.written().subarray(0, long.length), long);
  assert.deepEqual([closeCode(client.written().subarray(long.length)), client.calls], [1002, ['end']]);
  inspection.abort();
});

test('a side that is lost is told to the other one, and named', async (t) => {
  for (const from of ['client', 'server']) {
    const back = await serveWs(t, {}, () => {});
    const { url: to, inspections, sockets } = await proxy(t, back.url);
    const client = wsClient(t, to);
    await once(client, 'open');
    const [accepted] = back.server.clients;
    const [lost, told] = from === 'client' ? [client, accepted] : [accepted, client];
    const closed = once(told, 'close');
    lost.terminate();
    assert.equal((await closed)[0], from === 'client' ? 1001 : 1014);
    const { violation, closedBy, wasClean } = await (await inspections[0]).closed;
    assert.deepEqual([violation.from, violation.error.rule, closedBy, wasClean], [from, 'connection-lost', undefined, false]);
    await Promise.all(sockets.map((socket) => socket.closed || once(socket, 'close')));
  }
});

test('an error of a transport is told', async () => {
  const { client, server, inspection } = await between();
  client.listener.closed(new Error('reset'));
  assert.deepEqual([closeCode(server.written()), server.calls], [1001, ['end']]);
  server.listener.end();
  const { error, violation } = await inspection.closed;
  assert.deepEqual([error.message, violation.from, violation.error.rule], ['reset', 'client', 'connection-lost']);
  const thrown = await between();
  thrown.server.write = () => {
    throw new Error('broken pipe');
  };
  thrown.client.listener.data(frame(0x81, 'hello'));
  assert.deepEqual([closeCode(thrown.client.written()), thrown.client.calls], [1014, ['end']]);
  thrown.client.listener.end();
  assert.equal((await thrown.inspection.closed).error.message, 'broken pipe');
});

test('either side may close, and the server\'s transport ends first', async () => {
  for (const first of ['client', 'server']) {
    const { client, server, inspection } = await between();
    const sides = { client, server };
    const order = first === 'client' ? ['client', 'server'] : ['server', 'client'];
    for (const side of order) sides[side].listener.data(close[side](1000));
    assert.deepEqual([server.written(), client.written()], [close.client(1000), close.server(1000)]);
    assert.deepEqual([client.calls, server.calls, inspection.state], [['end'], [], 'closing']);
    server.listener.end();
    client.listener.end();
    const { closedBy, wasClean, client: c, server: s } = await inspection.closed;
    assert.deepEqual([client.calls, server.calls], [['end'], ['end']]);
    assert.deepEqual([closedBy, wasClean, c.closeReceived, c.closeSent, s.closeReceived, s.closeSent], [first, true, 1000, 1000, 1000, 1000]);
  }
});

test('the proxy may close both sides, at boundaries of frames', async () => {
  const { client, server, inspection } = await between();
  const whole = frame(0x82, 'in the middle');
  client.listener.data(whole.subarray(0, 8));
  await assert.rejects(inspection.close(1005), { rule: 'close-code-forbidden', fault: 'host' });
  const closing = inspection.close(1012, 'back soon');
  assert.deepEqual([client.written(), server.written()], [close.server(1012, 'back soon'), whole.subarray(0, 8)]);
  client.listener.data(whole.subarray(8));
  assert.deepEqual(unmasked(server.written().subarray(whole.length)), close.server(1012, 'back soon').subarray(2));
  client.listener.data(close.client(1012));
  server.listener.data(close.server(1012));
  for (const duplex of [server, client]) duplex.listener.end();
  const { closedBy, wasClean } = await closing;
  assert.deepEqual([closedBy, wasClean], ['client', true]);
  await assert.rejects(inspection.ping('client'), /has ended/);
});

test('a side is not read while the other one takes nothing, and that is not held against it', async (t) => {
  keepAlive(t);
  const { client, server, inspection } = await between({ client: { timeouts: { idle: 60 } } });
  server.isFull = true;
  client.listener.data(frame(0x82, 'one'));
  assert.deepEqual([client.isPaused, server.isPaused], [true, false]);
  await sleep(150);
  assert.equal(inspection.state, 'open');
  server.listener.data(plain(0x82, 'the other direction flows'));
  assert.equal(client.written().length, 27);
  server.isFull = false;
  server.listener.drained();
  assert.equal(client.isPaused, false);
  await until(() => client.calls.length > 0);
  for (const duplex of [server, client]) duplex.listener.end();
  const { violation } = await inspection.closed;
  assert.deepEqual([violation.from, violation.error.rule, violation.error.limit], ['client', 'idle-timeout', 60]);
});

test('a transport is shut down once all was written, and a lost one holds up nobody', async () => {
  const { client, server, inspection } = await between();
  client.isFull = true;
  server.listener.data(plain(0x81, 'hello'));
  client.listener.data(frame(0x83));
  assert.deepEqual([client.written(), client.calls, server.calls], [plain(0x81, 'hello'), [], ['end']]);
  client.isFull = false;
  client.listener.drained();
  assert.deepEqual([closeCode(client.written().subarray(7)), client.calls], [1002, ['end']]);
  inspection.abort();

  const other = await between();
  other.client.isFull = true;
  other.server.listener.data(plain(0x82, 'half of a frame').subarray(0, 8));
  assert.equal(other.server.isPaused, true);
  other.client.listener.closed();
  assert.equal(other.server.isPaused, false);
  other.server.listener.end();
  assert.equal((await other.inspection.closed).violation.from, 'client');
});

test('a receiver that doesn\'t read stops the sender, and what is kept is bounded', async (t) => {
  const back = await serveWs(t, { maxPayload: 0 }, () => {});
  const { url: to, sockets } = await proxy(t, back.url);
  const client = wsClient(t, to, [], { perMessageDeflate: false });
  await once(client, 'open');
  const [accepted] = back.server.clients;
  let received = 0;
  accepted.on('message', (data) => {
    received += data.length;
  });
  accepted.pause();
  const [message, count] = [Buffer.alloc(1 << 20), 32];
  for (let sent = 0; sent < count; sent += 1) client.send(message);
  await sleep(500);
  const [front, upstream] = sockets;
  assert(client.bufferedAmount > 8 << 20, `${client.bufferedAmount} wait at the sender`);
  assert(upstream.writableLength < 1 << 18, `${upstream.writableLength} wait in the proxy`);
  const { bytesRead } = front;
  await sleep(100);
  assert.equal(front.bytesRead, bytesRead);
  accepted.resume();
  while (received < count << 20) await sleep(5);
});

test('a receiver that takes nothing for too long is cut off, and one that takes little is not', async (t) => {
  keepAlive(t);
  const held = { view: { payload: Infinity }, decide: () => true };
  const timeouts = { close: Infinity };
  const { client, server, inspection } = await between({ server: held, client: { timeouts: { write: 500 } }, timeouts });
  client.isFull = true;
  for (let count = 0; count < 20; count += 1) server.listener.data(plain(count === 0 ? 0x02 : count === 19 ? 0x80 : 0x00, Buffer.alloc(60_000)));
  for (let count = 0; count < 6; count += 1) {
    await sleep(150);
    assert.equal(client.written().length, (count + 1) << 16);
    client.listener.drained();
  }
  assert.equal(inspection.state, 'open');
  await until(() => client.calls.length > 0);
  assert.deepEqual(client.calls, ['destroy']);
  server.listener.end();
  const { violation } = await inspection.closed;
  assert.deepEqual([violation.from, violation.error.rule], ['client', 'write-timeout']);
});
