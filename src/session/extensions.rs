//! permessage-deflate in a session: used if its settings say so and the host implements no
//! extensions itself.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::handshake::Handshake;
use super::lifecycle::Cause;
use super::{Role, Session};
use crate::Rule;
use crate::deflate::{Deflate, NAME, negotiation};
use crate::handshake::{Extension, Header, Negotiated, UpgradeRequest};
use crate::stream::{Assembler, Extensions};

impl Session {
    /// Returns the extensions that a client offers: those of the host, or else what the
    /// settings say.
    pub(super) fn offers<'a>(&self, hosts: &'a [Extension]) -> Cow<'a, [Extension]> {
        match &self.config.deflate {
            Some(settings) if hosts.is_empty() => negotiation::offers(settings).into(),
            _ => hosts.into(),
        }
    }

    /// Returns the extensions that a server accepts: those of the host, or else its answer to
    /// the offers of permessage-deflate.
    pub(super) fn answer<'a>(
        &self,
        hosts: &'a [Extension],
        request: &UpgradeRequest,
    ) -> Result<Cow<'a, [Extension]>, Rule> {
        let Some(settings) = &self.config.deflate else {
            return Ok(hosts.into());
        };
        match hosts {
            [] => {
                let answer = negotiation::answer(settings, request.extensions());
                return Ok(Vec::from_iter(answer).into());
            }
            [answer] if answer.name == NAME => {
                negotiation::check(request.extensions(), answer)
                    .map_err(|_| Rule::ExtensionNotRequested)?;
            }
            _ => {}
        }
        Ok(hosts.into())
    }

    /// Returns what a response to the request agrees to.
    pub(super) fn check_response(
        &self,
        request: &UpgradeRequest,
        status: u16,
        headers: &[Header],
    ) -> Result<Negotiated, Rule> {
        let negotiated = request.check(status, headers)?;
        if let Some((_, answer)) = self.own(&negotiated) {
            negotiation::check(request.extensions(), answer)?;
        }
        Ok(negotiated)
    }

    /// Returns the settings and the answer, if messages are the session's to compress.
    fn own<'a>(&'a self, negotiated: &'a Negotiated) -> Option<(&'a Deflate, &'a Extension)> {
        let settings = self.config.deflate.as_ref()?;
        match &negotiated.extensions[..] {
            [answer] if answer.name == NAME => Some((settings, answer)),
            _ => None,
        }
    }

    /// Opens the session: the handshake is complete.
    ///
    /// Fails with [`Rule::DeflateAnswerInvalid`] if permessage-deflate was negotiated
    /// elsewhere, and its parameters are not those of a response.
    pub(super) fn open(&mut self, negotiated: Negotiated) -> Result<(), Rule> {
        let extensions = match self.own(&negotiated) {
            Some((settings, answer)) => {
                let agreed = negotiation::agreed(answer)?;
                let (send, receive) = match self.role {
                    Role::Client => (agreed.client, agreed.server),
                    Role::Server => (agreed.server, agreed.client),
                };
                let settings = *settings;
                self.sender.compress(send.within(&settings), &settings);
                Extensions::Deflate(receive)
            }
            None if negotiated.extensions.is_empty() => Extensions::None,
            None => {
                self.sender.allow_extension_frames();
                Extensions::Custom
            }
        };
        self.receiver = Assembler::new(&self.config.stream(self.role, extensions));
        self.negotiated = Some(negotiated);
        self.handshake = Handshake::Complete;
        self.transition(Cause::Opened);
        self.deadlines.open();
        Ok(())
    }
}
