/** Who sent bytes. */
export type Sender = 'client' | 'server';

/** When the bytes from an offset on went by, in seconds. */
export interface Mark {
  offset: number;
  at: number;
}

/** The bytes that one side of a connection sent. */
export interface Side {
  /** Such as "client → gate"; empty where there is only one side. */
  label: string;
  /** Not set where only the bytes can tell. */
  sender: Sender | undefined;
  bytes: Uint8Array;
  /** In order; empty if the time isn't known. */
  marks: Mark[];
}

/** What is known of a connection. */
export interface Connection {
  /** Such as "client ↔ gate". */
  label: string;
  /** One or both. */
  sides: Side[];
}

/** What an input holds. */
export interface Source {
  connections: Connection[];
  /** What the reader should know about the bytes. */
  notes: string[];
}

/** Says where an input stops making sense, and what was expected there. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}

/** The bytes of one side, of which nothing else is known. */
export function only(bytes: Uint8Array): Source {
  return { connections: [{ label: '', sides: [{ label: '', sender: undefined, bytes, marks: [] }] }], notes: [] };
}

/** Where a character stands, for people. */
export function place(text: string, index: number): string {
  const before = text.slice(0, index).split('\n');
  return `line ${before.length}, column ${(before.at(-1) as string).length + 1}`;
}
