//! One store and one instance, with the sessions in it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::Store;
use wasmtime::component::ResourceAny;

use crate::bindings::exports::websocket::protocol::inspector::Guest as InspectorExports;
use crate::bindings::exports::websocket::protocol::session::Guest as Exports;
use crate::bindings::{Websocket, WebsocketPre};
use crate::error::{CallError, SandboxError};
use crate::exchanged::{Exchange, Relay};
use crate::limiter::Limiter;
use crate::options;
use crate::protocol::{Config, Failure};

/// A sandbox for one connection, with its sessions: a relayed connection has two.
///
/// Its methods are the functions of the contract (`wit/session.wit`). Their errors distinguish a broken rule
/// ([`CallError::Failure`]) from the end of the guest ([`CallError::Sandbox`]), after which no call enters the guest
/// again. Dropping a guest frees its memory and its slot in the pool.
pub struct Guest {
    pub(crate) store: Store<Limiter>,
    bindings: Websocket,
    pub(crate) exchange: Exchange,
    /// From the first relay on.
    relay: Option<Relay>,
    /// Copies of the payload and the output of the last results, if the component frees them: one pair for an exchange,
    /// two for a relay.
    pub(crate) copied: [(Vec<u8>, Vec<u8>); 2],
    /// The options of the last session. The next one usually has the same.
    options: Option<(Config, ResourceAny)>,
    id: GuestId,
    fault: Option<SandboxError>,
}

/// Which guest something belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GuestId(u64);

/// A WebSocket session in a [`Guest`]: one side of one connection.
///
/// It holds memory of the guest until [`Guest::drop_session`] is called or the guest is dropped.
#[derive(Debug)]
pub struct Session {
    resource: ResourceAny,
    guest: GuestId,
}

/// A call is first asked for its time when the epoch next advances.
const NEXT_TICK: u64 = 1;

/// How often a guest is made is no secret, and that one's sessions are no other's must be known.
static GUESTS: AtomicU64 = AtomicU64::new(0);

impl Guest {
    pub(crate) fn new(
        instances: &WebsocketPre<Limiter>,
        mut store: Store<Limiter>,
        reads_in_place: bool,
    ) -> Result<Self, SandboxError> {
        store.set_epoch_deadline(NEXT_TICK);
        let made = instances.instantiate(&mut store).and_then(|bindings| {
            let exports = bindings.websocket_protocol_session();
            let exchange = Exchange::new(
                exports.websocket_session().func_exchange().func(),
                &store,
                reads_in_place,
            )?;
            Ok((bindings, exchange))
        });
        let (bindings, exchange) = made.map_err(|error| {
            let limiter = store.data();
            let call_time = limiter.call_time.limit();
            SandboxError::of_call(&error, limiter.denied(), limiter.memory_limit(), call_time)
        })?;
        Ok(Self {
            store,
            bindings,
            exchange,
            relay: None,
            copied: Default::default(),
            options: None,
            id: GuestId(GUESTS.fetch_add(1, Ordering::Relaxed)),
            fault: None,
        })
    }

