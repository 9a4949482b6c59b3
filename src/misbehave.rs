//! What a component does in the tests of its sandbox when a text asks for it: only one that is built with
//! `--cfg websocket_misbehave`, as `cargo xtask component --misbehave` does.

use alloc::vec::Vec;

/// Traps, never returns, or takes all memory, as the payload says.
pub(crate) fn on(payload: &[u8]) {
    match payload {
        b"misbehave: trap" => panic!(),
        b"misbehave: spin" => spin(),
        b"misbehave: hoard" => hoard(),
        _ => {}
    }
}

fn spin() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

fn hoard() {
    let mut hoard = Vec::new();
    loop {
        hoard.push(core::hint::black_box(alloc::vec![1u8; 1 << 20]));
    }
}
