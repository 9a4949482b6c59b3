// Mistakes of the program, each in a separate process.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

/** Returns what a program prints. */
function run(program) {
  const options = ['--expose-gc', '--input-type=module', '--eval', program];
  return promisify(execFile)(process.execPath, options, { cwd: import.meta.dirname });
}

test('a session that was dropped without being closed is reported', async () => {
  const { stderr } = await run(`
    import { setTimeout as sleep } from 'node:timers/promises';
    import { WebSocketSession } from 'websocket-component';
    const nobody = { start() {}, write: () => true, writableLength: 0, pause() {}, resume() {}, end() {}, destroy() {} };
    const url = 'ws://example.com';
    const forget = () => void WebSocketSession.connect({ ...nobody }, { url, timeouts: { handshake: Infinity } });
    forget();
    for (let count = 0; count < 50; count += 1) {
      await sleep(10);
      globalThis.gc();
    }
  `);
  assert.match(stderr, /\[WS_SESSION_LEAKED\] Warning: a WebSocket session was dropped/);
});

test('a listener that throws is an uncaught error of the program, and its connection goes on', async () => {
  const { stdout } = await run(`
    import { WebSocket, WebSocketServer } from 'websocket-component/node';
    process.on('uncaughtException', ({ message }) => console.log('uncaught:', message));
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
      const socket = new WebSocket('ws://127.0.0.1:' + server.address().port);
      socket.onopen = () => {
        socket.send('one');
        socket.send('two');
      };
      socket.onmessage = ({ data }) => {
        console.log('came back:', data);
        socket.close();
        server.close();
      };
    });
    server.on('connection', (socket) => {
      socket.on('message', (data) => {
        if (String(data) === 'one') throw new Error('of the program');
        socket.send(data, { binary: false });
      });
    });
  `);
  assert.deepEqual(stdout.trim().split('\n').sort(), ['came back: two', 'uncaught: of the program']);
});

test('an inspection that was dropped without being closed is reported', async () => {
  const { stderr } = await run(`
    import { setTimeout as sleep } from 'node:timers/promises';
    import { inspect } from 'websocket-component';
    const nobody = { start() {}, write: () => true, writableLength: 0, pause() {}, resume() {}, end() {}, destroy() {} };
    const forget = () => void inspect({ ...nobody }, { ...nobody }, { timeouts: { handshake: Infinity } });
    forget();
    for (let count = 0; count < 50; count += 1) {
      await sleep(10);
      globalThis.gc();
    }
  `);
  assert.match(stderr, /\[WS_SESSION_LEAKED\] Warning/);
});

test('a function for what is seen that throws is an uncaught error of the program, and its connection goes on', async () => {
  const { stdout } = await run(`
    import { WebSocketSession, inspect } from 'websocket-component';
    process.on('uncaughtException', ({ message }) => console.log('uncaught:', message));
    const [front, back] = [new MessageChannel(), new MessageChannel()];
    const seen = ({ type }) => {
      if (type === 'opened') throw new Error('of the program');
    };
    const [inspection, client, server] = await Promise.all([
      inspect(front.port2, back.port1, { seen }),
      WebSocketSession.connect(front.port1, { url: 'ws://a' }),
      WebSocketSession.accept(back.port2),
    ]);
    await client.close();
    const { wasClean } = await inspection.closed;
    console.log('clean:', wasClean);
  `);
  assert.deepEqual(stdout.trim().split('\n'), ['uncaught: of the program', 'clean: true']);
});

test('an error that nobody listens to ends no program', async () => {
  const { stdout } = await run(`
    import { connect } from 'node:net';
    import { WebSocketServer } from 'websocket-component/node';
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
      const socket = connect(server.address().port);
      const fields = 'Host: a\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Version: 13\\r\\n';
      socket.write('GET / HTTP/1.1\\r\\n' + fields + 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n');
      socket.once('data', () => socket.end(Buffer.from([0xff, 0x80, 0, 0, 0, 0])));
    });
    server.on('connection', (socket) => {
      socket.on('close', (code) => {
        console.log('closed with', code);
        server.close();
      });
    });
  `);
  assert.equal(stdout.trim(), 'closed with 1006');
});
