import { FormatError, type Source, only, place } from './source.js';

/** What may stand between the digits: of lists, arrays of C, and escapes. */
const BETWEEN = /0x|\\x|[\s,;:{}()[\]"']/iy;
const PAIR = /[0-9a-f]{2}/iy;

export function readHex(text: string): Source {
  const bytes = digitsOf(text);
  if (bytes.length === 0) throw new FormatError('There are no hex digits.');
  return only(bytes);
}

/** @throws FormatError At what is no pair of digits. */
export function digitsOf(text: string): Uint8Array {
  const bytes: number[] = [];
  let at = 0;
  while (at < text.length) {
    const between = match(BETWEEN, text, at);
    const pair = between || match(PAIR, text, at);
    if (!pair) throw new FormatError(problem(text, at));
    if (!between) bytes.push(parseInt(pair, 16));
    at += pair.length;
  }
  return Uint8Array.from(bytes);
}

function problem(text: string, at: number): string {
  const character = String.fromCodePoint(text.codePointAt(at) as number);
  return /[0-9a-f]/i.test(character)
    ? `Hex has two digits a byte; “${character}” at ${place(text, at)} stands alone.`
    : `Expected a hex digit at ${place(text, at)}, not “${character}”.`;
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}
