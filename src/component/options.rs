//! The exports of the interface `options`.

use core::cell::Cell;
use core::ops::RangeInclusive;
use core::time::Duration;

use super::bindings::{Component, options as wit, types};
use super::convert::nanos;
use crate::{Config, Deflate, Delivery, Limits, PongPolicy, Rule, Timeouts};

/// The resource.
pub(super) struct Options {
    config: Cell<Config>,
    /// In use if `config.deflate` is set.
    deflate: Cell<Deflate>,
}

pub(super) type Outcome = Result<(), types::Failure>;

impl wit::Guest for Component {
    type SessionOptions = Options;
}

impl Options {
    /// The settings that a session is made with.
    pub(super) fn config(&self) -> Config {
        let mut config = self.config.get();
        config.deflate = config.deflate.map(|_| self.deflate.get());
        config
    }

    fn set(&self, change: impl FnOnce(&mut Config)) {
        let mut config = self.config.get();
        change(&mut config);
        self.config.set(config);
    }

    fn set_deflate_to(&self, change: impl FnOnce(&mut Deflate)) {
        let mut deflate = self.deflate.get();
        change(&mut deflate);
        self.deflate.set(deflate);
    }
}

/// Fails if the value that a setter gets is out of the option's range.
pub(super) fn check<T: Copy + PartialOrd + Into<u64>>(
    setter: &str,
    value: T,
    range: RangeInclusive<T>,
) -> Outcome {
    if range.contains(&value) {
        return Ok(());
    }
    let limit = match value < *range.start() {
        true => range.start(),
        false => range.end(),
    };
    Err(types::Failure {
        section: setter.into(),
        limit: Some((*limit).into()),
        value: Some(value.into()),
        ..Rule::ConfigOutOfRange.into()
    })
}

/// Fails if pings with this interval would come too often.
pub(super) fn check_keepalive(interval: Option<types::Duration>) -> Outcome {
    let least = nanos(Timeouts::MIN_KEEPALIVE);
    let interval = interval.unwrap_or(least);
    check("set-keepalive-interval", interval, least..=u64::MAX)
}

pub(super) fn span(timeout: Option<types::Duration>) -> Option<Duration> {
    timeout.map(Duration::from_nanos)
}

impl wit::GuestSessionOptions for Options {
    fn new() -> Options {
        Options {
            config: Cell::default(),
            deflate: Cell::default(),
        }
    }

    fn set_delivery(&self, delivery: wit::Delivery) {
        self.set(|config| {
            config.delivery = match delivery {
                wit::Delivery::Messages => Delivery::Messages,
                wit::Delivery::Streaming => Delivery::Streaming,
            };
        });
    }

    fn set_receive_buffer(&self, bytes: u32) -> Outcome {
        check("set-receive-buffer", bytes, Config::RECEIVE_BUFFER)?;
        self.set(|config| config.receive_buffer = bytes);
        Ok(())
    }

    fn set_send_buffer(&self, bytes: u32) -> Outcome {
        check("set-send-buffer", bytes, Config::SEND_BUFFER)?;
        self.set(|config| config.send_buffer = bytes);
        Ok(())
    }

    fn set_max_whole_frame(&self, bytes: u32) {
        self.set(|config| config.max_whole_frame = bytes);
    }

    fn set_leave_payloads(&self, from: Option<u64>) {
        self.set(|config| config.leave_payloads = from);
    }

    fn set_masking(&self, enabled: bool) {
        self.set(|config| config.masking = enabled);
    }

    fn set_verify_utf8(&self, enabled: bool) {
        self.set(|config| config.verify_utf8 = enabled);
    }

    fn set_pong_policy(&self, policy: wit::PongPolicy) {
        self.set(|config| {
            config.pongs = match policy {
                wit::PongPolicy::Each => PongPolicy::Each,
                wit::PongPolicy::Latest => PongPolicy::Latest,
                wit::PongPolicy::Manual => PongPolicy::Manual,
            };
        });
    }

    fn set_report_control_frames(&self, enabled: bool) {
        self.set(|config| config.report_control_frames = enabled);
    }

    fn set_reply_to_close(&self, enabled: bool) {
        self.set(|config| config.reply_to_close = enabled);
    }

    fn set_close_on_failure(&self, enabled: bool) {
        self.set(|config| config.close_on_failure = enabled);
    }

    fn set_expose_invalid_requests(&self, enabled: bool) {
        self.set(|config| config.expose_invalid_requests = enabled);
    }

    fn set_allow_malformed_host(&self, enabled: bool) {
        self.set(|config| config.allow_malformed_host = enabled);
    }

