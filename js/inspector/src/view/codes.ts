/** The registered close codes (RFC 6455, section 7.4.1, and IANA's registry). */
const CODES: Record<number, string> = {
  1000: 'normal closure', 1001: 'going away', 1002: 'protocol error', 1003: 'unsupported data', 1004: 'reserved',
  1005: 'no code given', 1006: 'abnormal closure', 1007: 'invalid payload data', 1008: 'policy violation',
  1009: 'message too big', 1010: 'extension missing', 1011: 'internal error', 1012: 'service restart',
  1013: 'try again later', 1014: 'bad gateway', 1015: 'TLS handshake failed',
};

export function meaningOfCode(code: number): string {
  const known = CODES[code];
  if (known) return known;
  if (code >= 3000 && code < 4000) return 'registered for libraries and applications';
  if (code >= 4000 && code < 5000) return 'private to the application';
  return 'not in use';
}
