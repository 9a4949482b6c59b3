export { concat } from '../../src/payload.js';

const encoder = new TextEncoder();
const latin1 = new TextDecoder('latin1');

/** Two digits a byte, with spaces between the bytes. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Text that may be cut inside its last character. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true });
}

/** Each byte a character. */
export function latin1Of(bytes: Uint8Array): string {
  return latin1.decode(bytes);
}

export function fromLatin1(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** @throws DOMException If it isn't base64. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return fromLatin1(atob(text));
}

/** A number with its noun: "1 byte", "1 234 bytes". */
export function count(number: number | bigint, noun: string): string {
  const digits = String(number).replace(/\B(?=(\d{3})+$)/g, '\u202f');
  return `${digits} ${noun}${number == 1 ? '' : 's'}`;
}
