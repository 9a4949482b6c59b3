// The frame inspector in a browser, served with the policy of the gate.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after } from 'node:test';
import { WebSocketServer } from 'ws';
import { browser } from './browser.mjs';

/** "Hello", as a client sends it and as a server does. */
export const hello = { client: '81 85 37 fa 21 3d 7f 9f 4d 51 58', server: '81 05 48 65 6c 6c 6f' };
/** 256 bytes. */
export const long = '01 '.repeat(256);
/** A request, with line feeds only. */
export const request = [
  'GET /chat HTTP/1.1', 'Host: server.example.com', 'Upgrade: websocket', 'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13', '', '',
].join('\n');
/** The response to it. */
export const response = [
  'HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade',
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=', '', '',
].join('\n');

export const fixture = (name) => readFile(join(import.meta.dirname, '..', 'fixtures', name), 'utf8');

export const file = join(import.meta.dirname, '..', '..', 'inspector', 'dist', 'index.html');

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'wasm-unsafe-eval'; "
  + "connect-src 'self' ws: wss:; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** One for all tests of a file: each has its own context. */
const launched = browser({ after });

/** The page, and an echo server for WebSockets at the same port, gone with the test. */
async function serve(t) {
  const page = await readFile(file);
  const headers = { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': POLICY };
  const server = createServer((_, response) => response.writeHead(200, headers).end(page)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })));
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}/`;
}

/** A panel of the page. Whatever the console complains about fails the test. */
export async function open(t, { panel = 'inspect', from, ...options } = {}) {
  const context = await (await launched).newContext({ viewport: { width: 1100, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const complaints = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  t.after(async () => {
    await context.close();
    assert.deepEqual(complaints, []);
  });
  await page.goto(`${from ?? await serve(t)}${panel && `#${panel}`}`);
  return page;
}

export const result = (page) => page.getByRole('status', { name: 'Result' });
export const input = (page) => page.getByRole('textbox', { name: /^Bytes/ });
export const items = (page) => page.locator('#items .items > li');

/** Types or pastes an input, and waits for what the page says about it. */
export async function inspect(page, text, { sender = 'auto', deflate = 'auto', format = 'auto' } = {}) {
  await input(page).fill('');
  await page.waitForFunction(() => document.getElementById('result').textContent === '');
  await page.getByLabel('Sent by').locator('visible=true').selectOption(sender);
  await page.getByLabel('permessage-deflate').locator('visible=true').selectOption(deflate);
  await page.getByLabel('Format').selectOption(format);
  await input(page).fill(text);
  return said(page);
}

/** What the page says about its input. */
export async function said(page) {
  await page.waitForFunction(() => /^(?!reading)./.test(document.getElementById('result').textContent));
  return result(page).textContent();
}

/** The rows of the table of a frame: a map from the part to its offset, value and meaning. */
export async function parts(item) {
  const rows = await item.locator('.parts tbody tr').all();
  const cells = await Promise.all(rows.map((row) => row.locator('th, td').allTextContents()));
  return new Map(cells.map(([name, at, value, meaning]) => [name, { at, value, meaning }]));
}

/** The text below a title in a frame. */
export function block(item, title) {
  return item.locator('.block', { has: item.page().locator('.title', { hasText: title }) }).locator('pre');
}
