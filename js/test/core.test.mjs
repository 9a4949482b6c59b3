// The functions of the core module that are called by hand, compared with jco's: the same calls have the same results,
// and changes of the layout are noticed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Engine } from 'websocket-component';
import { frame, opening, responseTo } from './support/connections.mjs';

const EVENTS = [
  'text', 'text-chunk', 'binary', 'binary-chunk', 'ping', 'pong', 'unsolicited-pong', 'close', 'extension-frame', 'request', 'opened',
  'sent', 'cancelled', 'other',
];
const SENDS = ['text', 'text-fragment', 'binary', 'binary-fragment', 'ping', 'pong', 'close', 'extension-frame'];
const NOTHING = new Uint8Array();
const [CLIENT, SERVER] = ['client', 'server'];

/** The same session twice: one is called through jco, the other by hand. */
async function twice(role, set = () => {}) {
  const engines = [await Engine.load(), await Engine.load()];
  const made = engines.map((engine) => {
    const options = new engine.component.options.SessionOptions();
    options.setReportControlFrames(true);
    set(options);
    const { WebsocketSession } = engine.component.session;
    if (role === SERVER) return WebsocketSession.server(options, 0n);
    return WebsocketSession.client(options, new Uint8Array(32).fill(7), 0n);
  });
  const [byJco, byHand] = made;
  const { core, representations } = engines[1];
  const representation = representations.of(byHand);
  let time = 0;
  return {
    both: (call) => made.forEach(call),
    /** Makes one call both ways. Returns both results. */
    exchange(input = NOTHING, sends = [], capacity = 1 << 16) {
      time += 1_000_000;
      let start = 0;
      const outgoing = sends.map(({ kind, bytes }) => {
        const tag = SENDS[kind.number];
        const val = tag === 'close' ? (kind.flag ? kind.code : undefined) : kind.flag ? 'off' : 'automatic';
        const record = { kind: { tag, val }, start, length: bytes.length };
        start += bytes.length;
        return record;
      });
      const payload = Buffer.concat(sends.map(({ bytes }) => bytes));
      const jco = byJco.exchange(input, outgoing, payload, BigInt(time), capacity);
      const hand = core.exchange(representation, input, sends, time, capacity);
      const expected = {
        ...jco,
        events: jco.events.map(({ kind: { tag, val }, start, length }) => {
          const bytes = [...jco.payload.subarray(start, start + length)];
          return { kind: EVENTS.indexOf(tag), value: Number(val ?? 0), bytes };
        }),
        nextDeadline: jco.nextDeadline === undefined ? undefined : Number(jco.nextDeadline),
        output: [...jco.output],
      };
      const given = {
        ...hand,
        events: hand.events.map(({ kind, value, bytes }) => ({ kind, value, bytes: [...bytes] })),
        output: [...hand.output],
      };
      delete expected.payload;
      assert.deepEqual(given, expected);
      return given;
    },
    frame: (isText, bytes) => core.frame(representation, isText, bytes),
  };
}

const send = (tag, bytes = NOTHING, flag = 0, code = 0) => ({ kind: { number: SENDS.indexOf(tag), flag, code }, bytes: Buffer.from(bytes) });

/** A server that is open. */
async function server(set) {
  const session = await twice(SERVER, set);
  session.exchange(opening);
  session.both((made) => made.accept({ extensions: [], headers: [] }, 0n));
  session.exchange();
  return session;
}

test('each kind of event is read as jco reads it', async () => {
  const session = await server();
  const ping = session.exchange(NOTHING, [send('ping', 'there')]);
  assert.deepEqual(ping.output, [0x89, 5, ...Buffer.from('there')]);
  const input = [frame(0x81, 'text'), frame(0x82, ''), frame(0x82, 'x'.repeat(100)), frame(0x89, 'ping'), frame(0x8a, 'there'), frame(0x8a, 'unasked')];
  const { events } = session.exchange(Buffer.concat(input));
  assert.deepEqual(events.map(({ kind }) => EVENTS[kind]), ['text', 'binary', 'binary', 'ping', 'pong', 'unsolicited-pong']);
  assert(events[4].value > 0);
});

