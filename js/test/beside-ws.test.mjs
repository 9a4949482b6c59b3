// Edge cases of a server with ws's API: each test runs with npm's ws and with the package.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';
import * as npm from 'ws';
import * as own from 'websocket-component/node';
import { http, opening, wsClient } from './support/connections.mjs';

const MODULES = { ws: npm, 'websocket-component/node': own };

/** A test of both. */
function both(name, check) {
  for (const [module, { WebSocketServer }] of Object.entries(MODULES)) test(`${name}: ${module}`, (t) => check(t, WebSocketServer, module));
}

/** What a program prints that has `WebSocketServer`, `opening`, `connect` and `once`, and prints its uncaught errors. */
async function run(module, program) {
  const head = `
    import { once } from 'node:events';
    import { createServer } from 'node:http';
    import { connect } from 'node:net';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { WebSocketServer } from '${module}';
    process.on('uncaughtException', ({ message }) => console.log('uncaught:', message));
    const opening = ${JSON.stringify(String(opening))};
    const bytesOf = async (socket) => {
      let bytes = Buffer.alloc(0);
      for await (const part of socket) bytes = Buffer.concat([bytes, part]);
      return bytes;
    };
  `;
  const options = { cwd: import.meta.dirname, timeout: 20_000 };
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', head + program], options);
  return stdout.trim().split('\n');
}

/** A new server. */
async function serve(t, WebSocketServer, options = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  await once(server, 'listening');
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return server;
}

/** Returns the response to this request. */
async function answerTo(server, request) {
  const socket = connectTcp(server.address().port, '127.0.0.1').on('error', () => {});
  socket.write(request);
  let answer = '';
  for await (const part of socket) answer += part;
  return answer;
}

test('a listener of connection that throws is an uncaught error of the program, and its connection ends with 1011', async () => {
  const program = `
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    server.on('connection', () => { throw new Error('of the program'); });
    await once(server, 'listening');
    const socket = connect(server.address().port, '127.0.0.1');
    socket.write(opening);
    const until = sleep(500).then(() => socket.end());
    const bytes = await bytesOf(socket);
    const rest = bytes.subarray(bytes.indexOf('\\r\\n\\r\\n') + 4);
    console.log(String(bytes).split('\\r\\n')[0], [...rest].join());
    await until;
    while (server.clients.size > 0) await sleep(5);
    console.log('clients:', server.clients.size);
    server.close();
  `;
  const close = [0x88, 2, 1011 >> 8, 1011 & 255].join();
  assert.deepEqual(await run('websocket-component/node', program), [
    'uncaught: of the program', `HTTP/1.1 101 Switching Protocols ${close}`, 'clients: 0',
  ]);
  // npm's ws leaves it open until the client disconnects.
  const [uncaught, answer] = await run('ws', program);
  assert.deepEqual([uncaught, answer], ['uncaught: of the program', 'HTTP/1.1 101 Switching Protocols ']);
});

for (const [what, options, listener] of [
  ['verifyClient', '{ verifyClient() { throw new Error("of the program"); } }', ''],
  ['handleProtocols', '{ handleProtocols() { throw new Error("of the program"); } }', ''],
  ['a listener of headers', '{}', 'server.on("headers", () => { throw new Error("of the program"); });'],
]) {
  test(`what ${what} throws is an uncaught error of the program, and the request is answered with 500`, async () => {
    const lines = await run('websocket-component/node', `
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...${options} });
      ${listener}
      await once(server, 'listening');
      const socket = connect(server.address().port, '127.0.0.1');
      socket.write(opening.replace('Host: a', 'Host: a\\r\\nSec-WebSocket-Protocol: chat'));
      console.log(String(await bytesOf(socket)).split('\\r\\n')[0]);
      server.close();
    `);
    assert.deepEqual(lines.sort(), ['HTTP/1.1 500 Internal Server Error', 'uncaught: of the program']);
  });
}

both('close calls back, once the server has closed, and with an error if it was closed before', async (t, WebSocketServer) => {
  const { server: web } = await http(t);
  for (const options of [{ port: 0, host: '127.0.0.1' }, { noServer: true }, { server: web }]) {
    const server = new WebSocketServer(options);
    if (options.port === 0) await once(server, 'listening');
    let count = 0;
    server.on('close', () => (count += 1));
    const called = [];
    const close = () => new Promise((resolve) => server.close((error) => resolve(called.push(error?.constructor.name))));
    await Promise.all([close(), close()]);
    await close();
    assert.deepEqual(called, [undefined, undefined, 'Error']);
    assert.equal(count, 2);
  }
});

