//! What an inspector knows of its connection.

use super::{Inspector, Parked, Progress, Side, Traffic};
use crate::Role;
use crate::bindings::exports::websocket::protocol::session::{RequestHead, ResponseHead};
use crate::bindings::exports::websocket::protocol::types::{CloseCode, Negotiated};
use crate::error::SandboxError;
use crate::sandbox::Guest;
use crate::sandbox::abi::inspector::Function;

impl Inspector {
    /// Returns where the connection is.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn progress(&self, guest: &mut Guest) -> Result<Progress, SandboxError> {
        self.ask(guest, Function::Progress, ())
    }

    /// Returns the head of the request, once it has come.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn request(&self, guest: &mut Guest) -> Result<Option<RequestHead>, SandboxError> {
        self.ask(guest, Function::Request, ())
    }

    /// Returns the head of the last response, once it has come.
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

    /// Returns the code of the close frame that a side gets: the other side's or one that was inserted; 1005 for one
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

    /// Returns how much a side has sent.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn traffic(&self, guest: &mut Guest, from: Role) -> Result<Traffic, SandboxError> {
        self.ask(guest, Function::Traffic, Side::from(from))
    }

    /// Returns what is left of the connection, if it is at rest: then the guest can be dropped, and another one goes on
    /// with this, see [`resume`](Self::resume).
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn park(&self, guest: &mut Guest) -> Result<Option<Parked>, SandboxError> {
        self.ask(guest, Function::Park, ())
    }

    /// Returns how many bytes of the guest's memory the inspector has taken.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    pub fn memory(&self, guest: &mut Guest) -> Result<u64, SandboxError> {
        self.ask(guest, Function::Memory, ())
    }
}
