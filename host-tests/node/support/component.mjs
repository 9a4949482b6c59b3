// The component as a JavaScript host gets it: transpiled by jco, into a folder that is gone afterwards.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transpile } from '@bytecodealliance/jco';

const built = fileURLToPath(new URL('../../../target/component/websocket.wasm', import.meta.url));
const path = process.env.WEBSOCKET_COMPONENT ?? built;

/** What `cargo xtask component` built. */
const wasm = await readFile(path).catch(() => {
  throw new Error(`there is no component at ${path}: build it with \`cargo xtask component\``);
});

/** The files that jco makes of the component, in a folder that `use` is given. */
async function withTranspiled(options, use) {
  const folder = await mkdtemp(join(tmpdir(), 'websocket-jco-'));
  try {
    const { files } = await transpile(wasm, { name: 'websocket', ...options });
    for (const [name, content] of Object.entries(files)) {
      const file = join(folder, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The interfaces `session` and `options`, from a module that is imported as any other. */
export function loadComponent() {
  return withTranspiled({}, async (folder) => {
    const { session, options } = await import(pathToFileURL(join(folder, 'websocket.js')));
    return { ...session, ...options };
  });
}

/**
 * The interfaces `session` and `options` of an instance of its own, and its memory: the sandbox of
 * a host that keeps its connections apart.
 */
export function instantiateComponent() {
  return withTranspiled({ instantiation: 'async' }, async (folder) => {
    const { instantiate } = await import(pathToFileURL(join(folder, 'websocket.js')));
    const compile = async (name) => WebAssembly.compile(await readFile(join(folder, name)));
    let memory;
    const { session, options } = await instantiate(compile, {}, async (module, imports) => {
      const core = await WebAssembly.instantiate(module, imports);
      memory ??= core.exports.memory;
      return core;
    });
    return { component: { ...session, ...options }, memory };
  });
}
