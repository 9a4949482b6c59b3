/** For Node: a server with the interface of npm's ws, and clients over TCP and TLS. */

export { type ClientOptions, type SocketOptions, WebSocket, connect } from './client.js';
export { type ConnectionEvents, type SendOptions, WebSocketConnection } from './connection.js';
export { type ClientInfo, type ServerEvents, type ServerOptions, WebSocketServer } from './server.js';
