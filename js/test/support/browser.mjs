// A browser, and a server of pages for it.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';

const installed = join(import.meta.dirname, '..', 'node_modules', 'websocket-component');
const types = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm', '.html': 'text/html; charset=utf-8' };
const executablePath = process.env.WEBSOCKET_TEST_CHROMIUM ?? '/usr/bin/chromium';

/** Headless Chromium, gone with the test. */
export async function browser(t) {
  const launched = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  t.after(() => launched.close());
  return launched;
}

/** The installed package below `/package/`, the same without media types below `/untyped/`, this folder below `/support/`, and an
 * empty page at `/`. */
export async function pages(t) {
  const server = createServer(async (request, response) => {
    const [, from, ...rest] = normalize(new URL(request.url, 'http://a').pathname).split('/');
    try {
      if (!from) return response.setHeader('Content-Type', types['.html']).end('<!doctype html><title>empty</title>');
      const file = join(from === 'support' ? import.meta.dirname : installed, ...rest);
      const type = from === 'untyped' && file.endsWith('.wasm') ? 'application/octet-stream' : types[extname(file)];
      return response.setHeader('Content-Type', type ?? 'text/plain').end(await readFile(file));
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
