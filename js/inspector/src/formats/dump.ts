import { FormatError, type Source, only } from './source.js';

/** The offset that begins a line; a colon is xxd's. */
const OFFSET = /^\s*([0-9a-f]{4,16})(:?)(?=\s|$)/i;
/** `hexdump` without `-C` shows words, in the byte order of its machine. */
const WORDS = /^\s*[0-9a-f]{4,16}\s+([0-9a-f]{4}\s+)+[0-9a-f]{4}\s*$/i;

/** The most bytes that a dump has in a line. */
const WIDEST = 64;

/** Whether each line has an offset, and not just digits that could be one. */
export function looksLikeDump(text: string): boolean {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const [first, second] = lines.map((line) => OFFSET.exec(line));
  if (!first || !lines.every((line) => OFFSET.test(line) || line.trim() === '*')) return false;
  if (first[2] === ':' || /[|>]|\s{3}/.test(lines[0] as string)) return true;
  const step = second ? parseInt(second[1] as string, 16) - parseInt(first[1] as string, 16) : 0;
  return step > 0 && step <= WIDEST;
}

/** Dumps of `xxd`, `hexdump -C`, `od -A x -t x1z` and Wireshark. */
export function readDump(text: string): Source {
  const bytes: number[] = [];
  let start: number | undefined;
  let row: number[] = [];
  let isRepeated = false;
  for (const [index, line] of text.split('\n').entries()) {
    const where = `Line ${index + 1}`;
    if (line.trim() === '') continue;
    if (line.trim() === '*') {
      isRepeated = true;
      continue;
    }
    const [prefix, digits, colon] = OFFSET.exec(line) ?? [];
    if (prefix === undefined || digits === undefined) {
      throw new FormatError(`${where}: expected an offset of at least 4 hex digits.`);
    }
    if (!colon && WORDS.test(line)) {
      const words = 'these are words of two bytes, in an order that depends on the machine';
      throw new FormatError(`${where}: ${words}. Use xxd or hexdump -C.`);
    }
    const here = parseInt(digits, 16);
    start ??= here;
    if (isRepeated) repeat(bytes, row, here - start);
    isRepeated = false;
    if (here - start !== bytes.length) {
      throw new FormatError(`${where}: its offset is ${digits}, but ${bytes.length} bytes stand before it.`);
    }
    row = bytesOf(line.slice(prefix.length), colon === ':', where);
    bytes.push(...row);
  }
  if (bytes.length === 0) throw new FormatError('There are no bytes behind the offsets.');
  return only(Uint8Array.from(bytes));
}

/** A star stands for rows like the one before it. */
function repeat(bytes: number[], row: number[], end: number): void {
  while (row.length > 0 && bytes.length < end) bytes.push(...row);
}

function bytesOf(columns: string, isXxd: boolean, where: string): number[] {
  // The text beside the bytes may look like bytes: xxd sets it off with two spaces, the others with a mark or three.
  const [digits = ''] = columns.trim().split(isXxd ? /\s{2,}/ : /\s*[|>]|\s{3,}/);
  const compact = digits.replace(/\s/g, '');
  const stray = /[^0-9a-f]/i.exec(compact);
  if (stray) throw new FormatError(`${where}: expected a hex digit, not “${stray[0]}”.`);
  if (compact.length % 2 === 1) throw new FormatError(`${where}: a byte has only one hex digit.`);
  return (compact.match(/../g) ?? []).map((pair) => parseInt(pair, 16));
}
