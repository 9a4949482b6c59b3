/** `Symbol.dispose`, or jco's substitute where that doesn't exist. */
export const dispose: typeof Symbol.dispose = (Symbol.dispose ?? Symbol.for('dispose')) as typeof Symbol.dispose;

/** `Symbol.asyncDispose`, likewise. */
export const asyncDispose: typeof Symbol.asyncDispose =
  (Symbol.asyncDispose ?? Symbol.for('asyncDispose')) as typeof Symbol.asyncDispose;
