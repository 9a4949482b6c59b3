// What the package has beside its own code: `node build/package.mjs COMPONENT` makes the component JavaScript, and brings the
// licences.

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
for (const licence of ['LICENSE-APACHE', 'LICENSE-MIT']) await copyFile(join(root, '..', licence), join(root, licence));

/** jco gives resources a `Symbol.dispose`, and doesn't say so in their types. */
function withDispose(types) {
  return types.replace(/^export class \w+ \{$/gm, '$&\n  /** Frees the resource. Every other call throws from then on. */\n  [Symbol.dispose](): void;');
}
