/** The component itself: `instantiate` of jco, and the types of its interfaces, `websocket:protocol`. */

export * from '../component/websocket.js';
export type * from '../component/interfaces/websocket-protocol-session.js';
export type {
  Delivery, Limits, Fault, PongPolicy, Rule, RuleGroup, Timeouts,
} from '../component/interfaces/websocket-protocol-types.js';
