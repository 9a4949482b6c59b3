//! A client and a server with hosts that make any calls, on a wire that splits anywhere.
//!
//! The hosts drain in part, late or never; their clocks stand, creep, jump and run back; they stop reading, answer late,
//! pass bytes again, and ping as they like.
//!
//! | module | what holds |
//! |---|---|
//! | `check` | everything that one side has sent arrives at the other, in order, once; every end has a reason |
//! | `side` | after every call: states advance only, no deadline is in the past |
//! | `memory` | after every call: memory is within the limits |
//! | `clock` | no peer is declared dead before it had its time |
//! | `finish` | a live peer is never declared dead; a dead one is, in time |
//! | `sends` | every send is reported once, as complete if its last byte was handed out |
//! | `reading` | calls at one time terminate |
//! | `same` | what is written and received depends neither on splits nor on the calls that drive a session |

mod check;
mod clock;
mod finish;
mod link;
mod memory;
mod reading;
mod same;
mod script;
mod sends;
mod side;
mod told;
mod wire;
mod writing;

use arbitrary::Unstructured;

use link::Link;
use same::Outcome;
use script::{Finish, Script};

/// # Panics
///
/// If something doesn't hold.
pub fn holds(input: &[u8]) {
    let Ok(script) = Script::read(&mut Unstructured::new(input)) else {
        return;
    };
    let one = run(&script, script.ways);
    if let Some(ways) = script.others {
        same::is_the_same(&script, one, run(&script, ways));
    }
}

fn run(script: &Script<'_>, ways: [script::Way; 2]) -> [Outcome; 2] {
    let mut link = Link::new(script, ways);
    link.run(script);
    if script.finish == Finish::Silence {
        finish::notice_silence(&mut link);
    } else {
        if script.finish == Finish::Minutes {
            finish::live_on(&mut link);
        }
        link.finish();
    }
    [link.client, link.server].map(Outcome::of)
}
