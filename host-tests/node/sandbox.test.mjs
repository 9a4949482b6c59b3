// What a JavaScript host sees of errors, and that what it drops is gone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instantiateComponent } from './support/component.mjs';
import { BINARY, TEXT, bytes, entropy, exchange, failureOf, header, openPair, request } from './support/drive.mjs';

const { component, memory } = await instantiateComponent();
const { WebsocketSession, SessionOptions } = component;
const options = new SessionOptions();
const nothing = new Uint8Array();

test('a misuse is an error with the rule, who is at fault, and a description', () => {
  const failure = failureOf(() => WebsocketSession.client(options, new Uint8Array(31), 0n));
  assert.deepEqual(failure, {
    rule: 'entropy-too-short',
    fault: 'host',
    group: failure.group,
    section: 'RFC 6455 10.3',
    description: failure.description,
    closeCode: undefined,
    status: undefined,
    offset: undefined,
    limit: undefined,
    value: undefined,
  });
  assert.match(failure.description, /32 bytes/);
});

test('a call at the wrong time or with a wrong value is an error and changes nothing', () => {
  const server = WebsocketSession.server(options, 0n);
  assert.equal(failureOf(() => server.connect(request(), 0n)).rule, 'wrong-role');
  assert.equal(failureOf(() => server.send({ tag: 'text', val: 'early' }, 'automatic', undefined, 0n)).rule, 'not-open');
  const client = WebsocketSession.client(options, entropy(), 0n);
  const smuggled = request({ headers: [header('X', 'a\r\nB: c')] });
  assert.equal(failureOf(() => client.connect(smuggled, 0n)).rule, 'header-value-invalid');
  client.connect(request(), 0n);
  assert.equal(client.state(), 'connecting');
  assert.equal(client.failure(), undefined);
});

test('values of a wrong type are a TypeError that names no rule', () => {
  const { client } = openPair(component);
  assert.throws(() => client.send({ tag: 'words', val: '' }, 'automatic', undefined, 0n), TypeError);
  assert.throws(() => client.getAction('everything', 0n), TypeError);
  // A number of nanoseconds is a BigInt, or counts as one if it is whole.
  assert.throws(() => client.getAction('all', 0.5), RangeError);
});

test('a rule that the peer breaks says what goes on the wire', () => {
  const { client, server } = openPair(component);
  const masked = exchange(client, nothing, [{ kind: TEXT, data: bytes('hello') }]).output;
  masked[0] |= 0x40;
  const { failure, output, state } = exchange(server, masked);
  assert.equal(failure.rule, 'reserved-bits');
  assert.equal(failure.fault, 'peer');
  assert.equal(failure.closeCode, 1002);
  assert.deepEqual([...output.subarray(2, 4)], [1002 >> 8, 1002 & 255]);
  assert.equal(state, 'draining');
});

test('a request that breaks a rule is answered with its status', () => {
  const server = WebsocketSession.server(options, 0n);
  const { failure, output } = exchange(server, bytes('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
  assert.equal(failure.rule, 'upgrade-missing');
  assert.equal(failure.status, 426);
  assert.match(Buffer.from(output).toString(), /^HTTP\/1\.1 426 /);
});

test('a session that was disposed of refuses every call', () => {
  const { client } = openPair(component);
  client[Symbol.dispose]();
  assert.throws(() => client.state(), TypeError);
  client[Symbol.dispose]();
});

test('sessions that were disposed of leave no memory behind, in whatever state they were', () => {
  const part = bytes('GET / HTTP/1.1\r\nHost: exam');
  const live = () => {
    const { client, server } = openPair(component);
    const queued = exchange(client, nothing, [{ kind: BINARY, data: new Uint8Array(5000) }]).output;
    exchange(server, queued.subarray(0, 3000));
    server.send({ tag: 'text', val: 'never written' }, 'automatic', 1n, 0n);
    server.receive(2n);
    const waiting = WebsocketSession.server(options, 0n);
    exchange(waiting, part);
    return [client, server, waiting];
  };
  const drop = (sessions) => sessions.forEach((session) => session[Symbol.dispose]());
  // As many at once as ever will be.
  drop(Array.from({ length: 10 }, live).flat());
  const before = memory.buffer.byteLength;
  for (let round = 0; round < 10_000; round += 3) drop(live());
  assert.equal(memory.buffer.byteLength, before);
});
