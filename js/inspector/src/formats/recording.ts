import { concat, fromBase64 } from '../bytes.js';
import { FormatError, type Mark, type Sender, type Side, type Source } from './source.js';

/** A read or a write of the gate's. */
interface Entry {
  at: number;
  side: 'client' | 'upstream';
  way: 'in' | 'out';
  bytes: Uint8Array;
}

/** The last line, which says what the gate could not write. */
interface End {
  end: true;
  missing?: unknown;
  missing_bytes?: unknown;
  why?: unknown;
}

export function looksLikeRecording(text: string): boolean {
  return /^\s*\{[^\n]*"recording"\s*:/.test(text);
}

/** What `wsgate` has recorded of a connection: JSON Lines. */
export function readRecording(text: string): Source {
  const lines = text.split('\n').map((line, index) => ({ line, number: index + 1 })).filter(({ line }) => line.trim() !== '');
  const [first, ...rest] = lines;
  const head = parse(first?.line ?? '') as { recording?: unknown; version?: unknown; peer?: unknown } | undefined;
  if (head?.recording !== 'wsgate') throw new FormatError('Line 1: expected {"recording":"wsgate","version":1,…}.');
  if (head.version !== 1) throw new FormatError(`Line 1: version 1 is known, not ${JSON.stringify(head.version)}.`);
  const notes = [`Recorded by the gate; the client is ${String(head.peer)}.`];
  const entries: Entry[] = [];
  let end: End | undefined;
  for (const [index, { line, number }] of rest.entries()) {
    const value = parse(line);
    const isLast = index === rest.length - 1;
    if (value === undefined && isLast) {
      notes.push(`Line ${number}, the last, is cut and left out.`);
    } else if (isLast && (value as Partial<End>).end === true) {
      end = value as End;
    } else {
      entries.push(entryOf(value, number));
    }
  }
  notes.push(...whatIsMissing(end));
  const track = (label: string, sender: Sender, side: Entry['side'], way: Entry['way']): Side =>
    sideOf(label, sender, entries.filter((entry) => entry.side === side && entry.way === way));
  const client = [track('client → gate', 'client', 'client', 'in'), track('gate → client', 'server', 'client', 'out')];
  const server = [track('gate → upstream', 'client', 'upstream', 'out'), track('upstream → gate', 'server', 'upstream', 'in')];
  return { connections: [{ label: 'client ↔ gate', sides: client }, { label: 'gate ↔ upstream', sides: server }], notes };
}

function whatIsMissing(end: End | undefined): string[] {
  if (end === undefined) return ['It has no end: the connection was still open, or the gate was killed.'];
  if (end.missing === 0) return [];
  const why = typeof end.why === 'string' ? ` (${end.why})` : '';
  return [`It is incomplete: ${String(end.missing)} reads and writes with ${String(end.missing_bytes)} bytes are missing at its end${why}.`];
}

function entryOf(value: unknown, line: number): Entry {
  const { at, side, way, bytes } = (value ?? {}) as Partial<Record<keyof Entry, unknown>>;
  const isEntry = typeof at === 'number' && (side === 'client' || side === 'upstream') && (way === 'in' || way === 'out');
  if (!isEntry || typeof bytes !== 'string') {
    const form = '{"at":seconds,"side":"client" or "upstream","way":"in" or "out","bytes":base64}';
    throw new FormatError(`Line ${line}: expected ${form}.`);
  }
  try {
    return { at, side, way, bytes: fromBase64(bytes) };
  } catch {
    throw new FormatError(`Line ${line}: its bytes are not base64.`);
  }
}

function sideOf(label: string, sender: Sender, entries: Entry[]): Side {
  const marks: Mark[] = [];
  let offset = 0;
  for (const { at, bytes } of entries) {
    marks.push({ offset, at });
    offset += bytes.length;
  }
  return { label, sender, bytes: concat(entries.map(({ bytes }) => bytes)), marks };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line) ?? undefined;
  } catch {
    return undefined;
  }
}