    fn set_allow_http10_response(&self, enabled: bool) {
        self.set(|config| config.allow_http10_response = enabled);
    }

    fn set_max_head(&self, bytes: u32) {
        self.set(|config| config.limits.head = bytes);
    }

    fn set_max_headers(&self, count: u32) {
        self.set(|config| config.limits.headers = count);
    }

    fn set_max_refusal_body(&self, bytes: u32) {
        self.set(|config| config.limits.refusal_body = bytes);
    }

    fn set_max_frame(&self, bytes: u64) {
        self.set(|config| config.limits.frame = bytes);
    }

    fn set_max_message(&self, bytes: u64) {
        self.set(|config| config.limits.message = bytes);
    }

    fn set_max_fragments(&self, count: u32) {
        self.set(|config| config.limits.fragments = count);
    }

    fn set_max_inflate_per_call(&self, bytes: u32) -> Outcome {
        check("set-max-inflate-per-call", bytes, Limits::INFLATE_PER_CALL)?;
        self.set(|config| config.limits.inflate_per_call = bytes);
        Ok(())
    }

    fn set_max_queued_output(&self, bytes: u64) {
        self.set(|config| config.limits.queued_output = bytes);
    }

    fn set_max_queued_pongs(&self, bytes: u32) {
        self.set(|config| config.limits.queued_pongs = bytes);
    }

    fn set_handshake_timeout(&self, timeout: Option<types::Duration>) {
        self.set(|config| config.timeouts.handshake = span(timeout));
    }

    fn set_idle_timeout(&self, timeout: Option<types::Duration>) {
        self.set(|config| config.timeouts.idle = span(timeout));
    }

    fn set_message_timeout(&self, timeout: Option<types::Duration>) {
        self.set(|config| config.timeouts.message = span(timeout));
    }

    fn set_keepalive_interval(&self, interval: Option<types::Duration>) -> Outcome {
        check_keepalive(interval)?;
        self.set(|config| config.timeouts.keepalive = span(interval));
        Ok(())
    }

    fn set_pong_timeout(&self, timeout: Option<types::Duration>) {
        self.set(|config| config.timeouts.pong = span(timeout));
    }

    fn set_coalesce_delay(&self, delay: Option<types::Duration>) {
        self.set(|config| config.timeouts.coalesce = span(delay));
    }

    fn set_write_timeout(&self, timeout: Option<types::Duration>) {
        self.set(|config| config.timeouts.write = span(timeout));
    }

    fn set_answer_timeout(&self, timeout: Option<types::Duration>) {
        self.set(|config| config.timeouts.answer = span(timeout));
    }

    fn set_close_timeout(&self, timeout: Option<types::Duration>) {
        self.set(|config| config.timeouts.close = span(timeout));
    }

    fn set_deflate(&self, enabled: bool) -> Outcome {
        if enabled && !cfg!(feature = "deflate") {
            return Err(Rule::DeflateUnavailable.into());
        }
        self.set(|config| config.deflate = enabled.then(Deflate::default));
        Ok(())
    }

    fn set_deflate_send_window_bits(&self, bits: u8) -> Outcome {
        check("set-deflate-send-window-bits", bits, Deflate::WINDOW_BITS)?;
        self.set_deflate_to(|deflate| deflate.send_window_bits = bits);
        Ok(())
    }

    fn set_deflate_send_context_takeover(&self, enabled: bool) {
        self.set_deflate_to(|deflate| deflate.send_context_takeover = enabled);
    }

    fn set_deflate_receive_window_bits(&self, bits: u8) -> Outcome {
        check(
            "set-deflate-receive-window-bits",
            bits,
            Deflate::WINDOW_BITS,
        )?;
        self.set_deflate_to(|deflate| deflate.receive_window_bits = bits);
        Ok(())
    }

    fn set_deflate_receive_context_takeover(&self, enabled: bool) {
        self.set_deflate_to(|deflate| deflate.receive_context_takeover = enabled);
    }

    fn set_deflate_level(&self, level: u8) -> Outcome {
        check("set-deflate-level", level, Deflate::LEVELS)?;
        self.set_deflate_to(|deflate| deflate.level = level);
        Ok(())
    }

    fn set_deflate_memory_level(&self, level: u8) -> Outcome {
        check("set-deflate-memory-level", level, Deflate::MEMORY_LEVELS)?;
        self.set_deflate_to(|deflate| deflate.memory_level = level);
        Ok(())
    }

    fn set_deflate_min_length(&self, bytes: u32) {
        self.set_deflate_to(|deflate| deflate.min_length = bytes);
    }
}
