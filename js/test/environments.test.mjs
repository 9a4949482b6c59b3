// The package as installed in an empty project: in each version of Node, in Bun and Deno, and in Chromium behind
// bundlers.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { browser, serveFolder } from './support/browser.mjs';

const run = promisify(execFile);
const packed = join(import.meta.dirname, '..', 'websocket-component-0.2.0.tgz');
const TIME = 120_000;

/** The programs of `environments/`, with the package and all environments, from the registry. */
async function project(t) {
  const folder = await mkdtemp(join(tmpdir(), 'websocket-environments-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const here = join(import.meta.dirname, 'environments');
  await cp(here, folder, { recursive: true, filter: (path) => !path.startsWith(join(here, 'node_modules')) });
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', ['install', '--no-save', '--no-package-lock', ...quiet, packed], { cwd: folder, timeout: 5 * TIME });
  return folder;
}

const skip = !process.env.WEBSOCKET_TEST_ENVIRONMENTS && 'they are some 640 MB: `cargo xtask js --environments`';

test('one program runs everywhere', { skip }, async (t) => {
  const folder = await project(t);
  const installed = (...path) => join(folder, 'node_modules', ...path);
  const tool = (name) => installed('.bin', name);
  const options = { cwd: folder, timeout: TIME };
  // In strict TypeScript.
  await run(tool('tsc'), ['-p', '.'], options);

  await t.test('publint and Are the types wrong? find nothing', async () => {
    await run(tool('publint'), ['run', packed, '--strict'], options);
    // The package has only ES modules.
    await run(tool('attw'), [packed, '--profile', 'esm-only'], options);
  });

  const environments = {
    'this Node': [process.execPath, 'talk.js'],
    'Node 22': [installed('node22', 'bin', 'node'), 'talk.js'],
    'Node 24': [installed('node24', 'bin', 'node'), 'talk.js'],
    Bun: [tool('bun'), 'talk.js'],
    Deno: [tool('deno'), 'run', '-A', 'talk.js'],
  };
  for (const [name, [program, ...args]] of Object.entries(environments)) {
    await t.test(name, async () => {
      const { stdout } = await run(program, args, options);
      const said = stdout.split('\n').filter((line) => !line.startsWith('first message')).join('\n');
      assert.equal(said, 'session: 600\nWebSocket: greetings\nclosed: 3000\nover a port: 1,2,3\nconstants: 1 3\n');
      t.diagnostic(`${name}: ${/first message.*/.exec(stdout)[0]}`);
    });
  }

  const chromium = await browser(t);
  const greets = async (root, path) => {
    const page = await chromium.newPage();
    await page.goto(`${await serveFolder(t, root)}${path}`);
    await page.waitForFunction(() => document.title !== 'waiting', undefined, { timeout: TIME });
    assert.match(await page.title(), /^hello \d+ ms$/);
    t.diagnostic(await page.title());
  };
  await t.test('Chromium, bundled by Vite', async () => {
    await run(tool('vite'), ['build', '--logLevel', 'warn'], options);
    await greets(join(folder, 'dist'), '/');
  });
  await t.test('Chromium, bundled by esbuild, with the WebAssembly beside', async () => {
    const bundle = ['page.ts', '--bundle', '--format=esm', '--outfile=site/js/page.ts', '--external:node:*'];
    await run(tool('esbuild'), bundle, options);
    await cp(installed('websocket-component', 'component'), join(folder, 'site', 'component'), { recursive: true });
    await cp(join(folder, 'index.html'), join(folder, 'site', 'js', 'index.html'));
    await greets(join(folder, 'site'), '/js/');
  });
});
