import { fromLatin1 } from '../bytes.js';
import type { Engine } from '../engine.js';
import { looksLikeBase64, readBase64 } from './base64.js';
import { looksLikeDump, readDump } from './dump.js';
import { looksLikeHar, readHar } from './har.js';
import { readHex } from './hex.js';
import { looksLikeRecording, readRecording } from './recording.js';
import { FormatError, type Source, only } from './source.js';

/** What an input can be, by the name that the page shows. */
export const FORMATS = {
  hex: 'hex',
  dump: 'hex dump',
  base64: 'base64',
  head: 'HTTP head',
  raw: 'raw bytes',
  har: 'HAR',
  recording: 'recording of wsgate',
} as const;
export type Format = keyof typeof FORMATS;

const HEAD = /^(?:HTTP\/\d|[A-Z]{3,10} \S+ HTTP\/\d)/;

const READERS: Record<Exclude<Format, 'raw'>, (text: string, engine: Engine) => Source> = {
  hex: readHex,
  dump: readDump,
  base64: readBase64,
  // Whoever pastes a head has lost the carriage returns.
  head: (text) => only(fromLatin1(text.trimStart().replace(/\r?\n/g, '\r\n'))),
  har: readHar,
  recording: readRecording,
};

/** What was given: text that was typed or pasted, or the bytes of a file. */
export type Input = string | Uint8Array;

/** What an input is. @throws FormatError If it is nothing that is known. */
export function recognise(input: Input): Format {
  const text = typeof input === 'string' ? input : textOf(input);
  if (text === undefined) return 'raw';
  if (looksLikeRecording(text)) return 'recording';
  if (looksLikeHar(text)) return 'har';
  // In a file a head stands with its own line ends, and frames may follow it.
  if (HEAD.test(text.trimStart())) return typeof input === 'string' ? 'head' : 'raw';
  if (looksLikeDump(text)) return 'dump';
  const asHex = problemOf(() => readHex(text));
  if (asHex === undefined) return 'hex';
  if (looksLikeBase64(text)) return 'base64';
  // Mostly hex, so a slip; anything else could be anything.
  if ((text.match(/[0-9a-f\s]/gi)?.length ?? 0) > 0.9 * text.length) return 'hex';
  if (typeof input !== 'string') return 'raw';
  throw new FormatError(
    'This is nothing that the page knows: hex, a hex dump, base64, an HTTP head, a HAR, or a recording of wsgate. '
      + `As hex: ${asHex}`,
  );
}

/** @throws FormatError Where the input stops making sense. */
export function read(input: Input, format: Format, engine: Engine): Source {
  if (format === 'raw') return only(typeof input === 'string' ? new TextEncoder().encode(input) : input);
  const text = typeof input === 'string' ? input : textOf(input);
  if (text === undefined) throw new FormatError(`This file is not text, so it is no ${FORMATS[format]}.`);
  return READERS[format](text, engine);
}

/** The text of a file, if it is one. */
function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.subarray(0, 4096).includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function problemOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