    /// Returns the size of the guest's memory, in bytes. It only grows.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.store.data().memory()
    }

    /// Returns what ended the guest, if it has ended.
    #[must_use]
    pub fn fault(&self) -> Option<&SandboxError> {
        self.fault.as_ref()
    }

    /// Frees what the session holds.
    ///
    /// # Errors
    ///
    /// The session belongs to another guest, or the guest has ended.
    pub fn drop_session(&mut self, session: Session) -> Result<(), SandboxError> {
        let resource = self.resource(&session)?;
        self.enter(|_, store| resource.resource_drop(store))
    }

    /// The handle of a session, which has to be one of this guest's.
    pub(crate) fn resource(&self, session: &Session) -> Result<ResourceAny, SandboxError> {
        self.check_owner(session.guest)?;
        Ok(session.resource)
    }

    pub(crate) fn id(&self) -> GuestId {
        self.id
    }

    /// What belongs to a guest is of use in that one only.
    pub(crate) fn check_owner(&self, owner: GuestId) -> Result<(), SandboxError> {
        match owner == self.id {
            true => Ok(()),
            false => Err(SandboxError::ForeignSession),
        }
    }

    /// Calls into the guest, within the limits of one call.
    fn call<R>(
        &mut self,
        call: impl FnOnce(&Websocket, &mut Store<Limiter>) -> wasmtime::Result<R>,
    ) -> Result<R, SandboxError> {
        self.begin()?;
        let result = call(&self.bindings, &mut self.store);
        result.map_err(|error| self.end(&error))
    }

    /// Calls a function of the interface `session`.
    pub(crate) fn enter<R>(
        &mut self,
        call: impl FnOnce(&Exports, &mut Store<Limiter>) -> wasmtime::Result<R>,
    ) -> Result<R, SandboxError> {
        self.call(|bindings, store| call(bindings.websocket_protocol_session(), store))
    }

    /// Calls a function of the interface `inspector`.
    pub(crate) fn enter_inspector<R>(
        &mut self,
        call: impl FnOnce(&InspectorExports, &mut Store<Limiter>) -> wasmtime::Result<R>,
    ) -> Result<R, SandboxError> {
        self.call(|bindings, store| call(bindings.websocket_protocol_inspector(), store))
    }

    /// Calls a function of a session's.
    pub(crate) fn ask<R>(
        &mut self,
        session: &Session,
        call: impl FnOnce(&Exports, &mut Store<Limiter>, ResourceAny) -> wasmtime::Result<R>,
    ) -> Result<R, SandboxError> {
        let resource = self.resource(session)?;
        self.enter(|exports, store| call(exports, store, resource))
    }

    /// Calls a function of a session's that can break a rule.
    pub(crate) fn tell<R>(
        &mut self,
        session: &Session,
        call: impl FnOnce(
            &Exports,
            &mut Store<Limiter>,
            ResourceAny,
        ) -> wasmtime::Result<Result<R, Failure>>,
    ) -> Result<R, CallError> {
        Ok(self.ask(session, call)??)
    }

    /// Calls a function that makes a session, with options as `config` has them.
    pub(crate) fn make(
        &mut self,
        config: &Config,
        call: impl FnOnce(
            &Exports,
            &mut Store<Limiter>,
            ResourceAny,
        ) -> wasmtime::Result<Result<ResourceAny, Failure>>,
    ) -> Result<Session, CallError> {
        let options = self.options(config)?;
        let resource = self.enter(|exports, store| call(exports, store, options))??;
        let guest = self.id;
        Ok(Session { resource, guest })
    }

    /// Returns options as `config` has them.
    pub(crate) fn options(&mut self, config: &Config) -> Result<ResourceAny, CallError> {
        if let Some((last, options)) = &self.options
            && last == config
        {
            return Ok(*options);
        }
        let options = self.call(|bindings, store| {
            options::options(bindings.websocket_protocol_options(), store, config)
        })??;
        if let Some((_, last)) = self.options.replace((*config, options)) {
            self.enter(|_, store| last.resource_drop(store))?;
        }
        Ok(options)
    }

    /// The function `relay`, which few guests need.
    pub(crate) fn relay_function(&mut self) -> wasmtime::Result<Relay> {
        if let Some(relay) = self.relay {
            return Ok(relay);
        }
        let exports = self.bindings.websocket_protocol_session();
        let reads_in_place = matches!(self.exchange, Exchange::Borrowed(_));
        let relay = Relay::new(
            exports.websocket_session().func_relay().func(),
            &self.store,
            reads_in_place,
        )?;
        self.relay = Some(relay);
        Ok(relay)
    }

    /// What precedes each call: it starts with its whole time, if the guest is still there.
    pub(crate) fn begin(&mut self) -> Result<(), SandboxError> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        self.store.set_epoch_deadline(NEXT_TICK);
        self.store.data_mut().begin();
        Ok(())
    }

    /// What follows a call that wasmtime could not complete: the guest has ended.
    #[cold]
    pub(crate) fn end(&mut self, error: &wasmtime::Error) -> SandboxError {
        let limiter = self.store.data();
        let (denied, limit) = (limiter.denied(), limiter.memory_limit());
        let call_time = limiter.call_time.limit();
        self.end_with(SandboxError::of_call(error, denied, limit, call_time))
    }

    /// The guest has ended, for this reason.
    #[cold]
    pub(crate) fn end_with(&mut self, fault: SandboxError) -> SandboxError {
        self.fault = Some(fault.clone());
        fault
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest")
            .field("id", &self.id)
            .field("memory", &self.memory())
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}
