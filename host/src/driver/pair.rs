//! A connection between a client and a server, without its transports.

use websocket_component::inspector::Sides;

use crate::Role;
use crate::error::SandboxError;
use crate::protocol::{CloseCode, Failure, Instant};
use crate::sandbox::CallError;

/// A proxied connection between a client and a server: takes input and deadlines, and returns output. It does no I/O.
///
/// If a call fails, the guest has ended. Then only [`is_at_boundary`](Self::is_at_boundary),
/// [`last_active`](Self::last_active), [`cause`](Self::cause) and [`summary`](Self::summary) may be called. If a side
/// breaks a rule, no call fails; the rule becomes the [`cause`](Self::cause) of the end.
pub trait Pair: Send {
    /// Processes input from `from`, which may be changed in place.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    fn input(
        &mut self,
        from: Role,
        input: &mut [u8],
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError>;

    /// Reports that `from` sends no more bytes.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    fn end_of_input(
        &mut self,
        from: Role,
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError>;

    /// Reports that the transport to a side has taken some of the pending output (`took`), or is blocked now
    /// (`is_blocked`).
    ///
    /// # Errors
    ///
    /// The guest has ended.
    fn output_moved(
        &mut self,
        to: Role,
        took: bool,
        is_blocked: bool,
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError>;

    /// Returns whether to read from `from`: only while the resulting output can be written.
    fn reads(&self, from: Role, output: &dyn Output) -> bool;

    /// Reports whether `from` is being read. While it isn't, its silence doesn't count.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    fn set_reading(&mut self, from: Role, reads: bool, now: Instant) -> Result<(), CallError>;

    /// Returns when to call [`handle_timeout`](Self::handle_timeout) if no input arrives first.
    fn next_deadline(&self) -> Option<Instant>;

    /// Handles the deadlines that have passed.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    fn handle_timeout(&mut self, now: Instant, output: &mut dyn Output) -> Result<(), CallError>;

    /// Closes both sides, unless they are closing already.
    ///
    /// # Errors
    ///
    /// `close-code-forbidden`, `control-payload-too-long`, or the guest has ended.
    fn close(
        &mut self,
        code: CloseCode,
        reason: &str,
        now: Instant,
        output: &mut dyn Output,
    ) -> Result<(), CallError>;

    /// Returns how to end the transport to a side once all output was written.
    fn end(&self, to: Role) -> SideEnd;

    /// Returns why the guest has ended, if it has. In a shared guest, another connection may have ended it.
    fn fault(&mut self) -> Option<SandboxError>;

    /// Returns whether nothing more will be written to either side.
    fn is_over(&self) -> bool;

    /// Returns whether a close frame may follow the output to a side: it ends at a frame boundary, without a close
    /// frame.
    fn is_at_boundary(&self, to: Role) -> bool;

    /// Returns the side whose input was processed last.
    fn last_active(&self) -> Option<Role>;

    /// Returns why the connection is ending, if it is: the first close frame, or the first broken rule.
    fn cause(&self) -> Option<Cause>;

    /// Returns the traffic of a side, and how it was closed.
    fn summary(&mut self, side: Role) -> Summary;
}

/// Where a [`Pair`] writes its output.
pub trait Output {
    /// Writes to a side.
    fn write(&mut self, to: Role, bytes: &[u8]);

    /// Writes the header of a frame, and its payload.
    fn write_frame(&mut self, to: Role, header: &[u8], payload: &[u8]);

    /// Returns how many bytes are pending: written, and not taken by the transport to a side yet.
    fn kept(&self, to: Role) -> usize;
}

/// How to end the transport to a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SideEnd {
    /// Not yet.
    Open,
    /// Shut it down once it has taken all output.
    Shut,
    /// Reset it at once: it takes no output.
    Reset,
}

/// Why a connection ends.
#[derive(Clone, Debug)]
pub enum Cause {
    /// This side sent the first close frame.
    Closed(Role),
    /// This side broke a rule, or was lost.
    Failed(Role, Box<Failure>),
}

/// How a connection between a client and a server has ended.
#[derive(Debug)]
pub struct Outcome {
    /// Why it has ended. `None` if the host closed it, or the guest has ended.
    pub cause: Option<Cause>,
    /// Why the guest has ended, if it has.
    pub fault: Option<CallError>,
    /// The side whose input was processed last.
    pub last_active: Option<Role>,
    /// The traffic and close codes of each side.
    pub sides: Sides<Summary>,
}

/// The traffic of one side, and how it was closed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// What it has sent. `None` if that was lost with the guest.
    pub received: Option<Tally>,
    /// The code of the close frame that the side sent.
    pub close_received: Option<CloseCode>,
    /// The code of the close frame that was sent to it.
    pub close_sent: Option<CloseCode>,
}

/// How much was received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Complete messages.
    pub messages: u64,
    /// Bytes of their payload, as on the wire.
    pub bytes: u64,
}

impl Tally {
    /// Adds to the counts, saturating: the numbers come from a guest.
    pub(crate) fn add(&mut self, messages: u64, bytes: u64) {
        self.messages = self.messages.saturating_add(messages);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}
