import { concat, fromBase64, fromLatin1, utf8 } from '../bytes.js';
import { type Draft, compose } from '../compose.js';
import type { Engine } from '../engine.js';
import { type Connection, FormatError, type Sender, type Side, type Source, place } from './source.js';

interface Field {
  name: string;
  value: string;
}

interface Message {
  type: string;
  time: number;
  opcode: number;
  data: string;
}

interface Entry {
  startedDateTime?: string;
  request?: { url?: string; headers?: Field[] };
  response?: { status?: number; statusText?: string; headers?: Field[] };
  _webSocketMessages?: Message[];
}

const KINDS: Record<number, Exclude<Draft['kind'], 'close'>> = { 1: 'text', 2: 'binary', 9: 'ping', 10: 'pong' };
const CLOSE = 8;

export function looksLikeHar(text: string): boolean {
  return /^\s*\{\s*(?:["}]|$)/.test(text);
}

/** The WebSockets in a browser's HAR. It keeps messages and not frames, so the engine makes their frames again. */
export function readHar(text: string, engine: Engine): Source {
  const entries = (parse(text) as { log?: { entries?: Entry[] } } | null)?.log?.entries;
  if (!Array.isArray(entries)) throw new FormatError('This JSON is no HAR: there is no log.entries.');
  const sockets = entries.filter((entry) => Array.isArray(entry?._webSocketMessages));
  if (sockets.length === 0) {
    const hint = 'Open the network tab of the browser before the connection is made, then export.';
    throw new FormatError(`This HAR has no WebSocket. ${hint}`);
  }
  return {
    connections: sockets.map((entry, index) => connectionOf(entry, sockets.length > 1 ? `${index + 1}. ` : '', engine)),
    notes: ['A HAR keeps messages, not frames: each is shown as one frame, made again by the engine.'],
  };
}

function connectionOf(entry: Entry, number: string, engine: Engine): Connection {
  const { startedDateTime = '', request = {}, response = {}, _webSocketMessages: messages = [] } = entry;
  const url = request.url ?? '';
  const start = Date.parse(startedDateTime) / 1000 || (messages[0]?.time ?? 0);
  const { pathname = '/', search = '' } = URL.canParse(url) ? new URL(url) : {};
  const asked = headOf(`GET ${pathname}${search} HTTP/1.1`, request.headers);
  const answered = headOf(`HTTP/1.1 ${response.status ?? ''} ${response.statusText ?? ''}`, response.headers);
  const side = (label: string, sender: Sender, type: string, head: Uint8Array): Side => {
    const parts = [head];
    const marks = head.length > 0 ? [{ offset: 0, at: 0 }] : [];
    let offset = head.length;
    for (const message of messages.filter((one) => one?.type === type)) {
      const bytes = compose(engine, draftOf(message), { sender });
      marks.push({ offset, at: message.time - start });
      parts.push(bytes);
      offset += bytes.length;
    }
    return { label, sender, bytes: concat(parts), marks };
  };
  return {
    label: number + (url || 'client ↔ server'),
    sides: [
      side('client → server', 'client', 'send', asked),
      side('server → client', 'server', 'receive', answered),
    ],
  };
}

/** A head in bytes, if the browser has kept one of HTTP/1.1. */
function headOf(line: string, fields: Field[] = []): Uint8Array {
  if (fields.length === 0 || fields.some(({ name }) => name.startsWith(':'))) return new Uint8Array();
  return fromLatin1([line, ...fields.map(({ name, value }) => `${name}: ${value}`), '', ''].join('\r\n'));
}

function draftOf({ opcode, data }: Message): Draft {
  if (opcode === CLOSE) return { kind: 'close', code: undefined, reason: '' };
  const kind = KINDS[opcode];
  if (!kind || typeof data !== 'string') throw new FormatError(`A message of this HAR has the opcode ${opcode}, which none has.`);
  try {
    return { kind, bytes: kind === 'text' ? utf8(data) : fromBase64(data) };
  } catch {
    throw new FormatError('A binary message of this HAR is not base64.');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    const [, index] = /position (\d+)/.exec(message) ?? [];
    const where = index ? `stops making sense at ${place(text, Number(index))}` : 'ends too early';
    throw new FormatError(`This is no complete JSON: it ${where}.`);
  }
}
