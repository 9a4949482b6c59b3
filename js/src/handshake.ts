import type {
  Acceptance, Refusal, Request, RequestHead, ResponseHead,
} from '../component/interfaces/websocket-protocol-session.js';
import type { Extension, ExtensionParameter, Header, Negotiated } from '../component/interfaces/websocket-protocol-types.js';
import { bytesOf } from './payload.js';

/** A client's request. */
export interface RequestOptions {
  /** A `ws:`, `wss:`, `http:` or `https:` URL. Its host and path go into the request. */
  url: string | URL;
  /** The subprotocols to offer, in order of preference. */
  protocols?: string | string[];
  /** Additional header fields of the request. */
  headers?: HeadersInit;
}

/** A request that a server received. */
export interface UpgradeRequest {
  /** The path and query. */
  readonly target: string;
  /** The Host field; empty if it isn't a host and port. */
  readonly authority: string;
  /** The offered subprotocols, in order of preference. */
  readonly protocols: string[];
  readonly headers: Headers;
}

/** A server's response: it accepts, or refuses with a `status`. */
export interface ResponseOptions {
  /** The subprotocol, which must be one of those offered. */
  protocol?: string;
  /** Additional header fields of the response. */
  headers?: HeadersInit;
  /** Refuses with this status, from 200 on. */
  status?: number;
  /** The body of a refusal. */
  body?: string | Uint8Array;
}

/** A response that a client received. */
export interface UpgradeResponse {
  readonly status: number;
  readonly headers: Headers;
}

/** A response that refuses. */
export interface RefusedResponse extends UpgradeResponse {
  /** The body, as far as it was received, up to `limits.refusalBody`. */
  readonly body: Uint8Array;
  /** Whether `body` is complete. */
  readonly isComplete: boolean;
}

const latin1 = new TextDecoder('latin1');

/** Parses the URL of a WebSocket. @throws SyntaxError As the W3C's `WebSocket` does. */
export function locate(url: string | URL): URL {
  let parsed: URL;
  try {
    parsed = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch {
    throw new DOMException(`not a URL: ${String(url)}`, 'SyntaxError');
  }
  if (parsed.protocol === 'http:') parsed.protocol = 'ws:';
  if (parsed.protocol === 'https:') parsed.protocol = 'wss:';
  if (parsed.protocol !== 'ws:' && parsed.protocol !== 'wss:') {
    throw new DOMException(`not a WebSocket's URL: ${parsed.href}`, 'SyntaxError');
  }
  // An empty fragment counts, too.
  if (parsed.href.includes('#')) throw new DOMException('the URL of a WebSocket has no fragment', 'SyntaxError');
  return parsed;
}

/** Decodes a part of a URL to bytes, each as a character. */
function bytesIn(part: string): string {
  return part.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

export function requestOf({ url, protocols = [], headers }: RequestOptions): Request {
  const { pathname, search, host, username, password } = locate(url);
  const fields = new Headers(headers);
  if ((username || password) && !fields.has('authorization')) {
    fields.set('Authorization', `Basic ${btoa(`${bytesIn(username)}:${bytesIn(password)}`)}`);
  }
  return {
    target: pathname + search,
    authority: host,
    subprotocols: typeof protocols === 'string' ? [protocols] : protocols,
    extensions: [],
    headers: fieldsOf(fields),
  };
}

export function upgradeRequestOf(head: RequestHead): UpgradeRequest {
  return {
    target: head.target,
    authority: head.authority,
    protocols: head.subprotocols,
    headers: headersOf(head.headers),
  };
}

export function upgradeResponseOf(head: ResponseHead): UpgradeResponse {
  return { status: head.status, headers: headersOf(head.headers) };
}

export function refusedOf(head: ResponseHead): RefusedResponse {
  return { ...upgradeResponseOf(head), body: head.body, isComplete: head.bodyComplete };
}

export function acceptanceOf({ protocol, headers }: ResponseOptions): Acceptance {
  const acceptance: Acceptance = { extensions: [], headers: fieldsOf(headers) };
  if (protocol !== undefined) acceptance.subprotocol = protocol;
  return acceptance;
}

export function refusalOf({ status = 400, headers, body = '' }: ResponseOptions): Refusal {
  return { status, headers: fieldsOf(headers), body: bytesOf(body) };
}

/** Formats the negotiated extensions as in the header. */
export function extensionsOf(extensions: Extension[]): string {
  const parameter = ({ name, value }: ExtensionParameter): string =>
    value === undefined ? `; ${name}` : `; ${name}=${value}`;
  return extensions.map(({ name, parameters }) => name + parameters.map(parameter).join('')).join(', ');
}

/** Parses what was negotiated from the header; the engine checks it. */
export function negotiatedOf({ protocol, extensions = '' }: { protocol?: string; extensions?: string }): Negotiated {
  const parts = extensions.split(',').map((extension) => extension.split(';').map((part) => part.trim()));
  const negotiated: Negotiated = {
    extensions: parts.filter(([name]) => name).map(([name = '', ...parameters]) => ({
      name,
      parameters: parameters.map((parameter): ExtensionParameter => {
        const [, key = '', value] = /^([^=\s]*)(?:\s*=\s*"?([^"]*)"?)?$/.exec(parameter) ?? [];
        return value === undefined ? { name: key } : { name: key, value };
      }),
    })),
  };
  if (protocol) negotiated.subprotocol = protocol;
  return negotiated;
}

/** Creates a header field, with each character of the value as a byte (RFC 9110, section 5.5). */
export function field(name: string, value: string): Header {
  return { name, value: Uint8Array.from(value, (character) => character.charCodeAt(0)) };
}

function fieldsOf(headers: HeadersInit | undefined): Header[] {
  return [...new Headers(headers)].map(([name, value]) => field(name, value));
}

function headersOf(fields: Header[]): Headers {
  return new Headers(fields.map(({ name, value }): [string, string] => [name, latin1.decode(value)]));
}
