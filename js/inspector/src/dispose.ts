/** Browsers that don't have the symbol yet get the one that jco falls back to. */
const symbols = Symbol as unknown as { dispose?: symbol };
symbols.dispose ??= Symbol.for('dispose');
