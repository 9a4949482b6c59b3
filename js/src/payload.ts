/** The data that a message can be created from. */
export type Data = string | ArrayBufferLike | ArrayBufferView;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Returns the bytes of a message; not a copy if `data` is bytes. */
export function bytesOf(data: Data): Uint8Array {
  if (typeof data === 'string') return encoder.encode(data);
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer || Object.prototype.toString.call(data) === '[object SharedArrayBuffer]') {
    return new Uint8Array(data);
  }
  throw new TypeError('a message is a string, an ArrayBuffer or a view of one');
}

/** Decodes text that the engine has checked to be UTF-8. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Returns the bytes in an array with its own buffer. */
export function alone(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.byteLength < bytes.buffer.byteLength) return new Uint8Array(bytes);
  return bytes.constructor === Uint8Array ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes.buffer as ArrayBuffer);
}

/** Concatenates arrays. */
export function concat(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
