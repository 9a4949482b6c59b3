//! The memory of what was received, as the allocator counts it.

use host_tests::Frame;
use websocket_component::{Config, Instant, Session};

const NOW: Instant = Instant::from_nanos(0);

#[test]
fn a_message_that_was_long_leaves_nothing_behind_while_the_next_one_comes() {
    let long = Frame::binary(vec![1; 1 << 20]).bytes();
    let short = Frame::binary([2; 100]).bytes();
    let left = allocation_counter::measure(|| {
        let mut client =
            Session::open_client(Config::default(), &[7; 32], Default::default(), NOW).unwrap();
        let stream = [&long[..], &short, &short, &short].concat();
        // Each part ends inside a message.
        let (first, rest) = stream.split_at(1000);
        let (second, rest) = rest.split_at(long.len() - 950);
        for part in [first, second, &rest[..100], &rest[100..200]] {
            let mut part = part.to_vec();
            let mut events = client.input(&mut part, NOW);
            while events.next().is_some() {}
        }
        // It is kept until the end of the measurement, and more.
        std::mem::forget(client);
    });
    let left = left.bytes_current;
    assert!((0..32 << 10).contains(&left), "{left}");
}
