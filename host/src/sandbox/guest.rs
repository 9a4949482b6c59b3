//! A guest: one store and one instance, with its sessions.

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

/// An instance of the component, usually for one connection, with its sessions: a relayed connection has two.
///
/// Its methods are the functions of the contract (`wit/session.wit`). Their errors distinguish a broken rule
/// ([`CallError::Failure`]) from the end of the guest ([`CallError::Sandbox`]), after which the guest isn't called
/// again. Dropping a guest frees its memory and its slot in the pool.
pub struct Guest {
    pub(crate) store: Store<Limiter>,
    pub(crate) core: Core,
    pub(crate) often: Often,
    /// The options of the last session, since the next one usually has the same.
    pub(super) options: Option<(Config, Resource)>,
    id: GuestId,
    fault: Option<SandboxError>,
    /// Dropped resources, in a guest that connections share.
    orphans: Option<Arc<Orphans>>,
}

/// Resources that were dropped by the host, but not freed in the guest yet.
type Orphans = Mutex<Vec<(Function, Resource)>>;

/// A resource of a guest. It is freed with the guest at the latest. In a shared guest, dropping this queues it to be
/// freed.
#[derive(Debug)]
pub(crate) struct Belonging {
    resource: Resource,
    guest: GuestId,
    /// The function that frees it.
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

/// The guest that a resource belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GuestId(u64);

/// A WebSocket session in a [`Guest`]: one side of one connection.
///
/// It uses memory of the guest until [`Guest::drop_session`] is called or the guest is dropped. In a guest that
/// connections [share](crate::Guests), it is enough to drop the session.
#[derive(Debug)]
pub struct Session(pub(super) Belonging);

/// The time of a call is first checked when the epoch next advances.
const NEXT_TICK: u64 = 1;

/// The source of guest ids, which tell the sessions of one guest from those of another.
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

    /// From now on, collects dropped resources, to free them when the next one is created.
    pub(crate) fn collect_orphans(&mut self) {
        self.orphans = Some(Arc::default());
    }

    /// Wraps a new resource of the guest with the function that frees it.
    pub(crate) fn own(&self, resource: Resource, drop: impl Into<Function>) -> Belonging {
        Belonging {
            resource,
            guest: self.id,
            drop: drop.into(),
            orphans: self.orphans.clone(),
        }
    }

    /// Frees all dropped resources.
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

    /// Frees a resource of this guest.
    pub(crate) fn free(&mut self, mut belonging: Belonging) -> Result<(), SandboxError> {
        let resource = self.resource_of(&belonging)?;
        belonging.orphans = None;
        self.call(belonging.drop, resource)
    }

    /// Returns the handle of a resource, which must be one of this guest's.
    pub(crate) fn resource_of(&self, belonging: &Belonging) -> Result<Resource, SandboxError> {
        match belonging.guest == self.id {
            true => Ok(belonging.resource),
            false => Err(SandboxError::ForeignSession),
        }
    }

    /// Returns the size of the guest's memory, in bytes. It never shrinks.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.store.data().memory()
    }

    /// Returns the memory limit, in bytes.
    pub(crate) fn memory_limit(&self) -> usize {
        self.store.data().memory_limit()
    }

    /// Returns why the guest has ended, if it has.
    #[must_use]
    pub fn fault(&self) -> Option<&SandboxError> {
        self.fault.as_ref()
    }

    /// Frees the session's memory.
    ///
    /// # Errors
    ///
    /// The session belongs to another guest, or the guest has ended.
    pub fn drop_session(&mut self, session: Session) -> Result<(), SandboxError> {
        self.free(session.0)
    }

    /// Returns the handle of a session, which must be one of this guest's.
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

    /// Continues a call that has begun.
    pub(crate) fn go_on<R>(
        &mut self,
        call: impl FnOnce(&mut Often, &Core, &mut Store<Limiter>) -> wasmtime::Result<R>,
    ) -> Result<R, SandboxError> {
        let result = call(&mut self.often, &self.core, &mut self.store);
        result.map_err(|error| self.end(&error))
    }

    /// Calls one of the functions that are called often, with arguments that are in the guest already, and yields at
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
        // Stays if the future is dropped before the call returns.
        self.fault = Some(SandboxError::Cancelled);
        let function = function(&mut self.often);
        let result = function.call_async(&self.core, &mut self.store, arguments);
        let result = result.await;
        self.fault = None;
        result.map_err(|error| match self.end(&error) {
            // The instance exists, so the pool lacks a stack.
            SandboxError::PoolExhausted => self.end_with(SandboxError::Trap {
                reason: "there is no stack for a call that is suspended".into(),
            }),
            fault => fault,
        })
    }

    /// Calls a function of a session.
    pub(crate) fn ask<R: Value>(
        &mut self,
        session: &Session,
        function: session::Function,
        arguments: impl Argument,
    ) -> Result<R, SandboxError> {
        let resource = self.resource(session)?;
        self.call(function, (resource, arguments))
    }

    /// Calls a function of a session that can break a rule.
    pub(crate) fn tell<R: Value>(
        &mut self,
        session: &Session,
        function: session::Function,
        arguments: impl Argument,
    ) -> Result<R, CallError> {
        let result: Result<R, Box<Failure>> = self.ask(session, function, arguments)?;
        Ok(result?)
    }

    /// Prepares a call with its full time limit, unless the guest has ended.
    pub(crate) fn begin(&mut self) -> Result<(), SandboxError> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        self.store.set_epoch_deadline(NEXT_TICK);
        self.store.data_mut().begin();
        Ok(())
    }

    /// Ends the guest after a call that wasmtime could not complete.
    #[cold]
    pub(crate) fn end(&mut self, error: &wasmtime::Error) -> SandboxError {
        let limiter = self.store.data();
        let (denied, limit) = (limiter.denied(), limiter.memory_limit());
        let call_time = limiter.call_time.limit();
        self.end_with(SandboxError::of_call(error, denied, limit, call_time))
    }

    /// Ends the guest for this reason.
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
