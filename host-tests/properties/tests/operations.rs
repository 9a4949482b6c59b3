//! Random sequences of calls, the same in every run.

use std::panic;

use properties::{inspector, operations};

/// How many sequences unless `SEQUENCES` is set, and the longest input that one is made of.
const SEQUENCES: u64 = 3000;
const LONGEST: u64 = 1200;

/// Numbers that are as good as random (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }
}

fn input(seed: u64) -> Vec<u8> {
    let mut numbers = Numbers(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let length = 60 + numbers.next() % LONGEST;
    (0..length).map(|_| numbers.next() as u8).collect()
}

/// Runs a property on as many inputs as are asked for.
fn hold(holds: fn(&[u8])) {
    let sequences = std::env::var("SEQUENCES").ok();
    let sequences = sequences
        .and_then(|count| count.parse().ok())
        .unwrap_or(SEQUENCES);
    for seed in 0..sequences {
        let held = panic::catch_unwind(|| holds(&input(seed)));
        assert!(held.is_ok(), "sequence {seed}");
    }
}

#[test]
fn two_sessions_whatever_calls_their_hosts_make() {
    hold(operations::holds);
}

#[test]
fn an_inspector_whatever_both_sides_say_and_in_which_turns() {
    hold(inspector::holds);
}
