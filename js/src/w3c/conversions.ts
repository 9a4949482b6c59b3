import { bytesOf } from '../payload.js';

/** A `DOMString`. @throws TypeError Of a symbol. */
export function domString(value: unknown): string {
  return `${value as string}`;
}

/** The union of `DOMString` and `sequence<DOMString>`, as a list. */
export function stringOrSequence(value: unknown): string[] {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  if (!isObject || (value as Partial<Iterable<unknown>>)[Symbol.iterator] == null) return [domString(value)];
  return Array.from(value as Iterable<unknown>, domString);
}

/** The union of `BufferSource`, `Blob` and `USVString`; bytes are a copy. @throws TypeError Of bytes that are shared or can be resized. */
export function messageData(value: unknown): Uint8Array | Blob | string {
  if (value instanceof Blob) return value;
  if (!ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer)) return domString(value);
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
  if (!(buffer instanceof ArrayBuffer)) throw new TypeError('the bytes of a message must not be shared');
  if ((buffer as { resizable?: boolean }).resizable) throw new TypeError('the buffer of a message must not be resizable');
  return new Uint8Array(bytesOf(value as ArrayBuffer));
}

const MOST = 65_535;

/** A `[Clamp] unsigned short`: the nearest whole number, and of two the even one. @throws TypeError Of a symbol or BigInt. */
export function clampedUnsignedShort(value: unknown): number {
  const number = Math.min(Math.max(+(value as number) || 0, 0), MOST);
  const floor = Math.floor(number);
  const rest = number - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** An `unsigned short`, modulo 65,536. @throws TypeError Of a symbol or BigInt. */
export function unsignedShort(value: unknown): number {
  return new Uint16Array([+(value as number)])[0] as number;
}

/** @throws TypeError If an operation is given fewer arguments than it needs. */
export function needArguments(given: number, needed: number, of: string): void {
  if (given < needed) throw new TypeError(`${of} takes ${needed} argument${needed > 1 ? 's' : ''}, and got ${given}`);
}

/** Makes a class look like a Web IDL interface: its members are enumerable, and constants can't be changed. */
export function asInterface(made: { readonly prototype: object; readonly name: string }, constants: Record<string, number> = {}): void {
  const { prototype, name } = made;
  for (const key of Object.getOwnPropertyNames(prototype)) {
    if (key !== 'constructor') Object.defineProperty(prototype, key, { enumerable: true });
  }
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
  for (const [key, value] of Object.entries(constants)) {
    for (const owner of [made, prototype]) Object.defineProperty(owner, key, { value, enumerable: true });
  }
}
