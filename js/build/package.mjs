// What the package has beside its own code: `node build/package.mjs COMPONENT` makes the component JavaScript, optimises its
// WebAssembly, and brings the licences.

import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { transpile } from '@bytecodealliance/jco';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'component');

const wasm = await readFile(process.argv[2]);
const { files } = await transpile(wasm, { name: 'websocket', instantiation: 'async', minify: true });
await rm(folder, { recursive: true, force: true });
await rm(join(root, 'dist'), { recursive: true, force: true });
for (const [name, content] of Object.entries(files)) {
  const file = join(folder, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, name.endsWith('.d.ts') ? withDispose(String(Buffer.from(content))) : content);
}
optimise(join(folder, 'websocket.core.wasm'));
for (const licence of ['LICENSE-APACHE', 'LICENSE-MIT']) await copyFile(join(root, '..', licence), join(root, licence));

/** What browsers download gets smaller by a tenth, and no slower. */
function optimise(file) {
  const features = ['bulk-memory', 'multivalue', 'mutable-globals', 'nontrapping-float-to-int', 'reference-types', 'sign-ext', 'simd'];
  const flags = ['-O3', '--strip-debug', '--strip-producers', ...features.map((name) => `--enable-${name}`)];
  execFileSync(join(root, 'node_modules', '.bin', 'wasm-opt'), [file, '--output', file, ...flags]);
}

/** jco gives resources a `Symbol.dispose`, and doesn't say so in their types. */
function withDispose(types) {
  return types.replace(/^export class \w+ \{$/gm, '$&\n  /** Frees the resource. Every other call throws from then on. */\n  [Symbol.dispose](): void;');
}
