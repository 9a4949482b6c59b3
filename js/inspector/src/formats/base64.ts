import { fromBase64 } from '../bytes.js';
import { FormatError, type Source, only, place } from './source.js';

/** Whether it is base64 and not words that happen to have its letters. */
export function looksLikeBase64(text: string): boolean {
  const compact = text.replace(/\s/g, '');
  return compact.length % 4 === 0 && /^[A-Za-z0-9+/_-]+={0,2}$/.test(compact) && !/[^\s] +[^\s]/.test(text);
}

/** Base64 of either alphabet, with padding or without (RFC 4648). */
export function readBase64(text: string): Source {
  const end = text.trimEnd();
  const stray = /[^A-Za-z0-9+/_\-\s=]|=(?!=?$)/.exec(end);
  if (stray) throw new FormatError(`Expected base64 at ${place(text, stray.index)}, not “${stray[0]}”.`);
  const compact = end.replace(/[\s=]/g, '').replace(/-/g, '+').replace(/_/g, '/');
  if (compact === '') throw new FormatError('There is no base64.');
  if (compact.length % 4 === 1) throw new FormatError(`Base64 never has ${compact.length} digits: the last one stands alone.`);
  return only(fromBase64(compact));
}
