/** A close frame without a code (RFC 6455, section 7.4.1). */
export const NO_CODE = 1005;
/** No close frame has come (RFC 6455, section 7.4.1). */
export const NO_CLOSE = 1006;

/** The W3C's `readyState`. */
export const CONNECTING = 0;
export const OPEN = 1;
export const CLOSING = 2;
export const CLOSED = 3;
