//! One store and one instance, with the sessions in it.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::{Store, WasmParams, WasmResults};

use crate::error::SandboxError;
use crate::protocol::{Config, Failure};
use crate::sandbox::abi::{Argument, Core, Function, Often, Pre, Resource, Typed, Value, session};
use crate::sandbox::call_error::CallError;
use crate::sandbox::limiter::Limiter;

/// A sandbox for one connection, with its sessions: a relayed connection has two.
///
/// Its methods are the functions of the contract (`wit/session.wit`). Their errors distinguish a broken rule
/// ([`CallError::Failure`]) from the end of the guest ([`CallError::Sandbox`]), after which no call enters the guest
/// again. Dropping a guest frees its memory and its slot in the pool.
pub struct Guest {
    pub(crate) store: Store<Limiter>,
    pub(crate) core: Core,
    pub(crate) often: Often,
    /// The options of the last session. The next one usually has the same.
    pub(super) options: Option<(Config, Resource)>,
    id: GuestId,
    fault: Option<SandboxError>,
    /// What was dropped, of a guest that outlives its connections.
    orphans: Option<Arc<Orphans>>,
}

/// What was dropped in a guest that has not been told yet.
type Orphans = Mutex<Vec<(Function, Resource)>>;

/// What belongs to a guest, and goes with it: at the latest when it is dropped, or, where connections share a guest, once
/// the guest is told.
#[derive(Debug)]
pub(crate) struct Belonging {
    resource: Resource,
    guest: GuestId,
    /// How the guest is told.
    drop: Function,
    orphans: Option<Arc<Orphans>>,
}

impl Drop for Belonging {
    fn drop(&mut self) {
        if let Some(orphans) = &self.orphans {
            let mut orphans = orphans.lock().unwrap_or_else(PoisonError::into_inner);
            orphans.push((self.drop, self.resource));
        }
    }
}

/// Which guest something belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GuestId(u64);

/// A WebSocket session in a [`Guest`]: one side of one connection.
///
/// It holds memory of the guest until [`Guest::drop_session`] is called or the guest is dropped. In a guest that
/// connections [share](crate::Guests), it is enough to drop it.
#[derive(Debug)]
pub struct Session(pub(super) Belonging);

/// A call is first asked for its time when the epoch next advances.
const NEXT_TICK: u64 = 1;

/// How often a guest is made is no secret, and that one's sessions are no other's must be known.
static GUESTS: AtomicU64 = AtomicU64::new(0);

impl Guest {
    pub(crate) fn new(pre: &Arc<Pre>, mut store: Store<Limiter>) -> Result<Self, SandboxError> {
        store.set_epoch_deadline(NEXT_TICK);
        let made = Core::new(pre, &mut store);
        let core = made.map_err(|error| {
            let limiter = store.data();
            let call_time = limiter.call_time.limit();
            SandboxError::of_call(&error, limiter.denied(), limiter.memory_limit(), call_time)
        })?;
        Ok(Self {
            store,
            core,
            often: Often::default(),
            options: None,
            id: GuestId(GUESTS.fetch_add(1, Ordering::Relaxed)),
            fault: None,
            orphans: None,
        })
    }

    /// From now on, what is dropped is gathered, and freed when the next thing is made.
    pub(crate) fn collect_orphans(&mut self) {
        self.orphans = Some(Arc::default());
    }

    /// Takes note of what the guest has made, and how it is dropped.
    pub(crate) fn own(&self, resource: Resource, drop: impl Into<Function>) -> Belonging {
        Belonging {
            resource,
            guest: self.id,
            drop: drop.into(),
            orphans: self.orphans.clone(),
        }
    }

    /// Frees what was dropped.
    pub(crate) fn free_orphans(&mut self) -> Result<(), SandboxError> {
        let Some(orphans) = &self.orphans else {
            return Ok(());
        };
        let orphans = mem::take(&mut *orphans.lock().unwrap_or_else(PoisonError::into_inner));
        for (drop, resource) in orphans {
            self.call::<()>(drop, resource)?;
        }
        Ok(())
    }

