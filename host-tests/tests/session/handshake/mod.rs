//! The opening handshake (RFC 6455, section 4), in bytes and in headers.

mod bad_requests;
mod bad_responses;
mod client;
mod compression;
mod headers;
mod lenient;
mod refusals;
mod server;

use std::fmt::Debug;

use host_tests::{Engine, Event, Failure, Subject, heads};
use websocket_component::handshake::{Acceptance, Extension, Header, Request};
use websocket_component::{Config, Fault, Role, Rule};

fn header(name: &str, value: &str) -> Header {
    Header::new(name, value)
}

fn extension(name: &str) -> Extension {
    Extension {
        name: name.into(),
        parameters: Vec::new(),
    }
}

/// Checks that a call of the host was refused by this rule, and the host is at fault.
#[track_caller]
fn assert_refused<T: Debug>(result: Result<T, Failure>, rule: Rule) {
    let failure = result.expect_err("the call breaks a rule");
    assert_eq!((failure.rule, failure.fault), (rule, Fault::Host));
}

fn server<E: Engine>() -> Subject<E> {
    Subject::new(Role::Server, &Config::default())
}

/// A server that has received a request.
fn asked<E: Engine>(fields: &[(&str, &str)]) -> Subject<E> {
    let mut subject = server::<E>();
    let request = heads::request_with(fields);
    assert_eq!(subject.receives(request), [Event::Request]);
    subject
}

fn accept<E: Engine>(subject: &mut Subject<E>) {
    subject
        .engine
        .accept(&Acceptance::default(), subject.now)
        .unwrap();
}

/// A client that has sent a request, and the head of that.
fn asking<E: Engine>(request: &Request) -> (Subject<E>, String) {
    let mut subject = Subject::<E>::new(Role::Client, &Config::default());
    subject.engine.connect(request, subject.now).unwrap();
    let head = subject.writes_text();
    (subject, head)
}

fn plain() -> Request {
    Request::new("example.org", "/chat")
}

fn key_in(head: &str) -> &str {
    heads::field(head, "Sec-WebSocket-Key").expect("a key")
}
