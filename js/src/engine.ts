import { instantiate, type Root } from '../component/websocket.js';
import { Core, Representations } from './core.js';

/** Where the engine's WebAssembly comes from: its bytes, a compiled module, a file or URL, or a response. */
export type Source = BufferSource | WebAssembly.Module | URL | string | Response | PromiseLike<Response>;

/** The part of the component that is the engine. The others are a few bytes, and only fit together with it. */
const ENGINE = 'websocket.core.wasm';
const FILES: Record<string, URL> = {
  // Spelled out, so that bundlers see them.
  [ENGINE]: new URL('../component/websocket.core.wasm', import.meta.url),
  'websocket.core2.wasm': new URL('../component/websocket.core2.wasm', import.meta.url),
  'websocket.core3.wasm': new URL('../component/websocket.core3.wasm', import.meta.url),
};

let shared: Promise<Engine> | undefined;
let current: Engine | undefined;

/**
 * An instance of the component: a sandbox with a memory of its own.
 *
 * Sessions that don't name one share one. What a peer sends stays in the sandbox either way; sessions with an engine of
 * their own are kept apart from each other too, and their memory is given back when the engine is dropped.
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
  /** @internal What is called for each read and each message. */
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
   * Compiles the engine, while it still streams in where that can be, and makes an instance.
   *
   * @param source The file `websocket.core.wasm` of this package, from elsewhere than beside this module.
   */
  static async load(source?: Source): Promise<Engine> {
    const names = Object.keys(FILES);
    const compiled = await Promise.all(
      names.map((name) => compile(name === ENGINE && source !== undefined ? source : (FILES[name] as URL))),
    );
    return Engine.#instantiate(new Map(names.map((name, index) => [name, compiled[index] as WebAssembly.Module])));
  }

  /** The engine of all sessions that don't name one; loaded when it is first asked for. */
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

  /** Another instance of what was compiled for this one. */
  another(): Promise<Engine> {
    return Engine.#instantiate(this.#modules);
  }

  /** What it trapped with, if it did: its memory is in no state that can be relied on, so its connections end. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** @internal It has trapped. If all share it, they get another one from now on. */
  trapped(cause: unknown): void {
    this.#failure ??= new Error('the sandbox has trapped', { cause });
    if (current === this) shared = undefined;
  }

  /** How much memory it has taken, in bytes. It takes more when it needs more, and never gives any back. */
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

/** Where there is no page, what isn't a URL is a path. */
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
  // Streaming insists on the media type, which not every server knows.
  const streams = response.headers.get('content-type')?.startsWith('application/wasm') ?? false;
  return streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}
