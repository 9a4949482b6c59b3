//! Callbacks in any order, with anything in them: the filter never fails, and forgets nobody.

use host_tests::wire::{Frame, bytes_of};
use proptest::prelude::*;
use websocket_component::Role::{self, Client, Server};

use super::proxy::{Proxy, SWITCHING, UPGRADE};
use crate::Action;

#[derive(Clone, Debug)]
enum Step {
    Request(u32, bool),
    Response(u32, u16),
    Bytes(u32, Role, Vec<u8>),
    End(u32, Role),
    Pass(u64),
    Jump(i64),
    Close(u32),
    Accept(u32),
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Client), Just(Server)]
}

fn bytes() -> impl Strategy<Value = (Role, Vec<u8>)> {
    let frame = prop_oneof![
        (0..300usize).prop_map(|length| Frame::text(vec![b'a'; length])),
        (0..70_000usize).prop_map(|length| Frame::binary(vec![1; length])),
        Just(Frame::text("part").not_last()),
        Just(Frame::continuation("rest")),
        Just(Frame::ping("p")),
        Just(Frame::close(1000, "")),
    ];
    let frames = (role(), prop::collection::vec(frame, 0..4), 0..20usize);
    prop_oneof![
        8 => frames.prop_map(|(from, frames, cut)| {
            let mut bytes = bytes_of(&frames, from);
            bytes.truncate(bytes.len().saturating_sub(cut.saturating_sub(12)));
            (from, bytes)
        }),
        1 => (role(), prop::collection::vec(any::<u8>(), 0..50)),
        1 => role().prop_map(|from| (from, b"GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".to_vec())),
        1 => role().prop_map(|from| (from, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x01a".to_vec())),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let id = || 1..4u32;
    prop_oneof![
        3 => (id(), any::<bool>()).prop_map(|(id, is_good)| Step::Request(id, is_good)),
        3 => (id(), prop_oneof![5 => Just(101u16), 1 => Just(404), 1 => Just(103)]).prop_map(|(id, status)| Step::Response(id, status)),
        12 => (id(), bytes()).prop_map(|(id, (from, bytes))| Step::Bytes(id, from, bytes)),
        1 => (id(), role()).prop_map(|(id, from)| Step::End(id, from)),
        4 => prop_oneof![0..5u64, 0..2_000u64, 0..100_000u64].prop_map(Step::Pass),
        1 => any::<i32>().prop_map(|seconds| Step::Jump(i64::from(seconds))),
        1 => id().prop_map(Step::Close),
        1 => id().prop_map(Step::Accept),
    ]
}

const SETTINGS: [&str; 3] = [
    "",
    r#"{"client": {"messages_per_second": 5, "bytes_per_second": 50000, "ping_seconds": 1, "idle_seconds": 20, "max_message_bytes": 60000}, "server": {"bytes_per_second": 20000, "over_rate": "close"}, "age_seconds": 50, "age_jitter_seconds": 10}"#,
    r#"{"content": {"from": "both", "deny": [{"text": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}], "longer": "close"}, "memory_bytes": 1048576, "upstream_gone_code": 1011, "other_code": "same"}"#,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 300 } else { 3000 }))]

    #[test]
    fn any_order_of_callbacks_is_survived_and_everything_given_back(
        settings in 0..SETTINGS.len(),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut proxy = Proxy::new(SETTINGS[settings]);
        let mut alive = std::collections::BTreeSet::new();
        let mut answered = std::collections::BTreeSet::new();
        for step in steps {
            match step {
                Step::Request(id, is_good) if alive.insert(id) => {
                    let fields = if is_good { &UPGRADE[..] } else { &UPGRADE[..7] };
                    proxy.request(id, fields);
                }
                Step::Accept(id) if alive.insert(id) => {
                    proxy.accept(id);
                    answered.insert(id);
                }
                Step::Response(id, status) if alive.contains(&id) && !answered.contains(&id) => {
                    let status = status.to_string();
                    let mut fields = SWITCHING;
                    fields[0].1 = &status;
                    let action = proxy.response(id, &fields);
                    if status != "103" || action == Action::Pause {
                        answered.insert(id);
                    }
                }
                // A server's follow its response.
                Step::Bytes(id, from, bytes) if alive.contains(&id) && (from == Client || answered.contains(&id)) => {
                    proxy.come(id, from, &bytes);
                }
                Step::End(id, from) if alive.contains(&id) && (from == Client || answered.contains(&id)) => {
                    proxy.end(id, from);
                }
                Step::Pass(millis) => proxy.pass(millis),
                Step::Jump(seconds) => {
                    let nanos = seconds.saturating_mul(1_000_000_000);
                    proxy.outside.now = proxy.outside.now.saturating_add_signed(nanos);
                }
                Step::Close(id) if alive.remove(&id) => {
                    answered.remove(&id);
                    proxy.close(id);
                }
                _ => {}
            }
        }
        for id in alive {
            proxy.close(id);
        }
        prop_assert_eq!(proxy.outside.metrics["websocket.open"], 0);
        prop_assert_eq!(proxy.outside.metrics["websocket.memory_bytes"], 0);
        // Nothing is left that would have to be called.
        proxy.pass(200);
        prop_assert_eq!(proxy.outside.tick, 0);
    }
}
