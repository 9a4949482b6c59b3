import type { WebsocketSession } from '../component/interfaces/websocket-protocol-session.js';
import type { Failure, State } from '../component/interfaces/websocket-protocol-types.js';
import * as core from './core.js';
import { dispose } from './dispose.js';
import type { Duplex } from './duplex.js';
import type { Engine } from './engine.js';
import { WebSocketError, callListener, uncaught } from './error.js';
import { refusedOf } from './handshake.js';
import { register, unregister } from './leaks.js';
import { Outbox, type Send, closeOf, wholeOf } from './outbox.js';
import { FlushDelay } from './flush-delay.js';
import { concat } from './payload.js';
import { Alarm, nanoseconds, now } from './time.js';

/** What a driver reports. */
export interface DriverListener {
  /** A server has received a request. Answer it with the session's `accept` or `refuse`, then call `answered`. */
  requestReceived(): void;
  /** Messages may be sent. */
  opened(): void;
  /** A message was received. */
  message(bytes: Uint8Array, isText: boolean): void;
  /** A ping was received and answered. */
  ping(bytes: Uint8Array): void;
  /** A pong was received; with the round-trip time in nanoseconds if it answers a ping. */
  pong(bytes: Uint8Array, roundTrip: number | undefined): void;
  /** The peer's close frame was received; 1005 if it has no code (RFC 6455, section 7.1.5). */
  close(code: number, reason: string): void;
  /** Whether messages may share a buffer. */
  readonly pooled: boolean;
  /** How many messages the program has not taken yet. */
  waiting(): number;
  /** Calls back when the messages that were reported have been answered, if they are. */
  whenAnswered(then: () => void): void;
  /** Nothing more is received or sent. `error` is the rule that was broken, or the transport's error. */
  finished(error: Error | undefined): void;
  /** The transport has ended, after `finished`. `wasClean` if both sides sent close frames. Called last. */
  ended(wasClean: boolean): void;
}

/** The maximum bytes that a call copies out of the sandbox, except for a longer message. */
const CAPACITY = 1 << 16;
/** How long the duplex may take to write its last bytes after the session is closed, in milliseconds. */
const FLUSH_TIME = 2000;
const NOTHING = new Uint8Array();
const decoder = new TextDecoder();

/**
 * Moves bytes between a session in the sandbox and a duplex, with one call into the sandbox for each chunk that is read, and
 * one for everything that is sent in the same tick of the event loop.
 */
export class Driver {
  readonly #engine: Engine;
  readonly #session: WebsocketSession;
  /** The session's representation in the core module. */
  readonly #representation: number;
  readonly #duplex: Duplex;
  readonly #listener: DriverListener;
  readonly #alarm = new Alarm(() => this.#exchange(NOTHING));
  readonly #outbox = new Outbox();
  #state: State = 'connecting';
  /** Input that the session has not consumed: after a request that isn't answered yet, or while output is full. */
  #rest: Uint8Array = NOTHING;
  #isAsked = false;
  /** The next call would end the session; it is deferred for answers to earlier messages. */
  #isHeld = false;
  /** Whether the session has more output or events, once there is room. */
  #hasMore = false;
  #isBlocked = false;
  #isPaused = false;
  #isFlushing = false;
  readonly #flushDelay = new FlushDelay();
  #isExchanging = false;
  #isReading = true;
  /** Nothing is received or sent any more: the session is draining, or has ended. */
  #hasFinished = false;
  #hasInputEnded = false;
  #hasEnded = false;
  #wasClean = false;
  #error: Error | undefined;

  constructor(engine: Engine, session: WebsocketSession, duplex: Duplex, listener: DriverListener) {
    this.#engine = engine;
    this.#session = session;
    this.#representation = engine.representations.of(session);
    this.#duplex = duplex;
    this.#listener = listener;
    register(this, session);
  }

