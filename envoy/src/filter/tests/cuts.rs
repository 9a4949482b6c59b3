//! Whatever the cuts, the order of the two directions and the way the proxy begins: the same goes on.

use host_tests::wire::{Frame, bytes_of};
use proptest::prelude::*;
use websocket_component::Role::{self, Client, Server};

use super::proxy::Proxy;

/// Frames of one side: messages whole or in fragments, with control frames in between, and at the end perhaps a broken
/// rule.
fn side() -> impl Strategy<Value = Vec<Frame>> {
    let payload =
        || prop_oneof![0..200usize, 60_000..70_000usize].prop_map(|length| vec![b'x'; length]);
    let piece = prop_oneof![
        4 => payload().prop_map(|bytes| vec![Frame::text(bytes)]),
        4 => payload().prop_map(|bytes| vec![Frame::binary(bytes)]),
        2 => (payload(), payload()).prop_map(|(first, last)| vec![Frame::binary(first).not_last(), Frame::ping("p"), Frame::continuation(last)]),
        1 => Just(vec![Frame::pong("q")]),
    ];
    let end = prop_oneof![
        4 => Just(vec![]),
        1 => Just(vec![Frame::close(1000, "done")]),
        1 => Just(vec![Frame::text(b"\xff\xff")]),
        1 => Just(vec![Frame { first: 0x85, ..Frame::text("") }]),
        1 => Just(vec![Frame::text(vec![b'y'; 100_001])]),
    ];
    (prop::collection::vec(piece, 0..6), end)
        .prop_map(|(pieces, end)| pieces.into_iter().flatten().chain(end).collect())
}

const SETTINGS: &str = r#"{"client": {"max_message_bytes": 100000}, "server": {"max_frame_bytes": 100000}, "content": {"from": "client", "deny": [{"text": "nothing like it"}]}}"#;

/// What goes on of what each side sends, if it comes in these pieces.
fn run(is_http1: bool, pieces: &[(Role, Vec<u8>)]) -> [Vec<u8>; 2] {
    let mut proxy = Proxy::new(SETTINGS);
    proxy.open(1, is_http1);
    for (from, bytes) in pieces {
        if !bytes.is_empty() {
            proxy.come(1, *from, bytes);
        }
        // Held first bytes go on within a tick.
        proxy.pass(3);
    }
    proxy.pass(50);
    [Client, Server].map(|from| proxy.sent(1, from))
}

/// Bytes cut at these places.
fn cut(bytes: &[u8], cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.sort_unstable();
    places.push(bytes.len());
    let mut start = 0;
    let piece = |place| {
        let piece = bytes[start..place].to_vec();
        start = place;
        piece
    };
    places.into_iter().map(piece).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn one_direction_goes_on_alike_however_it_is_cut(
        frames in side(),
        from in prop_oneof![Just(Client), Just(Server)],
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        is_http1 in any::<bool>(),
    ) {
        let bytes = bytes_of(&frames, from);
        // Both directions are known to the proxy: a message of the other side's came first.
        let hello = (from.peer(), bytes_of(&[Frame::text("hello")], from.peer()));
        let whole = run(true, &[hello.clone(), (from, bytes.clone())]);
        let mut pieces = vec![hello];
        pieces.extend(cut(&bytes, &cuts).into_iter().map(|piece| (from, piece)));
        let cut = run(is_http1, &pieces);
        let own = |sent: &[Vec<u8>; 2]| sent[usize::from(from == Server)].clone();
        prop_assert_eq!(own(&whole).len(), own(&cut).len());
        // Masks of inserted frames differ in nothing: they depend on the connection alone.
        prop_assert_eq!(own(&whole), own(&cut));
    }

    #[test]
    fn what_breaks_no_rule_goes_on_unchanged_in_both_directions(
        client in side(),
        server in side(),
        order in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 0..16),
        is_http1 in any::<bool>(),
    ) {
        let breaks = |frame: &Frame| frame.first & 0x0f == 5 || frame.payload == b"\xff\xff" || frame.payload.len() > 100_000 || frame.first == 0x88;
        let good = |frames: &[Frame]| -> Vec<Frame> { frames.iter().filter(|frame| !breaks(frame)).cloned().collect() };
        let (client, server) = (good(&client), good(&server));
        // Two fragments together may be too long for the client.
        prop_assume!(client.windows(3).all(|three| three[0].payload.len() + three[2].payload.len() <= 100_000));
        let bytes = [bytes_of(&client, Client), bytes_of(&server, Server)];
        let mut left = bytes.clone();
        let mut pieces = Vec::new();
        for (is_client, index) in &order {
            let (from, left) = match is_client {
                true => (Client, &mut left[0]),
                false => (Server, &mut left[1]),
            };
            let count = index.index(left.len() + 1);
            pieces.push((from, left.drain(..count).collect::<Vec<u8>>()));
        }
        for (from, left) in [Client, Server].into_iter().zip(left) {
            pieces.push((from, left));
        }
        let sent = run(is_http1, &pieces);
        prop_assert_eq!(sent[0].len(), bytes[0].len());
        prop_assert!(sent == bytes);
    }
}
