/** A bidirectional stream of bytes. Adapters: {@link ./duplexes}. */
export interface Duplex {
  /** Starts reading. Nothing is reported before. */
  start(listener: DuplexListener): void;
  /** Writes bytes in order; false if the caller should wait for `drained`. */
  write(bytes: Uint8Array): boolean;
  /** How many written bytes were not sent yet, as far as that is known. */
  readonly writableLength: number;
  /** Stops reading until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends writing: the peer sees the end once it has read everything. */
  end(): void;
  /** Drops the connection in both directions, at once. */
  destroy(): void;
}

/** What a duplex reports. */
export interface DuplexListener {
  /** Bytes were read. The array may be reused when the call returns. */
  data(bytes: Uint8Array): void;
  /** The peer writes no more. */
  end(): void;
  /** There is room for more output. */
  drained(): void;
  /** The connection is gone; nothing is reported afterwards. */
  closed(error?: Error): void;
}
