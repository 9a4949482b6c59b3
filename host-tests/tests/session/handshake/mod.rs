//! The opening handshake (RFC 6455, section 4), in bytes and in headers.

mod client;
mod headers;
mod server;

use host_tests::Failure;
use websocket_component::handshake::{Extension, Header};
use websocket_component::{Party, Rule};

fn header(name: &str, value: &str) -> Header {
    Header::new(name, value)
}

fn extension(name: &str) -> Extension {
    Extension {
        name: name.into(),
        parameters: Vec::new(),
    }
}

/// A call of the host's was refused by this rule, and the host is at fault.
#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: Result<T, Failure>, rule: Rule) {
    let failure = result.expect_err("the call breaks a rule");
    assert_eq!((failure.rule, failure.blame), (rule, Party::Host));
}
