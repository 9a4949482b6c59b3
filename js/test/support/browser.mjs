// A browser, and a server of pages for it.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';

const installed = join(import.meta.dirname, '..', 'node_modules', 'websocket-component');
const types = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.ts': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html; charset=utf-8' };
const executablePath = process.env.WEBSOCKET_TEST_CHROMIUM ?? '/usr/bin/chromium';

/** Headless Chromium, stopped with the test. */
export async function browser(t) {
  const launched = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  t.after(() => launched.close());
  return launched;
}

/** The installed package below `/package/`, the same without media types below `/untyped/`, this folder below `/support/`, and an
 * empty page at `/`. */
export async function pages(t) {
  return serve(t, async (path) => {
    const [, from, ...rest] = path.split('/');
    if (!from) return [types['.html'], '<!doctype html><title>empty</title>'];
    const file = join(from === 'support' ? import.meta.dirname : installed, ...rest);
    const type = from === 'untyped' && file.endsWith('.wasm') ? 'application/octet-stream' : types[extname(file)];
    return [type, await readFile(file)];
  });
}

/** The files below a folder; a path that ends in a slash is its index. */
export async function serveFolder(t, folder) {
  return serve(t, async (path) => {
    const file = join(folder, path.endsWith('/') ? `${path}index.html` : path);
    return [types[extname(file)], await readFile(file)];
  });
}

/** A server of what `read` returns for a path: a media type, and the content. */
async function serve(t, read) {
  const server = createServer(async (request, response) => {
    try {
      const [type, content] = await read(normalize(new URL(request.url, 'http://a').pathname));
      return response.setHeader('Content-Type', type ?? 'text/plain').end(content);
    } catch {
      return response.writeHead(404).end();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}