test('close frames are read and sent with their codes, and without one', async () => {
  for (const code of [undefined, 1000, 3999]) {
    const session = await server();
    const payload = code === undefined ? Buffer.alloc(0) : Buffer.from([code >> 8, code & 255, 0x61]);
    const bytes = Buffer.concat([Buffer.from([0x88, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
    const { events, output } = session.exchange(bytes);
    assert.deepEqual([events[0].value, events[0].bytes.length], [code ?? 1005, code === undefined ? 0 : 1]);
    assert.deepEqual(output.slice(2), [...payload.subarray(0, 2)]);

    const other = await server();
    const sent = other.exchange(NOTHING, [code === undefined ? send('close') : send('close', 'a', 1, code)]);
    assert.deepEqual(sent.output.slice(2), [...payload]);
  }
});

test('what is sent goes in as it goes in through jco, and what is refused comes out', async () => {
  const session = await server();
  const long = Buffer.alloc(70_000, 5);
  const sends = [
    send('text', 'one'), send('text', ''), send('binary', long), send('text-fragment', 'a'), send('text', 'b'),
    send('binary-fragment', 'c', 1), send('binary', 'd', 1), send('pong', 'e'),
  ];
  let { accepted, more } = session.exchange(NOTHING, sends);
  assert.equal(accepted, sends.length);
  while (more) ({ more } = session.exchange());
  const last = session.exchange(NOTHING, [send('text', 'fine'), send('text', [0xff]), send('text', 'behind')]);
  assert.deepEqual([last.accepted, last.refused.fault], [1, 'host']);
});

test('each part of a failure is read', async () => {
  const front = frame(0x81, 'in front');
  for (const [bytes, code, limit] of [
    [Buffer.from([0xff, 0x80, 0, 0, 0, 0]), 1002],
    [Buffer.from([0x81, 0x01, 0x61]), 1002],
    [Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff]), 1007],
    [frame(0x82, 'x'.repeat(101)), 1009, 100n],
    [frame(0x88, 'x'), 1002],
  ]) {
    const session = await server((options) => options.setMaxFrame(100n));
    let input = Buffer.concat([front, bytes]);
    let result;
    do {
      result = session.exchange(input);
      input = input.subarray(result.consumed);
    } while (!result.failure);
    const { failure } = result;
    assert.deepEqual([failure.closeCode, failure.offset, failure.limit], [code, BigInt(opening.length + front.length), limit]);
    assert.equal(failure.value, limit && 101n);
  }
});

test('requests and responses that are refused are read as jco reads them', async () => {
  const asked = await twice(SERVER);
  const { failure } = asked.exchange(Buffer.from(String(opening).replace('13', '12')));
  assert.equal(failure.status, 426);

  const asking = await twice(CLIENT);
  const request = { target: '/', authority: 'a', subprotocols: [], extensions: [], headers: [] };
  asking.both((made) => made.connect(request, 0n));
  const { output } = asking.exchange();
  const opened = asking.exchange(responseTo(Buffer.from(output)));
  assert.deepEqual(opened.events.map(({ kind }) => EVENTS[kind]), ['opened']);
});

test('a stream of messages is read alike, however it is cut', async () => {
  const parts = [];
  for (let index = 0; index < 60; index += 1) {
    const payload = 'x'.repeat((index * 37) % 126);
    parts.push(frame(index % 3 === 0 ? 0x89 : index % 3 === 1 ? 0x81 : 0x82, payload));
  }
  parts.push(Buffer.from([0x83, 0x80, 0, 0, 0, 0]));
  const bytes = Buffer.concat(parts);
  for (const step of [1, 7, 64, 1000, bytes.length]) {
    const session = await server();
    let count = 0;
    let failure;
    for (let at = 0; at < bytes.length && !failure; ) {
      const result = session.exchange(bytes.subarray(at, at + step), [], 100);
      at += result.consumed;
      count += result.events.length;
      ({ failure } = result);
    }
    assert.equal(count, 60);
  }
});

test('a frame around a payload is what the session would have sent', async () => {
  const session = await server();
  for (const length of [0, 1, 47, 49, 125, 126, 65_535, 65_536]) {
    for (const isText of [false, true]) {
      const bytes = Buffer.alloc(length, 0x61);
      const { output } = session.exchange(NOTHING, [send(isText ? 'text' : 'binary', bytes)], 1 << 20);
      assert.deepEqual([...session.frame(isText, bytes)], output);
    }
  }
  // In the middle of a message there is none, and neither while output waits, or after a close frame.
  session.exchange(NOTHING, [send('text-fragment', 'a')]);
  assert.equal(session.frame(false, Buffer.from('b')), undefined);
  session.exchange(NOTHING, [send('text', 'c')]);
  session.exchange(NOTHING, [send('binary', Buffer.alloc(100))], 1);
  assert.equal(session.frame(false, Buffer.from('d')), undefined);
  session.exchange(NOTHING, [send('close')]);
  assert.equal(session.frame(false, Buffer.from('e')), undefined);
});

test('a client\'s frames are masked, wherever their bytes are', async () => {
  const asking = await twice(CLIENT);
  const request = { target: '/', authority: 'a', subprotocols: [], extensions: [], headers: [] };
  asking.both((made) => made.connect(request, 0n));
  asking.exchange(responseTo(Buffer.from(asking.exchange().output)));
  for (const length of [0, 1, 5, 49, 125, 126, 513, 65_535, 65_536, 65_539]) {
    for (const offset of [0, 1, 2, 3, 4]) {
      const payload = new Uint8Array(length + offset).subarray(offset).map((_, index) => index % 251);
      const placed = new Uint8Array(length + offset);
      placed.set(payload, offset);
      const made = asking.frame(true, placed.subarray(offset));
      const header = made.length - length;
      const key = made.subarray(header - 4, header);
      assert.deepEqual([made[0], made[1] >> 7], [0x81, 1]);
      const unmasked = made.subarray(header).map((byte, index) => byte ^ key[index % 4]);
      assert(Buffer.from(unmasked).equals(payload), `${length} bytes, at offset ${offset}`);
    }
  }
});