  /** Starts to read and write; `head` are bytes that were read before. */
  start(head: Uint8Array = NOTHING): void {
    this.#duplex.start({
      data: (bytes) => {
        // Input is ignored while the session drains.
        if (!this.#hasFinished) this.#exchange(bytes);
      },
      end: () => this.#endOfInput(),
      drained: () => {
        this.#isBlocked = false;
        this.#settle();
        this.#tellTime((session, time) => session.outputTaken(time));
        if (this.#hasMore) this.#exchange(NOTHING);
        else this.#flush();
      },
      closed: (error) => this.#lost(error),
    });
    this.#exchange(head);
  }

  /** The state of the connection, named as in the W3C's `WebSocket`. */
  get state(): Exclude<State, 'draining'> {
    return this.#state === 'draining' ? 'closing' : this.#state;
  }

  /** How many bytes of messages were not written yet. */
  get bufferedAmount(): number {
    const queued = this.#hasEnded || this.#engine.failure ? 0 : Number(this.#session.bufferedAmount());
    return this.#outbox.size + queued + this.#duplex.writableLength;
  }

  /** The round-trip time of the last answered ping, in milliseconds. */
  get roundTripTime(): number | undefined {
    const time = this.#hasEnded || this.#engine.failure ? undefined : this.#session.roundTripTime();
    return time === undefined ? undefined : Number(time) / 1e6;
  }

