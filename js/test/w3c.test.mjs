// The W3C's interface to the letter: a program can't tell the class from a browser's own.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { openAsBlob } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { WebSocket as OverTransport, WebSocketSession } from 'websocket-component';
import { WebSocket } from 'websocket-component/node';
import { browser, pages } from './support/browser.mjs';
import { manual, ports, responseTo, serveWs } from './support/connections.mjs';
import { answering, behave, closeWith, probes } from './support/w3c.mjs';

/** A server that does as the probes expect. */
async function serve(t) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    WebSocketSession.accept(socket, answering).then(behave, () => {});
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `ws://127.0.0.1:${server.address().port}`;
}

/** Runs in a page: what the probes say of the browser's class, and of the package's over a port. */
async function inPage(base) {
  const own = await import('/package/dist/index.js');
  const { answering, behave, probeAll } = await import('/support/w3c.mjs');
  const errors = [];
  globalThis.addEventListener('error', (event) => {
    errors.push(event.error.message);
    event.preventDefault();
  });
  const reported = () => () => errors.splice(0);
  const transport = () => {
    const { port1, port2 } = new MessageChannel();
    own.WebSocketSession.accept(port2, answering).then(behave, () => {});
    return port1;
  };
  const theirs = { WebSocket, CloseEvent, base, extra: [], reported };
  const ours = { WebSocket: own.WebSocket, CloseEvent: own.CloseEvent, base, extra: [undefined, { transport }], reported };
  return { theirs: await probeAll(theirs), ours: await probeAll(ours) };
}

