// Where the engine's WebAssembly comes from, in Node.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Engine } from 'websocket-component';
import { coreOf } from './support/component.mjs';
import { http, pair, take } from './support/connections.mjs';

const misbehaving = new URL('../../target/component/websocket-misbehave.wasm', import.meta.url);
const file = new URL(import.meta.resolve('websocket-component/component/websocket.core.wasm'));

test('it comes from a file, a URL, a response, bytes or a module, and works', async (t) => {
  const bytes = await readFile(file);
  const { port } = await http(t, (request, response) => {
    if (request.url === '/typed') response.setHeader('Content-Type', 'application/wasm');
    response.end(bytes);
  });
  const url = (path) => new URL(path, `http://127.0.0.1:${port}`);
  const sources = [
    fileURLToPath(file), relative(process.cwd(), fileURLToPath(file)), file, url('/typed'), url('/untyped').href,
    fetch(url('/typed')), bytes, await WebAssembly.compile(bytes),
  ];
  for (const source of sources) {
    const engine = await Engine.load(source);
    const [client, server] = await pair({ client: { engine }, server: { engine } });
    await client.send('works');
    assert.deepEqual(await take(server, 1), ['works']);
    await client.close();
  }
});

test('what is no such file is an error that says what was there', async (t) => {
  const { port } = await http(t, (_, response) => response.writeHead(404).end());
  await assert.rejects(Engine.load(new URL('./nothing.wasm', file)), { code: 'ENOENT' });
  await assert.rejects(Engine.load(`http://127.0.0.1:${port}/nothing.wasm`), /nothing\.wasm: status 404/);
  await assert.rejects(Engine.load(new Uint8Array([1, 2, 3])), WebAssembly.CompileError);
});

test('all sessions that name no engine share one', async () => {
  assert.equal(await Engine.shared(), await Engine.shared());
});

test('a sandbox that traps ends all of its connections, and no others', async () => {
  const component = await readFile(process.env.WEBSOCKET_COMPONENT_MISBEHAVE ?? misbehaving);
  const engine = await Engine.load(coreOf(component));
  const [client, server] = await pair({ client: { engine }, server: { engine } });
  const [bystander, peer] = await pair({ client: { engine } });
  const [other] = await pair();
  void client.send('misbehave: trap').catch(() => {});
  const { error } = await server.closed;
  assert.equal(error, engine.failure);
  assert(error.cause instanceof WebAssembly.RuntimeError);
  await assert.rejects(bystander.send('too late'), error);
  assert.equal((await bystander.closed).error, error);
  await peer.closed;
  assert.equal(other.state, 'open');
  other.abort();
  await assert.rejects(pair({ client: { engine } }), error);
});
