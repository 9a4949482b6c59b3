/** The component itself: `instantiate` of jco, and the types of its interfaces, `websocket:protocol`. */

export * from '../component/websocket.js';
export type { Delivery, PongPolicy } from '../component/interfaces/websocket-protocol-options.js';
export type {
  CloseSummary, Data, Edit, End, Forwarding, FrameHeader, InspectorOptions, MessageSummary, OtherCode, PayloadView, Progress, Seen,
  Side, Span, Step, Traffic, UnknownExtensions, Violation, WebsocketInspector,
} from '../component/interfaces/websocket-protocol-inspector.js';
export type * from '../component/interfaces/websocket-protocol-session.js';
export type {
  ExtensionParameter, Fault, HandshakeKind, RuleGroup,
} from '../component/interfaces/websocket-protocol-types.js';
