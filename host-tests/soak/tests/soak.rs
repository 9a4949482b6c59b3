//! The gate under attack, for seconds: what `cargo xtask soak` does for minutes.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use host_tests::gate::{component, misbehaving_component, root};
use rstest::rstest;
use soak::attack::Attack;
use soak::corpus::Corpus;
use soak::plan::{Deadlines, Plan};
use soak::{report, round};

/// Each takes the machine for itself.
static MACHINE: Mutex<()> = Mutex::new(());

fn plan(mode: &'static str) -> Plan {
    Plan {
        mode,
        sandbox: "connection",
        calm: Duration::from_millis(1500),
        attack: Duration::from_millis(1500),
        good: 50,
        interval: Duration::from_millis(100),
        attackers: 80,
        readers_of_corpus: 8,
        rest: Duration::from_millis(50),
        deadlines: Deadlines {
            handshake: Duration::from_secs(2),
            message: Duration::from_secs(2),
            keepalive: Duration::from_secs(1),
            pong: Duration::from_secs(5),
            write: Duration::from_secs(5),
            close: Duration::from_secs(1),
        },
        seed: 1,
    }
}

#[rstest]
fn class_23_good_connections_go_on_beside_hundreds_of_hostile_ones(
    #[values("inspect", "terminate")] mode: &'static str,
    #[values("connection", "16")] sandbox: &'static str,
) {
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let corpus = Corpus::read(&root().join("host-tests/fuzz/corpus")).unwrap();
    let name = "A short attack over the wire";
    let plan = Plan {
        sandbox,
        ..plan(mode)
    };
    let round = round::run(name, &component(), &plan, &Attack::OF_WIRE, corpus).unwrap();
    eprintln!("{}", report::text(&round));
    assert!(round.wrong.is_empty(), "{:#?}", round.wrong);
    assert!(round.good.echoes > 0);
    assert!(round.tally.hostile() > 200, "{}", round.tally.hostile());
}

#[rstest]
fn class_29_guests_that_trap_spin_or_hoard_end_only_their_own_connections(
    #[values("inspect", "terminate")] mode: &'static str,
) {
    let _alone = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let plan = Plan {
        attackers: 6,
        ..plan(mode)
    };
    let name = "A short attack by guests";
    let component = misbehaving_component();
    let round = round::run(
        name,
        &component,
        &plan,
        &Attack::OF_GUEST,
        Corpus::default(),
    )
    .unwrap();
    eprintln!("{}", report::text(&round));
    assert!(round.wrong.is_empty(), "{:#?}", round.wrong);
    assert!(round.good.echoes > 0);
}
