// How a program in a browser is typed.

import {
  type Closed, Engine, type Inspected, type Seen, type Transport, WebSocket, WebSocketError, WebSocketSession, inspect,
} from 'websocket-component';
import type { Failure, Rule, Side } from 'websocket-component/component';

export async function use(port: MessagePort, streams: { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array> }): Promise<void> {
  const transport: Transport = streams;
  const session: WebSocketSession = await WebSocketSession.connect(port, { url: 'ws://a/', protocols: ['chat'], limits: { message: 1 << 20 } });
  for await (const message of session) {
    const length: number = typeof message === 'string' ? message.length : message.byteLength;
    await session.send(new Uint8Array(length), { compress: false });
  }
  const { code, error }: Closed = await session.close();
  if (error instanceof WebSocketError) {
    const section: string = error.section;
    console.log(code satisfies number, section);
  }
  const engine = await Engine.load('/websocket.core.wasm');
  const socket = new WebSocket(new URL('wss://a/'), 'chat', { transport, engine });
  socket.onmessage = ({ data }) => {
    if (typeof data === 'string') socket.send(data);
  };
  socket.addEventListener('close', ({ wasClean }) => console.log(wasClean satisfies boolean));
  // @ts-expect-error A number is no message.
  socket.send(1);
  // @ts-expect-error A transport is needed.
  new WebSocket('ws://a/', [], {});
}

export function isAbout(failure: Failure): boolean {
  const rule: Rule = 'invalid-utf8';
  return failure.rule === rule;
}

export async function forward(client: MessagePort, server: Transport): Promise<number | undefined> {
  const seen = (one: Seen): void => {
    if (one.type === 'frame') console.log(one.opcode satisfies number, one.from satisfies Side);
    if (one.type === 'message' && typeof one.data === 'string') console.log(one.data.length);
  };
  const inspection = await inspect(client, server, { seen, client: { decide: ({ isText }) => isText, view: { payload: 'chunks' } } });
  const { violation, server: { closeSent } }: Inspected = await inspection.close();
  // @ts-expect-error There are two sides.
  await inspection.ping('upstream');
  return violation?.error.offset ?? closeSent;
}
