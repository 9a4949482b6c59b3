//! The functions that are called for each read or frame, by their core types, which are checked only once.

use wasmtime::{Result, Store, TypedFunc, WasmParams, WasmResults};

use super::core::Core;
use super::function::{Function, inspector, session};
use crate::sandbox::limiter::Limiter;

/// The functions. Lists are an address and a length; a result that isn't a number is an address.
pub(crate) struct Often {
    pub(crate) exchange: Typed<Exchange, u32>,
    pub(crate) relay: Typed<Relay, u32>,
    pub(crate) frame_header: Typed<FrameHeader, u32>,
    pub(crate) begin_payload: Typed<BeginPayload, u32>,
    pub(crate) payload_read: Typed<PayloadRead, u32>,
    pub(crate) advance: Typed<Advance, u32>,
    pub(crate) pass_header: Typed<PassHeader, u64>,
    pub(crate) pass_message: Typed<PassMessage, u64>,
}

/// The session; the lists of input, records and payload; the time, and the capacity.
pub(crate) type Exchange = (u32, u32, u32, u32, u32, u32, u32, u64, u32);
/// Two sessions, the list of input, the time, and the capacity.
pub(crate) type Relay = (u32, u32, u32, u32, u64, u32);
/// The session, whether it is text, whether it is the last fragment, and the length.
type FrameHeader = (u32, u32, u32, u64);
/// The session, the header as two numbers and a length, and the time.
type BeginPayload = (u32, u64, u64, u32, u64);
/// The session, the payload as two numbers, and the time.
type PayloadRead = (u32, u64, u64, u64);
/// The inspector, the side, how much was skipped, the list of input, and the time.
type Advance = (u32, u32, u64, u32, u32, u64);
/// The same as `Advance`, with a header as two numbers and a length instead of the list.
type PassHeader = (u32, u32, u64, u64, u64, u32, u64);
/// The inspector, the side, a header as two numbers and a length, and the time.
type PassMessage = (u32, u32, u64, u64, u32, u64);

impl Default for Often {
    fn default() -> Self {
        Self {
            exchange: Typed::new(session::Function::Exchange),
            relay: Typed::new(session::Function::Relay),
            frame_header: Typed::new(session::Function::FrameHeader),
            begin_payload: Typed::new(session::Function::BeginPayload),
            payload_read: Typed::new(session::Function::PayloadRead),
            advance: Typed::new(inspector::Function::Advance),
            pass_header: Typed::new(inspector::Function::PassHeader),
            pass_message: Typed::new(inspector::Function::PassMessage),
        }
    }
}

/// A function, which is looked up when it is first called.
pub(crate) struct Typed<Params, R> {
    function: Function,
    code: Option<TypedFunc<Params, R>>,
}

impl<Params: WasmParams, R: WasmResults> Typed<Params, R> {
    fn new(function: impl Into<Function>) -> Self {
        Self {
            function: function.into(),
            code: None,
        }
    }

    pub(crate) fn call(
        &mut self,
        core: &Core,
        store: &mut Store<Limiter>,
        arguments: Params,
    ) -> Result<R> {
        self.code(core, store)?.call(store, arguments)
    }

    /// Calls it on a separate stack, so that it can be suspended.
    pub(crate) async fn call_async(
        &mut self,
        core: &Core,
        store: &mut Store<Limiter>,
        arguments: Params,
    ) -> Result<R>
    where
        Params: Sync,
        R: Sync,
    {
        let code = self.code(core, store)?;
        code.call_async(store, arguments).await
    }

    fn code(&mut self, core: &Core, store: &mut Store<Limiter>) -> Result<&TypedFunc<Params, R>> {
        Ok(match &mut self.code {
            Some(code) => code,
            none => none.insert(core.typed(store, self.function)?),
        })
    }
}
