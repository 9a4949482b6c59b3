// Where the parts of a frame are (RFC 6455, section 5.2). For display only: what is right and wrong the engine says.

export const OPCODES: Record<number, string> = { 0: 'continuation', 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };

/** A frame as it is in the bytes, of which the last parts may be missing. */
export interface Wire {
  start: number;
  /** The two bytes that each frame has. */
  first: number;
  second: number | undefined;
  /** Where the extended length is, and how many bytes it takes: 0, 2 or 8. */
  extended: { at: number; size: number };
  /** Where the masking key is, if there is one. */
  key: number | undefined;
  /** Where the payload begins, or would begin. */
  payload: number;
  /** How long the payload is, once the header has told. */
  length: bigint | undefined;
  /** Where the frame ends, or the bytes do. */
  end: number;
  /** How many bytes of it are missing; at least so many if the header is cut. */
  missing: bigint;
}

/** The frame that starts at an offset. */
export function cut(bytes: Uint8Array, start: number): Wire {
  const [first = 0, second] = bytes.subarray(start, start + 2);
  const short = (second ?? 0) & 0x7f;
  const size = short === 127 ? 8 : short === 126 ? 2 : 0;
  const extended = { at: start + 2, size };
  const key = ((second ?? 0) & 0x80) === 0 ? undefined : extended.at + size;
  const payload = (key ?? extended.at + size) + (key === undefined ? 0 : 4);
  const length = second === undefined ? undefined : lengthOf(bytes.subarray(extended.at, extended.at + size), size, short);
  const whole = BigInt(payload) + (length ?? 0n);
  const missing = whole > BigInt(bytes.length) ? whole - BigInt(bytes.length) : 0n;
  return { start, first, second, extended, key, payload, length, end: missing > 0n ? bytes.length : Number(whole), missing };
}

function lengthOf(bytes: Uint8Array, size: number, short: number): bigint | undefined {
  if (size === 0) return BigInt(short);
  if (bytes.length < size) return undefined;
  return bytes.reduce((length, byte) => (length << 8n) | BigInt(byte), 0n);
}

export function isFinal({ first }: Wire): boolean {
  return (first & 0x80) !== 0;
}

export function opcodeOf({ first }: Wire): number {
  return first & 0x0f;
}

/** Some bytes of the payload, unmasked, from an offset of its own on. */
export function unmask(bytes: Uint8Array, { key, payload, end }: Wire, from: number, to: number): Uint8Array {
  const masked = bytes.subarray(Math.min(payload + from, end), Math.min(payload + to, end));
  if (key === undefined) return masked;
  return masked.map((byte, index) => byte ^ (bytes[key + ((from + index) & 3)] as number));
}