/** The probes in Node, in a separate process, since one of them checks uncaught errors. */
async function inNode(which, base) {
  const program = join(import.meta.dirname, 'support', 'w3c-node.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [program, which, base], { maxBuffer: 1 << 24 });
  return JSON.parse(stdout);
}

/** Where Node has no page to be relative to. */
const OF_A_PAGE = ['what the constructor takes as a URL'];

test('no program can tell the class from Chromium\'s own', async (t) => {
  const base = await serve(t);
  const page = await (await browser(t)).newPage();
  await page.goto(`${await pages(t)}/`);
  const { theirs, ours } = await page.evaluate(inPage, base);
  const node = await inNode('own', base);
  for (const name of Object.keys(probes)) {
    await t.test(`${name}: over a port in the page`, () => assert.deepEqual(ours[name], theirs[name]));
    await t.test(`${name}: over TCP in Node`, { skip: OF_A_PAGE.includes(name) }, () => assert.deepEqual(node[name], theirs[name]));
  }
});

test('a reason without a code is sent with 1000, and codes are rounded, halves to even, where Chromium departs from the standard', async (t) => {
  const base = await serve(t);
  const calls = [[undefined, 'bye'], [undefined, ''], [2999.5], [2999.6], [4999.5], [undefined, 'x'.repeat(124)]];
  const told = (code, reason) => ['undefined', 2, true, JSON.stringify({ code, reason })];
  assert.deepEqual(await closeWith((path) => new WebSocket(base + path), calls), [
    told(1000, 'bye'), told(1005, ''), told(3000, ''), told(3000, ''), ['throws InvalidAccessError', 1, true, ''], ['throws SyntaxError', 1, true, ''],
  ]);
});

test('a blob that can\'t be read any more fails the connection', async (t) => {
  const { url } = await serveWs(t);
  const folder = await mkdtemp(join(tmpdir(), 'websocket-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'file');
  await writeFile(file, 'as it was');
  const blob = await openAsBlob(file);
  await writeFile(file, 'as it is, which is longer');
  const socket = new WebSocket(url);
  const heard = [];
  socket.onmessage = ({ data }) => heard.push(data);
  await once(socket, 'open');
  socket.send('in front');
  await once(socket, 'message');
  socket.send(blob);
  socket.send('behind');
  const error = once(socket, 'error');
  const [{ code, wasClean }] = await once(socket, 'close');
  assert.deepEqual([code, wasClean, (await error)[0].error.name, heard], [1006, false, 'NotReadableError', ['in front']]);
  assert.equal(socket.bufferedAmount, blob.size + 'behind'.length);
});

test('what keeps a connection from being made is an event behind the constructor, and a transport that isn\'t there a TypeError', async () => {
  const fails = () => {
    throw new Error('no way');
  };
  const { signal } = Object.assign(new AbortController());
  const aborted = AbortSignal.abort(new Error('aborted before'));
  for (const [options, message] of [
    [{ transport: fails, signal }, 'no way'],
    [{ transport: async () => fails() }, 'no way'],
    [{ transport: {} }, 'not a duplex of bytes'],
    [{ transport: ports()[0], signal: aborted }, 'aborted before'],
    [{ transport: () => ports()[0], signal: aborted }, 'aborted before'],
  ]) {
    const socket = new OverTransport('ws://a/', [], options);
    assert.equal(socket.readyState, WebSocket.CONNECTING);
    // Handlers that are set a little later still receive it.
    await null;
    const error = once(socket, 'error');
    const [{ code }] = await once(socket, 'close');
    assert.deepEqual([(await error)[0].error.message, code, socket.readyState], [message, 1006, WebSocket.CLOSED]);
  }
  for (const options of [undefined, {}, { transport: null }, { transport: 5 }]) {
    assert.throws(() => new OverTransport('ws://a/', [], options), { name: 'TypeError', message: /transport/ });
  }
});

test('a user and password go as the bytes that the URL has', async () => {
  for (const [user, bytes] of [['us:pass', 'us:pass'], ['ü:ß', 'ü:ß'], ['%FF%3A:%2', Buffer.from('ff3a3a2532', 'hex')], ['alone', 'alone:']]) {
    const [one, other] = ports();
    const accepting = WebSocketSession.accept(other);
    const socket = new OverTransport(`ws://${user}@example.com/`, [], { transport: one });
    const { request } = await accepting;
    assert.equal(request.headers.get('authorization'), `Basic ${Buffer.from(bytes).toString('base64')}`);
    socket.close();
  }
});

test('shared bytes are no message: a buffer is a string as any object, and a view a TypeError', async (t) => {
  const socket = new WebSocket(`${await serve(t)}/echo`);
  await once(socket, 'open');
  const shared = new SharedArrayBuffer(2);
  assert.throws(() => socket.send(new Uint8Array(shared)), { name: 'TypeError' });
  socket.send(shared);
  const [{ data }] = await once(socket, 'message');
  assert.equal(data, '[object SharedArrayBuffer]');
  socket.close();
});

/** A socket over a duplex that the test plays, open. */
async function played() {
  const duplex = manual();
  const socket = new OverTransport('ws://example.com/', [], { transport: duplex });
  while (duplex.written().length === 0) await turn();
  duplex.listener.data(responseTo(duplex.written()));
  await once(socket, 'open');
  const before = duplex.written().length;
  return { duplex, socket, written: () => duplex.written().subarray(before) };
}

test('answers to messages in front of a close frame go in front of the answer to that', async () => {
  const { duplex, socket, written } = await played();
  const states = [];
  socket.onmessage = ({ data }) => {
    states.push(socket.readyState);
    socket.send(data);
  };
  const frames = [[0x81, 1, 0x61], [0x81, 1, 0x62], [0x88, 2, 0x03, 0xe8]];
  duplex.listener.data(Buffer.from(frames.flat()));
  while (written().length < 22) await turn();
  assert.deepEqual(states, [WebSocket.OPEN, WebSocket.OPEN]);
  assert.equal(socket.readyState, WebSocket.CLOSING);
  const firsts = [written()[0], written()[7], written()[14]];
  assert.deepEqual(firsts, [0x81, 0x81, 0x88]);
  duplex.listener.closed();
  await once(socket, 'close');
});

test('no more is read while many bytes of messages wait for their events', async () => {
  const { duplex, socket } = await played();
  let count = 0;
  socket.onmessage = () => (count += 1);
  const message = Buffer.alloc(4 + (1 << 14));
  message.set([0x82, 126, 0x40, 0]);
  for (let index = 0; index < 17; index += 1) duplex.listener.data(message);
  assert.deepEqual([count, duplex.isPaused], [0, true]);
  while (count < 17) await turn();
  assert.equal(duplex.isPaused, false);
  duplex.listener.closed();
  await once(socket, 'close');
});