  /** Queues something to send together with everything else of this tick of the event loop. */
  send(send: Send): void {
    if (this.#hasFinished) {
      if (send.done) queueMicrotask(() => send.done?.(this.#whyUnsent()));
      return;
    }
    if (this.#isHeld) {
      // A program that awaits `send` may have more to answer.
      this.#outbox.put({ ...send, done: undefined });
      if (send.done) queueMicrotask(() => send.done?.());
    } else {
      this.#outbox.put(send);
      this.#flushSoon();
    }
  }

  /** Continues after the request was answered. */
  answered(): void {
    this.#isAsked = false;
    if (!this.#isExchanging) this.#exchange(NOTHING);
  }

  /** Delivers no more messages until `resume`, except for those of a chunk that was read already. */
  pause(): void {
    if (this.#hasFinished) return;
    this.#isPaused = true;
    this.#pauseOrResume();
  }

  resume(): void {
    this.#isPaused = false;
    this.#pauseOrResume();
  }

  /** Drops the connection without sending a close frame. */
  abort(error?: Error): void {
    if (this.#hasEnded) return;
    this.#error ??= error;
    this.#end();
    this.#duplex.destroy();
  }

  #flushSoon(): void {
    if (this.#isFlushing || this.#isExchanging) return;
    this.#isFlushing = true;
    this.#flushDelay.begin(this.#listener.waiting());
    queueMicrotask(this.#flushNow);
  }

  /** Flushes, but lets a program that takes one message after the other answer all of them first. */
  readonly #flushNow = (): void => {
    const mayWait = this.#flushDelay.lasts(this.#listener.waiting());
    if (mayWait && this.#outbox.size < CAPACITY) return queueMicrotask(this.#flushNow);
    this.#isFlushing = false;
    this.#flush();
  };

  #flush(): void {
    if (this.#outbox.isEmpty || this.#isBlocked) return;
    if (!this.#writeAlone()) this.#exchange(NOTHING);
  }

  /** Writes a single message without copying it into the session. False if it has to go through the session. */
  #writeAlone(): boolean {
    const { alone } = this.#outbox;
    const whole = alone && wholeOf(alone.kind);
    if (!whole || alone.isUnchecked || this.#state !== 'open' || this.#hasEnded || this.#isHeld || this.#engine.failure) return false;
    let frame: Uint8Array | undefined;
    try {
      frame = this.#engine.core.frame(this.#representation, whole === 'text', alone.bytes);
    } catch (error) {
      this.#trapped(error);
      return true;
    }
    if (!frame) return false;
    this.#outbox.taken(1, undefined);
    this.#isBlocked = !this.#write(frame);
    if (this.#isBlocked) this.#tellTime((session, time) => session.outputBlocked(time));
    this.#settle();
    return true;
  }

  #trapped(error: unknown): void {
    this.#engine.trapped(error);
    this.abort(this.#engine.failure);
  }

  #pauseOrResume(): void {
    const reads = !this.#isPaused && !this.#isAsked;
    if (reads === this.#isReading) return;
    this.#isReading = reads;
    if (reads) this.#duplex.resume();
    else this.#duplex.pause();
    // While nothing is read, the peer's silence doesn't count.
    this.#tellTime((session, time) => (reads ? session.resumeReading(time) : session.pauseReading(time)));
  }

  /** Makes a call that only moves deadlines. */
  #tellTime(call: (session: WebsocketSession, time: bigint) => void): void {
    if (this.#hasEnded || this.#engine.failure) return;
    try {
      call(this.#session, now());
      this.#alarm.set(this.#nextDeadline());
    } catch (error) {
      this.#trapped(error);
    }
  }

  #exchange(bytes: Uint8Array): void {
    // Input after a broken rule is ignored.
    if (this.#hasEnded || this.#isHeld) return;
    this.#isExchanging = true;
    try {
      this.#exchangeAll(this.#rest.length > 0 ? concat([this.#rest, bytes]) : bytes);
    } catch (error) {
      // Calls throw only if the guest traps.
      this.#trapped(error);
    }
    this.#isExchanging = false;
    if (this.#hasEnded) return;
    this.#settle();
    this.#pauseOrResume();
    if (!this.#outbox.isEmpty) this.#flushSoon();
  }

  /** Calls the session until it consumes no more of the input for now. */
  #exchangeAll(input: Uint8Array): void {
    for (;;) {
      if (this.#engine.failure) return this.abort(this.#engine.failure);
      const sends = this.#outbox.waiting(!this.#isBlocked && this.#state !== 'connecting');
      // While the duplex is full, output stays in the sandbox, where pongs are limited. Input is still processed: two
      // sides that write and don't read would wait for each other.
      const capacity = this.#isBlocked ? 1 : CAPACITY;
      const time = nanoseconds();
      const result = this.#engine.core.exchange(this.#representation, input, sends, time, capacity, this.#listener.pooled);
      input = result.consumed === input.length ? NOTHING : input.subarray(result.consumed);
      this.#outbox.taken(result.accepted, result.refused && new WebSocketError(result.refused));
      let deadline = result.nextDeadline;
      if (result.output.length > 0) {
        const wasBlocked = this.#isBlocked;
        this.#isBlocked = !this.#write(result.output);
        // The duplex may have reported its end meanwhile.
        if (this.#hasEnded) return;
        if (this.#isBlocked && !wasBlocked && !isOver(result.state)) {
          this.#session.outputBlocked(BigInt(time));
          deadline = this.#nextDeadline();
        }
      }
      const before = this.#state;
      this.#state = result.state;
      for (const event of result.events) {
        this.#tell(event);
        if (this.#hasEnded) return;
      }
      if (isOver(result.state)) {
        this.#alarm.set(deadline);
        return this.#over(result.failure, before);
      }
      const isDue = deadline !== undefined && deadline <= time;
      if (result.more && isDue && input.length === 0 && result.events.some(isMessage)) {
        this.#hold();
        return;
      }
      const isStuck = this.#isBlocked && result.consumed === 0 && result.events.length === 0;
      if (!result.more || isStuck || this.#isAsked) {
        // The duplex may reuse the array.
        this.#rest = input.length > 0 ? new Uint8Array(input) : NOTHING;
        this.#hasMore = result.more;
        this.#alarm.set(deadline);
        return;
      }
    }
  }

  /** Writes; false if the duplex is full. A duplex that throws has lost the connection. */
  #write(bytes: Uint8Array): boolean {
    try {
      return this.#duplex.write(bytes);
    } catch (error) {
      this.abort(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }

  /** Defers a broken rule, so that earlier messages can be answered before it ends the session. */
  #hold(): void {
    this.#isHeld = true;
    this.#rest = NOTHING;
    queueMicrotask(() => this.#listener.whenAnswered(() => this.#release()));
  }

  #release(): void {
    this.#isHeld = false;
    this.#exchange(NOTHING);
  }

  #nextDeadline(): number | undefined {
    const deadline = this.#session.nextDeadline();
    return deadline === undefined ? undefined : Number(deadline);
  }

  #tell(event: core.Received): void {
    try {
      this.#report(event);
    } catch (error) {
      uncaught(error);
    }
  }

  #report({ kind, bytes, value }: core.Received): void {
    switch (kind) {
      case core.REQUEST:
        this.#isAsked = true;
        return this.#listener.requestReceived();
      case core.OPENED:
        return this.#listener.opened();
      case core.TEXT:
      case core.BINARY:
        return this.#listener.message(bytes, kind === core.TEXT);
      case core.PING:
        return this.#listener.ping(bytes);
      case core.PONG:
        return this.#listener.pong(bytes, value);
      case core.UNSOLICITED_PONG:
        return this.#listener.pong(bytes, undefined);
      case core.CLOSE:
        this.#listener.close(value, decoder.decode(bytes));
        return this.#listener.whenAnswered(() => this.#answerClose(value));
    }
  }

  #answerClose(code: number): void {
    // If the program has sent one meanwhile, that is the answer.
    if (!this.#hasFinished) this.send({ kind: closeOf(code), bytes: NOTHING, done: undefined });
  }

  /** Calls back for sends whose bytes have left the duplex. */
  #settle(): void {
    if (!this.#isBlocked) this.#outbox.settle();
  }

  #endOfInput(): void {
    this.#hasInputEnded = true;
    if (this.#isHeld) this.#release();
    if (this.#hasEnded) return;
    if (!this.#engine.failure) this.#session.endOfInput(now());
    this.#exchange(NOTHING);
  }

  /** Handles the end of the session, which drains or is closed; `before` is its last state. */
  #over(failure: Failure | undefined, before: State): void {
    const wasDraining = before === 'draining';
    if (!wasDraining) {
      this.#settle();
      this.#wasClean = this.#session.outcome()?.clean ?? false;
      this.#finish(this.#whyEnded(failure));
      if (this.#hasEnded) return;
    }
    if (this.#state === 'closed') return this.#close(wasDraining);
    // A client that has closed cleanly lets the server end the transport first (RFC 6455, section 7.1.1).
    if (!wasDraining && !this.#wasClean) this.#duplex.end();
  }

  /** Ends the duplex after the session is closed. */
  #close(wasDraining: boolean): void {
    this.#end();
    // The peer had time to end.
    if (wasDraining && !this.#hasInputEnded) return this.#duplex.destroy();
    if (!wasDraining || this.#wasClean) this.#duplex.end();
    this.#duplex.resume();
    // The duplex may still hold the last bytes.
    const timer = setTimeout(() => this.#duplex.destroy(), FLUSH_TIME);
    (timer as { unref?: () => void }).unref?.();
  }

  /** Handles the end of the duplex. */
  #lost(error: Error | undefined): void {
    if (this.#hasEnded) return;
    if (!this.#hasFinished) this.#error ??= error;
    this.#endOfInput();
    if (!this.#hasEnded) this.#end();
  }

  #whyEnded(failure: Failure | undefined): Error | undefined {
    // It is a refusal, even if the transport failed after it.
    const refusal = failure?.rule === 'handshake-refused' ? this.#session.response() : undefined;
    if (failure && refusal) return new WebSocketError(failure, refusedOf(refusal));
    return this.#error ?? (failure && new WebSocketError(failure));
  }

  #whyUnsent(): Error {
    return this.#error ?? new Error('the connection has ended');
  }

  /** Reports that nothing more is received or sent. */
  #finish(error: Error | undefined): void {
    if (this.#hasFinished) return;
    this.#hasFinished = true;
    this.#error = error;
    this.#isPaused = false;
    this.#isAsked = false;
    this.#outbox.refuse(this.#whyUnsent());
    callListener(() => this.#listener.finished(error));
  }

  #end(): void {
    this.#hasEnded = true;
    this.#state = 'closed';
    this.#alarm.set(undefined);
    unregister(this);
    this.#finish(this.#error);
    if (!this.#engine.failure) this.#session[dispose]();
    this.#outbox.cancel(this.#whyUnsent());
    callListener(() => this.#listener.ended(this.#wasClean));
  }
}

function isMessage({ kind }: core.Received): boolean {
  return kind === core.TEXT || kind === core.BINARY;
}

function isOver(state: State): boolean {
  return state === 'draining' || state === 'closed';
}
