// The gate, and a tunnel to it for programs without TCP.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocketServer } from 'ws';

const target = join(import.meta.dirname, '..', '..', '..', 'target');
const program = process.env.WEBSOCKET_TEST_GATE ?? join(target, 'release', 'wsgate');
const component = process.env.WEBSOCKET_COMPONENT ?? join(target, 'component', 'websocket.wasm');

/** The gate with an echo server behind it, stopped with the test: its host and port. */
export async function gate(t, args = []) {
  const child = spawn(program, ['--component', component, '--listen', '127.0.0.1:0', '--demo', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(async () => {
    if (child.exitCode !== null) return;
    child.kill();
    await once(child, 'exit');
  });
  child.stderr.resume();
  for await (const line of createInterface(child.stdout)) {
    const [, address] = /(127\.0\.0\.1:\d+)/.exec(line) ?? [];
    if (address) {
      child.stdout.resume();
      return address;
    }
  }
  throw new Error('the gate does not say where it listens');
}

/** A server that carries bytes in WebSockets of npm's ws to a TCP port: its URL. */
export async function tunnel(t, address) {
  const [host, port] = address.split(':');
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (carrier) => {
    const socket = connect(Number(port), host);
    carrier.on('message', (data) => socket.write(data));
    carrier.on('close', () => socket.end());
    socket.on('data', (data) => carrier.send(data));
    socket.on('end', () => carrier.close());
    socket.on('error', () => carrier.terminate());
  });
  await once(server, 'listening');
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${server.address().port}/`;
}