    /// Frees what belongs to it.
    pub(crate) fn free(&mut self, mut belonging: Belonging) -> Result<(), SandboxError> {
        let resource = self.resource_of(&belonging)?;
        belonging.orphans = None;
        self.call(belonging.drop, resource)
    }

    /// The handle of what belongs to it.
    pub(crate) fn resource_of(&self, belonging: &Belonging) -> Result<Resource, SandboxError> {
        match belonging.guest == self.id {
            true => Ok(belonging.resource),
            false => Err(SandboxError::ForeignSession),
        }
    }

    /// Returns the size of the guest's memory, in bytes. It only grows.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.store.data().memory()
    }

    /// The most memory that it may have, in bytes.
    pub(crate) fn memory_limit(&self) -> usize {
        self.store.data().memory_limit()
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
        self.free(session.0)
    }

    /// The handle of a session, which has to be one of this guest's.
    pub(crate) fn resource(&self, session: &Session) -> Result<Resource, SandboxError> {
        self.resource_of(&session.0)
    }

    /// Calls into the guest, within the limits of one call.
    pub(crate) fn call<R: Value>(
        &mut self,
        function: impl Into<Function>,
        arguments: impl Argument,
    ) -> Result<R, SandboxError> {
        self.begin()?;
        let result = self.core.call(&mut self.store, function.into(), arguments);
        result.map_err(|error| self.end(&error))
    }

    /// Calls one of the functions that are called often.
    pub(crate) fn call_often<R>(
        &mut self,
        call: impl FnOnce(&mut Often, &Core, &mut Store<Limiter>) -> wasmtime::Result<R>,
    ) -> Result<R, SandboxError> {
        self.begin()?;
        self.go_on(call)
    }

    /// A further part of a call that has begun.
    pub(crate) fn go_on<R>(
        &mut self,
        call: impl FnOnce(&mut Often, &Core, &mut Store<Limiter>) -> wasmtime::Result<R>,
    ) -> Result<R, SandboxError> {
        let result = call(&mut self.often, &self.core, &mut self.store);
        result.map_err(|error| self.end(&error))
    }

    /// Calls one of the functions that are called often, with arguments that are in the guest already, and is suspended at
    /// each tick.
    pub(crate) async fn call_suspended<P, R>(
        &mut self,
        function: impl FnOnce(&mut Often) -> &mut Typed<P, R>,
        arguments: P,
    ) -> Result<R, SandboxError>
    where
        P: WasmParams + Sync,
        R: WasmResults + Sync,
    {
        self.begin()?;
        self.store.data_mut().call_time.suspend();
        // Unless it comes to its end.
        self.fault = Some(SandboxError::Cancelled);
        let function = function(&mut self.often);
        let result = function.call_async(&self.core, &mut self.store, arguments);
        let result = result.await;
        self.fault = None;
        result.map_err(|error| match self.end(&error) {
            // It has its instance; what there is none of is a stack.
            SandboxError::PoolExhausted => self.end_with(SandboxError::Trap {
                reason: "there is no stack for a call that is suspended".into(),
            }),
            fault => fault,
        })
    }

    /// Calls a function of a session's.
    pub(crate) fn ask<R: Value>(
        &mut self,
        session: &Session,
        function: session::Function,
        arguments: impl Argument,
    ) -> Result<R, SandboxError> {
        let resource = self.resource(session)?;
        self.call(function, (resource, arguments))
    }

    /// Calls a function of a session's that can break a rule.
    pub(crate) fn tell<R: Value>(
        &mut self,
        session: &Session,
        function: session::Function,
        arguments: impl Argument,
    ) -> Result<R, CallError> {
        let result: Result<R, Box<Failure>> = self.ask(session, function, arguments)?;
        Ok(result?)
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
