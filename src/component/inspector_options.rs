//! The exports of the options of an inspector.

use core::cell::Cell;

use super::bindings::inspector as wit;
use super::bindings::types;
use super::options::{Outcome, check, check_keepalive, span};
use crate::inspector::{Direction, Options, OtherCode, Payload, UnknownExtensions};
use crate::{Limits, Role, Rule};

/// The resource.
#[derive(Default)]
pub(super) struct InspectorOptions {
    options: Cell<Options>,
}

impl InspectorOptions {
    /// The settings that an inspector is made with.
    pub(super) fn options(&self) -> Options {
        self.options.get()
    }

    fn set(&self, change: impl FnOnce(&mut Options)) {
        let mut options = self.options.get();
        change(&mut options);
        self.options.set(options);
    }

    fn set_of(&self, side: wit::Side, change: impl FnOnce(&mut Direction)) {
        self.set(|options| {
            change(match side {
                wit::Side::Client => &mut options.client,
                wit::Side::Server => &mut options.server,
            });
        });
    }
}

impl From<wit::Side> for Role {
    fn from(side: wit::Side) -> Role {
        match side {
            wit::Side::Client => Role::Client,
            wit::Side::Server => Role::Server,
        }
    }
}

impl From<Role> for wit::Side {
    fn from(side: Role) -> wit::Side {
        match side {
            Role::Client => wit::Side::Client,
            Role::Server => wit::Side::Server,
        }
    }
}

impl wit::GuestInspectorOptions for InspectorOptions {
    fn new() -> InspectorOptions {
        InspectorOptions::default()
    }

    fn set_view_frames(&self, of: wit::Side, enabled: bool) {
        self.set_of(of, |direction| direction.view.frames = enabled);
    }

    fn set_view_control(&self, of: wit::Side, enabled: bool) {
        self.set_of(of, |direction| direction.view.control = enabled);
    }

    fn set_view_messages(&self, of: wit::Side, enabled: bool) {
        self.set_of(of, |direction| direction.view.messages = enabled);
    }

    fn set_view_payload(&self, of: wit::Side, view: wit::PayloadView) {
        self.set_of(of, |direction| {
            direction.view.payload = match view {
                wit::PayloadView::Nothing => Payload::Nothing,
                wit::PayloadView::Chunks => Payload::Chunks,
                wit::PayloadView::Messages(up_to) => Payload::Messages { up_to },
            };
        });
    }

    fn set_verify_utf8(&self, of: wit::Side, enabled: bool) {
        self.set_of(of, |direction| direction.view.verify_utf8 = enabled);
    }

    fn set_inflate(&self, of: wit::Side, enabled: bool) {
        self.set_of(of, |direction| direction.view.inflate = enabled);
    }

    fn set_hold_frame(&self, of: wit::Side, bytes: u32) {
        self.set_of(of, |direction| direction.hold_frame = bytes);
    }

    fn set_hold_messages(&self, of: wit::Side, enabled: bool) {
        self.set_of(of, |direction| direction.hold_messages = enabled);
    }

    fn set_max_head(&self, of: wit::Side, bytes: u32) {
        self.set_of(of, |direction| direction.limits.head = bytes);
    }

    fn set_max_headers(&self, of: wit::Side, count: u32) {
        self.set_of(of, |direction| direction.limits.headers = count);
    }

    fn set_max_frame(&self, of: wit::Side, bytes: u64) {
        self.set_of(of, |direction| direction.limits.frame = bytes);
    }

    fn set_max_message(&self, of: wit::Side, bytes: u64) {
        self.set_of(of, |direction| direction.limits.message = bytes);
    }

    fn set_max_fragments(&self, of: wit::Side, count: u32) {
        self.set_of(of, |direction| direction.limits.fragments = count);
    }

    fn set_max_inflate_per_call(&self, of: wit::Side, bytes: u32) -> Outcome {
        check("set-max-inflate-per-call", bytes, Limits::INFLATE_PER_CALL)?;
        self.set_of(of, |direction| direction.limits.inflate_per_call = bytes);
        Ok(())
    }

    fn set_max_queued_insertions(&self, of: wit::Side, bytes: u64) {
        self.set_of(of, |direction| direction.limits.queued_output = bytes);
    }

    fn set_idle_timeout(&self, of: wit::Side, timeout: Option<types::Duration>) {
        self.set_of(of, |direction| direction.idle = span(timeout));
    }

    fn set_message_idle_timeout(&self, of: wit::Side, timeout: Option<types::Duration>) {
        self.set_of(of, |direction| direction.message_idle = span(timeout));
    }

    fn set_message_timeout(&self, of: wit::Side, timeout: Option<types::Duration>) {
        self.set_of(of, |direction| direction.message = span(timeout));
    }

    fn set_keepalive_interval(&self, of: wit::Side, interval: Option<types::Duration>) -> Outcome {
        check_keepalive(interval)?;
        self.set_of(of, |direction| direction.keepalive = span(interval));
        Ok(())
    }

    fn set_pong_timeout(&self, of: wit::Side, timeout: Option<types::Duration>) {
        self.set_of(of, |direction| direction.pong = span(timeout));
    }

    fn set_write_timeout(&self, of: wit::Side, timeout: Option<types::Duration>) {
        self.set_of(of, |direction| direction.write = span(timeout));
    }

    fn set_handshake_timeout(&self, timeout: Option<types::Duration>) {
        self.set(|options| options.timeouts.handshake = span(timeout));
    }

    fn set_max_age(&self, age: Option<types::Duration>, code: types::CloseCode) -> Outcome {
        if !crate::frame::close::is_allowed(code) {
            return Err(types::Failure {
                section: "set-max-age".into(),
                value: Some(code.into()),
                ..Rule::ConfigOutOfRange.into()
            });
        }
        self.set(|options| {
            options.timeouts.age = span(age);
            options.timeouts.age_code = code;
        });
        Ok(())
    }

    fn set_answer_timeout(&self, timeout: Option<types::Duration>) {
        self.set(|options| options.timeouts.answer = span(timeout));
    }

    fn set_close_timeout(&self, timeout: Option<types::Duration>) {
        self.set(|options| options.timeouts.close = span(timeout));
    }

    fn set_unknown_extensions(&self, policy: wit::UnknownExtensions) {
        self.set(|options| {
            options.unknown_extensions = match policy {
                wit::UnknownExtensions::Reject => UnknownExtensions::Reject,
                wit::UnknownExtensions::Opaque => UnknownExtensions::Opaque,
            };
        });
    }

    fn set_strip_extensions(&self, enabled: bool) {
        self.set(|options| options.strip_extensions = enabled);
    }

    fn set_allow_malformed_host(&self, enabled: bool) {
        self.set(|options| options.allow_malformed_host = enabled);
    }

    fn set_other_code(&self, code: wit::OtherCode) {
        self.set(|options| {
            options.other_code = match code {
                wit::OtherCode::Gateway => OtherCode::Gateway,
                wit::OtherCode::Same => OtherCode::Same,
            };
        });
    }
}
