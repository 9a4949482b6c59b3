//! Queries of an inspector.

use super::{Inspector, Parked, Progress, Side, Traffic};
use crate::Role;
use crate::bindings::exports::websocket::protocol::session::{RequestHead, ResponseHead};
use crate::bindings::exports::websocket::protocol::types::{CloseCode, Negotiated};
use crate::error::SandboxError;
use crate::sandbox::Guest;
use crate::sandbox::abi::inspector::Function;

impl Inspector {
    /// Returns the state of the connection.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn progress(&self, guest: &mut Guest) -> Result<Progress, SandboxError> {
        self.ask(guest, Function::Progress, ())
    }

    /// Returns the head of the request, once it was received.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn request(&self, guest: &mut Guest) -> Result<Option<RequestHead>, SandboxError> {
        self.ask(guest, Function::Request, ())
    }

    /// Returns the head of the last response, once it was received.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn response(&self, guest: &mut Guest) -> Result<Option<ResponseHead>, SandboxError> {
        self.ask(guest, Function::Response, ())
    }

    /// Returns what was negotiated, once the handshake is complete.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn negotiated(&self, guest: &mut Guest) -> Result<Option<Negotiated>, SandboxError> {
        self.ask(guest, Function::Negotiated, ())
    }

    /// Returns the code of the close frame that a side has sent: 1005 for one without a code.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn close_code(
        &self,
        guest: &mut Guest,
        from: Role,
    ) -> Result<Option<CloseCode>, SandboxError> {
        self.ask(guest, Function::CloseCode, Side::from(from))
    }

    /// Returns the code of the close frame that was sent to a side: the other side's or an inserted one; 1005 for one
    /// without a code.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn close_sent(
        &self,
        guest: &mut Guest,
        to: Role,
    ) -> Result<Option<CloseCode>, SandboxError> {
        self.ask(guest, Function::CloseSent, Side::from(to))
    }

    /// Returns the traffic from a side.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn traffic(&self, guest: &mut Guest, from: Role) -> Result<Traffic, SandboxError> {
        self.ask(guest, Function::Traffic, Side::from(from))
    }

    /// Returns the state of the connection if it is idle. The guest can then be dropped, and an inspector in another
    /// one can [`resume`](Self::resume) from this state.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn park(&self, guest: &mut Guest) -> Result<Option<Parked>, SandboxError> {
        self.ask(guest, Function::Park, ())
    }

    /// Returns how many bytes of the guest's memory the inspector uses.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn memory(&self, guest: &mut Guest) -> Result<u64, SandboxError> {
        self.ask(guest, Function::Memory, ())
    }
}
