// The package as it is published, in an otherwise empty project.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { serveWs, wsClient } from './support/connections.mjs';

const run = promisify(execFile);
const tests = import.meta.dirname;
const packed = join(tests, '..', 'websocket-component-0.2.0.tgz');
const types = fileURLToPath(new URL('support/types.ts', import.meta.url));
const browserTypes = fileURLToPath(new URL('support/types-browser.ts', import.meta.url));

/** A port without a listener. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** An empty project with the package in it. */
async function project(t) {
  const folder = await mkdtemp(join(tmpdir(), 'websocket-package-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', packed], { cwd: folder });
  return folder;
}

test('it installs without any other package', async (t) => {
  const folder = await project(t);
  const lock = JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8'));
  assert.deepEqual(Object.keys(lock.packages), ['', 'node_modules/websocket-component']);
});

test('the programs of its README run', async (t) => {
  const folder = await project(t);
  const readme = await readFile(join(folder, 'node_modules', 'websocket-component', 'README.md'), 'utf8');
  const [session, node] = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, program]) => program);
  const port = await freePort();
  for (const program of [session, node.replaceAll('8080', port)]) {
    await writeFile(join(folder, 'main.js'), program);
    const { stdout, stderr } = await run(process.execPath, ['main.js'], { cwd: folder });
    assert.deepEqual([stdout, stderr], ['hello\n', '']);
  }
});

test('the proxy of its README runs', async (t) => {
  const folder = await project(t);
  const readme = await readFile(join(folder, 'node_modules', 'websocket-component', 'README.md'), 'utf8');
  const [program] = /^import \{ connect, createServer \}.*?(?=```)/ms.exec(readme);
  const back = await serveWs(t);
  const port = await freePort();
  await writeFile(join(folder, 'main.js'), program.replace('8080', port).replace('9000', new URL(back.url).port));
  const proxy = spawn(process.execPath, ['main.js'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => proxy.kill());
  await reached(port);
  const client = wsClient(t, `ws://127.0.0.1:${port}`);
  await once(client, 'open');
  const answer = once(client, 'message');
  for (const text of ['secret', 'hello']) client.send(text);
  assert.equal(String(await answer), 'hello,false');
  client.close();
  const lines = [];
  for await (const line of createInterface(proxy.stdout)) {
    if (lines.push(line) === 4) break;
  }
  // The connection that only probed for a listener is lost.
  const lost = 'client: the transport ended before the closing handshake (RFC 6455 7.1.5)';
  assert.deepEqual(lines.sort(), ['client sent hello', 'client sent secret', lost, 'closed by the client'].sort());
});

/** Waits for a listener. */
async function reached(port) {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isReached = await new Promise((resolve) => socket.on('connect', () => resolve(true)).on('error', () => resolve(false)));
    socket.destroy();
    if (isReached) return;
    await sleep(20);
  }
}

test('it holds what it needs and nothing else', async (t) => {
  const folder = join(await project(t), 'node_modules', 'websocket-component');
  const { files } = JSON.parse((await run('npm', ['pack', '--dry-run', '--json', folder])).stdout)[0];
  const names = files.map(({ path }) => path);
  for (const name of ['README.md', 'LICENSE-MIT', 'LICENSE-APACHE', 'dist/index.d.ts', 'dist/node/index.d.ts', 'component/websocket.core.wasm']) {
    assert(names.includes(name), name);
  }
  const others = names.filter((name) => !/^(dist|component)\/|^(README\.md|LICENSE-\w+|package\.json)$/.test(name));
  assert.deepEqual(others, []);
});

test('its types are strict, in Node and in a browser without Node\'s', async (t) => {
  const folder = await project(t);
  const tsc = join(tests, 'node_modules', 'typescript', 'bin', 'tsc');
  const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--target', 'es2022'];
  await cp(browserTypes, join(folder, 'browser.ts'));
  const browser = ['--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'es2022,esnext.disposable,dom,dom.asynciterable'];
  await check(tsc, [...options, ...browser, 'browser.ts'], folder);
  await cp(types, join(folder, 'node.ts'));
  await symlink(join(tests, 'node_modules', '@types'), join(folder, 'node_modules', '@types'));
  await symlink(join(tests, 'node_modules', 'undici-types'), join(folder, 'node_modules', 'undici-types'));
  const node = ['--module', 'nodenext', '--lib', 'es2022,esnext.disposable,dom,dom.asynciterable', '--types', 'node'];
  await check(tsc, [...options, ...node, 'node.ts'], folder);
});

async function check(tsc, args, cwd) {
  await run(process.execPath, [tsc, ...args], { cwd }).catch(({ stdout }) => assert.fail(stdout));
}
