/** Where a connection's bytes come from and go to. Adapters: {@link ./duplexes}. */
export interface Duplex {
  /** Starts reading. Nothing is reported before. */
  start(listener: DuplexListener): void;
  /** Writes bytes behind those before; false if the listener should wait for `drained`. */
  write(bytes: Uint8Array): boolean;
  /** Bytes that were given to `write` and have not gone out yet, as far as that is known. */
  readonly writableLength: number;
  /** Reads no more until `resume`. */
  pause(): void;
  resume(): void;
  /** Writes no more: the peer sees the end once it has read what was written. */
  end(): void;
  /** Drops the connection in both directions, at once. */
  destroy(): void;
}

/** What a duplex reports. */
export interface DuplexListener {
  /** Bytes have come. The array may be used again when the call returns. */
  data(bytes: Uint8Array): void;
  /** The peer writes no more. */
  end(): void;
  /** There is room for more to be written. */
  drained(): void;
  /** The connection is gone; nothing is reported afterwards. */
  closed(error?: Error): void;
}
