//! What a connection between a client and a server is, without its transports.

use websocket_component::inspector::Sides;

use crate::Role;
use crate::error::SandboxError;
use crate::protocol::{CloseCode, Failure, Instant};
use crate::sandbox::CallError;

/// A connection between two others: bytes in, bytes and interests out. It does no I/O.
///
/// An error of any call is the end of the guest, after which only [`is_at_boundary`](Self::is_at_boundary),
/// [`last_active`](Self::last_active), [`cause`](Self::cause) and [`summary`](Self::summary) are of use. A rule that a
/// side breaks is no error of a call, but the [`cause`](Self::cause) of the end.
pub trait Pair: Send {
    /// Takes what `from` has sent, which may be changed where it is.
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

    /// `from` sends no more bytes.
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

    /// The transport to a side has taken some of what it had not taken at once (`took`), or takes nothing at the moment
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

    /// Whether to read what `from` sends: only as long as what comes of it can be written.
    fn reads(&self, from: Role, output: &dyn Output) -> bool;

    /// What `from` sends is read from now on, or isn't: what nobody reads is not the side's fault.
    ///
    /// # Errors
    ///
    /// The guest has ended.
    fn set_reading(&mut self, from: Role, reads: bool, now: Instant) -> Result<(), CallError>;

    /// Returns when to call [`handle_timeout`](Self::handle_timeout) if nothing comes before.
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

    /// Returns how to end the transport to a side, once it has taken all that was written to it.
    fn end(&self, to: Role) -> SideEnd;

    /// Returns what has ended the guest, if it has ended: another connection in it may have done that.
    fn fault(&mut self) -> Option<SandboxError>;

    /// Whether nothing more will be written to either side.
    fn is_over(&self) -> bool;

    /// Whether a close frame could follow what was written to a side, and none has.
    fn is_at_boundary(&self, to: Role) -> bool;

    /// Returns whose input the guest was given last.
    fn last_active(&self) -> Option<Role>;

    /// Returns why the connection ends, if it does: the first close frame, or the first rule that was broken.
    fn cause(&self) -> Option<Cause>;

    /// Returns what went through a side, and how it was closed.
    fn summary(&mut self, side: Role) -> Summary;
}

/// Where a [`Pair`] has bytes written.
pub trait Output {
    /// Writes to a side.
    fn write(&mut self, to: Role, bytes: &[u8]);

    /// Writes the header of a frame, and its payload.
    fn write_frame(&mut self, to: Role, header: &[u8], payload: &[u8]);

    /// Returns how many of the bytes that were written the transport to a side has not taken.
    fn kept(&self, to: Role) -> usize;
}

/// How the transport to a side ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SideEnd {
    /// Not yet.
    Open,
    /// In good order, when it has taken what was written.
    Shut,
    /// At once, by a reset: it takes nothing.
    Reset,
}

/// Why a connection ends.
#[derive(Clone, Debug)]
pub enum Cause {
    /// This side has sent the first close frame.
    Closed(Role),
    /// This side has broken a rule, or was lost.
    Failed(Role, Box<Failure>),
}

/// How a connection between two others has ended.
#[derive(Debug)]
pub struct Outcome {
    /// Why it has ended. None if the host has closed it, or the guest has ended.
    pub cause: Option<Cause>,
    /// The end of the guest.
    pub fault: Option<CallError>,
    /// Whose input the guest was given last.
    pub last_active: Option<Role>,
    /// What went through each side.
    pub sides: Sides<Summary>,
}

/// What went through one side of a connection, and how it was closed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// What it has sent, unless only a guest that has ended knew.
    pub received: Option<Tally>,
    /// The code of the close frame that it has sent.
    pub close_received: Option<CloseCode>,
    /// The code of the close frame that it was sent.
    pub close_sent: Option<CloseCode>,
}

/// What was received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Complete messages.
    pub messages: u64,
    /// Bytes of their payload as it was sent.
    pub bytes: u64,
}

impl Tally {
    /// Adds what was received. The numbers are a guest's, and may be any.
    pub(crate) fn add(&mut self, messages: u64, bytes: u64) {
        self.messages = self.messages.saturating_add(messages);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}