both('a listener of wsClientError answers itself', async (t, WebSocketServer) => {
  const server = await serve(t, WebSocketServer);
  const told = [];
  server.on('wsClientError', (error, socket, request) => {
    told.push([error instanceof Error, request.method]);
    socket.end('HTTP/1.1 418 x\r\nContent-Length: 0\r\n\r\n');
  });
  const wrong = [
    String(opening).replace('GET', 'POST'),
    String(opening).replace('Version: 13', 'Version: 12'),
    String(opening).replace('dGhlIHNhbXBsZSBub25jZQ==', 'short'),
  ];
  for (const request of wrong) assert.equal(await answerTo(server, request), 'HTTP/1.1 418 x\r\nContent-Length: 0\r\n\r\n');
  assert.deepEqual(told, [[true, 'POST'], [true, 'GET'], [true, 'GET']]);
});

both('without one the server does, and of a wrong path it isn\'t told', async (t, WebSocketServer) => {
  const server = await serve(t, WebSocketServer, { path: '/chat' });
  const status = async (request) => Number((await answerTo(server, request)).split(' ')[1]);
  assert.equal(await status(String(opening).replace('GET', 'POST')), 405);
  server.on('wsClientError', () => assert.fail('it is told'));
  assert.equal(await status(opening), 400);
});

both('a socket that two servers take over is an error of the program, and gets one answer', async (t, WebSocketServer, module) => {
  const lines = await run(module, `
    const web = createServer();
    const servers = [new WebSocketServer({ server: web }), new WebSocketServer({ server: web })];
    let connections = 0;
    for (const server of servers) server.on('connection', () => (connections += 1));
    await new Promise((resolve) => web.listen(0, '127.0.0.1', resolve));
    const socket = connect(web.address().port, '127.0.0.1');
    socket.write(opening);
    void sleep(500).then(() => socket.end());
    const answers = String(await bytesOf(socket)).split('HTTP/1.1 101').length - 1;
    console.log('answers:', answers, 'connections:', connections);
    web.close();
    process.exit();
  `);
  assert.match(lines[0], /^uncaught: .*handleUpgrade.* more than once with the same socket/);
  assert.deepEqual(lines.slice(1), ['answers: 1 connections: 1']);
});

both('a client that has left while verifyClient waited is no connection', async (t, WebSocketServer) => {
  for (const leave of [(socket) => socket.destroy(), (socket) => socket.end()]) {
    let accept;
    const asked = new Promise((resolve) => {
      accept = (_, verdict) => resolve(verdict);
    });
    const server = await serve(t, WebSocketServer, { verifyClient: (info, verdict) => accept(info, verdict) });
    server.on('connection', () => assert.fail('there is nobody'));
    const socket = connectTcp(server.address().port, '127.0.0.1').on('error', () => {});
    socket.write(opening);
    const verdict = await asked;
    leave(socket);
    await new Promise((resolve) => setTimeout(resolve, 100));
    verdict(true);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(server.clients.size, 0);
    socket.destroy();
  }
});

both('a request that comes while the server closes is refused', async (t, WebSocketServer) => {
  let accept;
  const asked = new Promise((resolve) => {
    accept = (_, verdict) => resolve(verdict);
  });
  const server = await serve(t, WebSocketServer, { verifyClient: (info, verdict) => accept(info, verdict) });
  const refused = once(wsClient(t, `ws://127.0.0.1:${server.address().port}/`), 'unexpected-response');
  const verdict = await asked;
  server.close();
  verdict(true);
  const [, { statusCode }] = await refused;
  assert.equal(statusCode, 503);
});

both('more fragments than maxFragments end the connection', async (t, WebSocketServer) => {
  const server = await serve(t, WebSocketServer, { maxFragments: 3 });
  server.on('connection', (connection) => {
    connection.on('error', () => {});
    connection.on('message', (data) => connection.send(data, { binary: false }));
  });
  const client = wsClient(t, `ws://127.0.0.1:${server.address().port}/`);
  await once(client, 'open');
  const fragments = (count) => {
    for (let index = 1; index <= count; index += 1) client.send('x', { fin: index === count });
  };
  fragments(3);
  assert.equal(String((await once(client, 'message'))[0]), 'xxx');
  fragments(4);
  const [code] = await once(client, 'close');
  assert([1008, 1009].includes(code), `${code}`);
});

both('closeTimeout is how long a peer may leave a close frame unanswered', async (t, WebSocketServer) => {
  const server = await serve(t, WebSocketServer, { closeTimeout: 100 });
  const socket = connectTcp(server.address().port, '127.0.0.1').on('error', () => {});
  t.after(() => socket.destroy());
  socket.write(opening);
  const [connection] = await once(server, 'connection');
  connection.on('error', () => {});
  const begin = Date.now();
  connection.close(1000);
  const code = await new Promise((resolve) => connection.on('close', resolve));
  // Without the option it would be 10 s at least.
  assert(code === 1006 && Date.now() - begin < 5000);
});
