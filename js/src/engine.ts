import { instantiate, type Root } from '../component/websocket.js';
import { Core, Representations } from './core.js';

/** The engine's WebAssembly: its bytes, a compiled module, a file or URL, or a response. */
export type Source = BufferSource | WebAssembly.Module | URL | string | Response | PromiseLike<Response>;

/** The core module that is the engine. The component's other modules are a few bytes of glue. */
const ENGINE = 'websocket.core.wasm';
const FILES: Record<string, URL> = {
  // Literal, so that bundlers find them.
  [ENGINE]: new URL('../component/websocket.core.wasm', import.meta.url),
  'websocket.core2.wasm': new URL('../component/websocket.core2.wasm', import.meta.url),
  'websocket.core3.wasm': new URL('../component/websocket.core3.wasm', import.meta.url),
};

let shared: Promise<Engine> | undefined;
let current: Engine | undefined;

/**
 * An instance of the component: a sandbox with its own memory.
 *
 * Sessions share one engine by default. A session with its own engine is also isolated from the others, and its memory
 * is freed with the engine.
 *
 * ```js
 * import { Engine } from 'websocket-component';
 *
 * const engine = await Engine.load();
 * console.log(engine.memory); // in bytes
 * ```
 */
export class Engine {
  /** The component's own interfaces: `session`, `options` and `inspector` of `websocket:protocol`. */
  readonly component: Root;
  /** @internal The functions that are called for each read and each message. */
  readonly core: Core;
  /** @internal */
  readonly representations: Representations;
  readonly #modules: ReadonlyMap<string, WebAssembly.Module>;
  readonly #memory: WebAssembly.Memory;
  #failure: Error | undefined;

  private constructor(
    component: Root,
    modules: ReadonlyMap<string, WebAssembly.Module>,
    instance: WebAssembly.Instance,
    representations: Representations,
  ) {
    this.component = component;
    this.#modules = modules;
    this.core = new Core(instance);
    this.representations = representations;
    this.#memory = instance.exports['memory'] as WebAssembly.Memory;
  }

  /**
   * Compiles the engine, while it downloads if possible, and creates an instance.
   *
   * @param source The file `websocket.core.wasm` of this package, if it isn't beside this module.
   */
  static async load(source?: Source): Promise<Engine> {
    const names = Object.keys(FILES);
    const compiled = await Promise.all(
      names.map((name) => compile(name === ENGINE && source !== undefined ? source : (FILES[name] as URL))),
    );
    return Engine.#instantiate(new Map(names.map((name, index) => [name, compiled[index] as WebAssembly.Module])));
  }

  /** Returns the default engine, which all sessions share. Loads it at the first call. */
  static shared(): Promise<Engine> {
    shared ??= Engine.load().then(
      (engine) => {
        current = engine;
        return engine;
      },
      (error: unknown) => {
        shared = undefined;
        throw error;
      },
    );
    return shared;
  }

  /** Creates another instance, without compiling again. */
  another(): Promise<Engine> {
    return Engine.#instantiate(this.#modules);
  }

  /** The error that it trapped with, if it did: its state can't be relied on any more, so its connections end. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** @internal Records a trap. If this is the shared engine, later sessions get a new one. */
  trapped(cause: unknown): void {
    this.#failure ??= new Error('the sandbox has trapped', { cause });
    if (current === this) shared = undefined;
  }

  /** The size of its memory, in bytes. It grows as needed, and never shrinks. */
  get memory(): number {
    return this.#memory.buffer.byteLength;
  }

  static async #instantiate(modules: ReadonlyMap<string, WebAssembly.Module>): Promise<Engine> {
    const representations = new Representations();
    let engine: WebAssembly.Instance | undefined;
    const component = await instantiate(
      (name) => modules.get(name) as WebAssembly.Module,
      {},
      async (module, imports) => {
        const instance = await WebAssembly.instantiate(module, representations.noting(imports as WebAssembly.Imports | undefined));
        if (instance.exports['memory']) engine = instance;
        return instance;
      },
    );
    return new Engine(component, modules, engine as WebAssembly.Instance, representations);
  }
}

async function compile(source: Source): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (ArrayBuffer.isView(source) || source instanceof ArrayBuffer) return WebAssembly.compile(source as BufferSource);
  if (source instanceof URL || typeof source === 'string') {
    return isFile(source) ? compileFile(source) : compileResponse(fetch(source));
  }
  return compileResponse(source as Response | PromiseLike<Response>);
}

/** Without a page, a string that isn't a URL is a path. */
function isFile(source: URL | string): boolean {
  const isPath = typeof source === 'string' && !globalThis.location && !/^[a-z]{2,}:/i.test(source);
  return isPath || String(source).startsWith('file:');
}

async function compileFile(file: URL | string): Promise<WebAssembly.Module> {
  const { readFile } = await import(/* webpackIgnore: true */ /* @vite-ignore */ 'node:fs/promises');
  const isUrl = typeof file === 'string' && file.startsWith('file:');
  return WebAssembly.compile(await readFile(isUrl ? new URL(file) : file));
}

async function compileResponse(pending: Response | PromiseLike<Response>): Promise<WebAssembly.Module> {
  const response = await pending;
  if (!response.ok) throw new Error(`${response.url}: status ${response.status}`);
  // Streaming compilation requires the media type, which not every server sends.
  const streams = response.headers.get('content-type')?.startsWith('application/wasm') ?? false;
  return streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}
