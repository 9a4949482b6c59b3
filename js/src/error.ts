import type { Failure, Fault, Rule } from '../component/interfaces/websocket-protocol-types.js';
import type { RefusedResponse } from './handshake.js';

/**
 * A rule that was broken.
 *
 * ```js
 * import { WebSocketError } from 'websocket-component';
 *
 * function log(error) {
 *   if (error instanceof WebSocketError) console.log(error.rule, error.section, error.closeCode);
 * }
 * ```
 */
export class WebSocketError extends Error {
  override readonly name = 'WebSocketError';
  /** The rule, such as `invalid-utf8`. */
  readonly rule: Rule;
  /** The rule as a Node error code: `WS_ERR_INVALID_UTF8`. */
  readonly code: string;
  /** Who is at fault: the `peer`, the `host` (the caller), or the `transport`. */
  readonly fault: Fault;
  /** Where the rule is defined, such as `RFC 6455 8.1`, or the setting or call that it belongs to. */
  readonly section: string;
  /** The code of the close frame that the rule calls for. */
  readonly closeCode: number | undefined;
  /** The status of the response that the rule calls for. */
  readonly status: number | undefined;
  /** How many bytes had been received before the frame that broke the rule. */
  readonly offset: number | undefined;
  /** The limit that was exceeded, in the unit of its setting. */
  readonly limit: number | undefined;
  /** The value that exceeded the limit, if it is known. */
  readonly value: number | undefined;
  /** The server's response, for `handshake-refused`. */
  readonly response: RefusedResponse | undefined;

  constructor(failure: Failure, response?: RefusedResponse) {
    super(`${failure.description} (${failure.section})`);
    this.rule = failure.rule;
    this.code = `WS_ERR_${failure.rule.toUpperCase().replaceAll('-', '_')}`;
    this.fault = failure.fault;
    this.section = failure.section;
    this.closeCode = failure.closeCode;
    this.status = failure.status;
    this.offset = numberOf(failure.offset);
    // The engine counts time in nanoseconds, settings in milliseconds.
    const unit = failure.rule.endsWith('-timeout') ? 1e6 : 1;
    this.limit = numberOf(failure.limit, unit);
    this.value = numberOf(failure.value, unit);
    this.response = response;
  }
}

/** Converts a value to multiples of `unit`; above 2^53 it is rounded. */
function numberOf(value: bigint | undefined, unit = 1): number | undefined {
  return value === undefined ? undefined : Number(value) / unit;
}

/** Returns the failure that a call of the component has thrown, if it is one. */
export function failureOf(error: unknown): Failure | undefined {
  return (error as { payload?: Failure }).payload;
}

/** Calls the component, and throws a failure as a {@link WebSocketError}. */
export function checked<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    const failure = failureOf(error);
    throw failure ? new WebSocketError(failure) : error;
  }
}

/** Returns the reason of an aborted signal, as an error. */
export function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new DOMException('aborted', 'AbortError');
}

/** Calls the program's listeners. What they throw is an uncaught error, and the connection continues. */
export function callListener(call: () => void): void {
  try {
    call();
  } catch (error) {
    uncaught(error);
  }
}

/** Reports what one of the program's functions has thrown as an uncaught error. */
export function uncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
