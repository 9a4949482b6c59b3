// The frame inspector: `node build/inspector.mjs` makes one page of its sources and the engine, which needs nothing else.

import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build, transform } from 'esbuild';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'inspector');
const target = ['chrome120', 'firefox120', 'safari17'];

// esbuild takes the types away, and doesn't look at them.
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
await promisify(execFile)(process.execPath, [compiler, '-p', folder]).catch(({ stdout }) => {
  console.error(stdout);
  process.exit(1);
});

const { outputFiles: [script] } = await build({
  entryPoints: [join(folder, 'src', 'main.ts')],
  bundle: true,
  write: false,
  minify: true,
  format: 'esm',
  target,
  charset: 'utf8',
  legalComments: 'none',
  loader: { '.wasm': 'binary' },
  // The package is free of side effects; a page is nothing else.
  ignoreAnnotations: true,
  // For Node only, where the component could be.
  external: ['node:fs/promises'],
});
const style = await transform(await readFile(join(folder, 'style.css'), 'utf8'), { loader: 'css', minify: true, target });

const page = (await readFile(join(folder, 'index.html'), 'utf8'))
  .replace('<style></style>', () => `<style>${style.code.trim()}</style>`)
  .replace('<script type="module"></script>', () => `<script type="module">${script.text.trim()}</script>`);
await mkdir(join(folder, 'dist'), { recursive: true });
await writeFile(join(folder, 'dist', 'index.html'), page);
