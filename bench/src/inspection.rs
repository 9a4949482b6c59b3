//! What it costs to look at a connection between two others: the inspector, native and in its sandbox, by size and content.

use std::fmt::Write as _;
use std::io::{self, Write};

use anyhow::{Result, ensure};
use cpu_time::ThreadTime;
use host_tests::wire::Frame;
use serde_json::{Value, json};
use websocket_component::handshake;
use websocket_component::inspector::{Inspector, Options};
use websocket_component::{Instant, Role};
use websocket_host::Sandbox;
use websocket_host::inspector::{self as sandboxed, Forwarder};
use websocket_host::protocol::Negotiated;

use crate::number::number;
use crate::plan::{self, Plan};
use crate::quantile;
use crate::size::Size;

const SIZES: [Size; 6] = [
    Size(16),
    Size(125),
    Size(1 << 10),
    Size(16 << 10),
    Size(256 << 10),
    Size(1 << 20),
];

/// What one read brings.
const READ: usize = 64 << 10;

/// How many bytes are sent in a pass, or one frame that is longer.
const PASS: usize = 4 << 20;

const ENTROPY: [u8; 32] = [7; 32];

const LEGEND: &str = "\
A client sends frames to a server, in reads of 64 KiB or of one frame, and they go on as they are: ns of processor time for
each frame, native inspector / in its sandbox, and how many times as long the latter takes. Nothing is written anywhere";

/// Who inspects.
trait Subject {
    /// Takes a read. Returns how many bytes go on.
    fn read(&mut self, input: &[u8]) -> Result<usize>;
}

/// The Rust crate.
struct Native {
    inspector: Inspector,
    copy: Vec<u8>,
    skippable: u64,
    gone: u64,
}

impl Native {
    fn new() -> Result<Self> {
        let negotiated = handshake::Negotiated::default();
        let start = Instant::from_nanos(0);
        let made = Inspector::open(Options::default(), &ENTROPY, &negotiated, start);
        Ok(Self {
            inspector: made.map_err(anyhow::Error::msg)?,
            copy: Vec::new(),
            skippable: 0,
            gone: 0,
        })
    }
}

impl Subject for Native {
    fn read(&mut self, input: &[u8]) -> Result<usize> {
        let count = usize::try_from(self.skippable)?.min(input.len());
        let (skipped, rest) = input.split_at(count);
        // It unmasks what it looks at.
        self.copy.clear();
        self.copy.extend_from_slice(rest);
        let now = Instant::from_nanos(0);
        let (skipped, copy) = (skipped.len() as u64, &mut self.copy);
        let step = self.inspector.advance(Role::Client, skipped, copy, now);
        let step = step.map_err(anyhow::Error::msg)?;
        ensure!(step.consumed == rest.len(), "the rest of a read was left");
        self.skippable = step.skippable;
        let to = self.inspector.forward_to(Role::Client) - self.skippable;
        let gone = to - self.gone;
        self.gone = to;
        Ok(usize::try_from(gone)?)
    }
}

impl Subject for Forwarder {
    fn read(&mut self, input: &[u8]) -> Result<usize> {
        let mut gone = 0;
        self.input(Role::Client, input, 0, |_, bytes| gone += bytes.len())?;
        Ok(gone)
    }
}

/// An inspector in a guest of its own.
pub(crate) fn in_sandbox(sandbox: &Sandbox) -> Result<Forwarder> {
    let mut guest = sandbox.guest()?;
    let (options, negotiated) = (Options::default(), Negotiated::default());
    let inspector = sandboxed::Inspector::open(&mut guest, &options, &ENTROPY, &negotiated, 0)?;
    Ok(Forwarder::new(guest, inspector))
}

/// What was measured of one size and content: the times of native and sandbox.
struct Row {
    content: &'static str,
    /// A read brings one frame, or a part of a long one.
    is_one_a_read: bool,
    size: Size,
    times: [Vec<f64>; 2],
}

/// Prints what is measured, and returns it.
pub(crate) fn run(plan: &Plan, sandbox: &Sandbox) -> Result<Value> {
    let repetitions = plan.repetitions(15, 3);
    let mut rows = Vec::new();
    for content in ["binary", "text"] {
        for is_one_a_read in [false, true] {
            for size in SIZES {
                rows.push(measure(content, is_one_a_read, size, sandbox, repetitions)?);
            }
        }
    }
    write!(io::stdout(), "\n{}", table(&rows))?;
    Ok(rows.iter().map(report).collect())
}

fn measure(
    content: &'static str,
    is_one_a_read: bool,
    size: Size,
    sandbox: &Sandbox,
    repetitions: usize,
) -> Result<Row> {
    let payload = vec![b'x'; size.0];
    let frame = match content {
        "text" => Frame::text(payload),
        _ => Frame::binary(payload),
    };
    let frame = frame.by(Role::Client).bytes();
    let frames = PASS.div_ceil(frame.len());
    let bytes = frame.repeat(frames);
    let read = match is_one_a_read {
        true => frame.len().min(READ),
        false => READ,
    };
    let mut subjects: [Box<dyn Subject>; 2] =
        [Box::new(Native::new()?), Box::new(in_sandbox(sandbox)?)];
    let mut times = [Vec::new(), Vec::new()];
    // The first turn of each warms up.
    for (turn, index) in plan::turns(repetitions + 1, 2).enumerate() {
        let start = ThreadTime::now();
        let mut gone = 0;
        for read in bytes.chunks(read) {
            gone += subjects[index].read(read)?;
        }
        let time = start.elapsed();
        ensure!(
            gone == bytes.len(),
            "{gone} of {} bytes went on",
            bytes.len()
        );
        if turn >= 2 {
            times[index].push(1e9 * time.as_secs_f64() / frames as f64);
        }
    }
    Ok(Row {
        content,
        is_one_a_read,
        size,
        times,
    })
}

fn table(rows: &[Row]) -> String {
    let mut text = format!("{LEGEND}\n\n{:<20}", "");
    for size in SIZES {
        let _ = write!(text, " {:>23}", size.to_string());
    }
    text += &format!("\n{}", "-".repeat(20 + 24 * SIZES.len()));
    for (index, row) in rows.iter().enumerate() {
        if index % SIZES.len() == 0 {
            let one = if row.is_one_a_read {
                ", one a read"
            } else {
                ""
            };
            let _ = write!(text, "\n{:<20}", format!("{}{one}", row.content));
        }
        let [native, sandboxed] = &row.times;
        let ratio = quantile::median_ratio(sandboxed, native);
        let [native, sandboxed] = [native, sandboxed].map(|times| number(quantile::median(times)));
        let _ = write!(
            text,
            " {:>23}",
            format!("{native} / {sandboxed}  x{ratio:.1}")
        );
    }
    text + "\n"
}

fn report(row: &Row) -> Value {
    let [native, sandboxed] = &row.times;
    json!({
        "content": row.content,
        "one_a_read": row.is_one_a_read,
        "size": row.size.0,
        "times_ns": { "native": native, "component": sandboxed },
    })
}
