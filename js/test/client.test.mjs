// Clients over TCP and TLS, with servers of npm's ws.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createSecureServer } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocketServer as WsServer } from 'ws';
import { WebSocket, connect } from 'websocket-component/node';
import { echo, http, serveWs, take } from './support/connections.mjs';

test('messages of every kind and size come back from a server of npm ws', async (t) => {
  for (const deflate of [false, true]) {
    const { url } = await serveWs(t, { perMessageDeflate: deflate });
    const session = await connect(url, { deflate });
    assert.equal(session.extensions !== '', deflate);
    for (const length of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
      for (const data of ['x'.repeat(length), new Uint8Array(length).fill(7)]) {
        await session.send(data);
        assert.deepEqual(await take(session, 1), [data]);
      }
    }
    const closed = await session.close(3001, 'bye');
    assert.deepEqual([closed.code, closed.reason, closed.wasClean], [3001, 'bye', true]);
  }
});

test('the request carries what it was given, and the response is there', async (t) => {
  let asked;
  const { url } = await serveWs(t, {}, (_, request) => {
    asked = request;
  });
  const to = new URL(url);
  to.username = 'user';
  to.password = 'p w';
  to.search = '?x=1';
  const session = await connect(to, { protocols: 'chat', headers: { 'X-Own': 'yes' } });
  assert.equal(asked.url, '/chat?x=1');
  assert.equal(asked.headers.host, to.host);
  assert.equal(asked.headers.authorization, `Basic ${btoa('user:p w')}`);
  assert.equal(asked.headers['x-own'], 'yes');
  assert.equal(session.protocol, 'chat');
  assert.equal(session.response.status, 101);
  session.abort();
});

test('a server that refuses, isn\'t one, or isn\'t there is an error that says so', async (t) => {
  const refusing = await serveWs(t, { verifyClient: () => false });
  await assert.rejects(connect(refusing.url), { name: 'WebSocketError', fault: 'peer' });
  const { port } = await http(t);
  await assert.rejects(connect(`ws://127.0.0.1:${port}/`), { name: 'WebSocketError' });
  await assert.rejects(connect('ws://127.0.0.1:1/'), { code: 'ECONNREFUSED' });
  await assert.rejects(connect('http://'), { name: 'SyntaxError' });
});

test('a server that is silent is given up, by its deadline or by a signal', async (t) => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const held = [];
  silent.on('connection', (socket) => held.push(socket));
  t.after(() => {
    for (const socket of held) socket.destroy();
    silent.close();
  });
  const url = `ws://127.0.0.1:${silent.address().port}/`;
  await assert.rejects(connect(url, { timeouts: { handshake: 50 } }), { rule: 'handshake-timeout' });
  await assert.rejects(connect(url, { signal: AbortSignal.timeout(50) }), { name: 'TimeoutError' });
});

test('a certificate is checked', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'websocket-tls-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-keyout', key, '-out', cert,
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
  ], { stdio: 'ignore' });
  const ca = await readFile(cert);
  const https = createSecureServer({ key: await readFile(key), cert: ca }).listen(0, '127.0.0.1');
  await once(https, 'listening');
  const sockets = new WsServer({ server: https });
  sockets.on('connection', echo);
  t.after(() => {
    for (const client of sockets.clients) client.terminate();
    https.close();
  });
  const url = `wss://127.0.0.1:${https.address().port}/`;
  const session = await connect(url, { tls: { ca } });
  await session.send('over TLS');
  assert.deepEqual(await take(session, 1), ['over TLS']);
  await session.close();
  await assert.rejects(connect(url), { code: /SELF_SIGNED|UNABLE_TO_VERIFY/ });
  const socket = new WebSocket(url, [], { tls: { ca } });
  await once(socket, 'open');
  socket.close();
  await once(socket, 'close');
});
