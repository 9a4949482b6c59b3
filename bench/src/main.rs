//! The engine, native and in its sandbox, beside other WebSocket libraries: the same work, in one run, checked.
//!
//! | module | what it is |
//! |---|---|
//! | `workload`, `transport` | the messages, and the connection in memory that carries them |
//! | `subjects` | what is compared, each behind the same trait |
//! | `seen`, `frames` | how outputs are checked |
//! | `cell`, `measure`, `clock` | what is done and how it is measured |
//! | `table`, `json`, `setting` | how it is told |

mod cell;
mod clock;
mod frames;
mod json;
mod measure;
mod ready;
mod seen;
mod setting;
mod subjects;
mod table;
mod transport;
mod workload;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use crate::cell::Cell;
use crate::measure::{Compared, Effort};
use crate::setting::Setting;
use crate::subjects::Subject;
use crate::workload::{Size, Workload};

const ABOUT: &str = "\
Compares the engine, native and in its sandbox, with other WebSocket libraries.

Each reads and writes the same messages over a connection in memory, and what comes out is checked: to the byte before \
the measurement, and in little during it. A server decodes masked frames from reads of 64 KiB full of messages; a server \
and a client encode messages that are flushed every 64 KiB. Times are of the processor, so that other programs' turns \
don't count; the subjects take turns, and each repetition begins with another.

Reads and writes are copies in memory, as a kernel makes them, without the system calls. So what is read and written in \
small pieces, which a processor's first-level cache holds, has an advantage here that it would pay for on a socket. \
tokio-websockets and fastwebsockets choose small pieces and can't be told otherwise; --transfer 16 has everybody do so.

Usually run as `cargo xtask bench`, which builds the component first; arguments follow `--`.";

const EXAMPLES: &str = "\
Examples:
  cargo xtask bench
  cargo xtask bench -- --quick
  cargo xtask bench -- --json bench.json
  cargo xtask bench -- --only 'decode server binary' --subject native --subject tungstenite";

#[derive(Debug, Parser)]
#[command(name = "bench", about = ABOUT, after_help = EXAMPLES, max_term_width = 100)]
struct Args {
    /// A few seconds' look: too short for numbers to rely on, long enough to check all outputs.
    #[arg(long)]
    quick: bool,

    /// How often each subject has its turn in each comparison [default: 15, or 3 with --quick].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    repetitions: Option<u32>,

    /// The most that one read brings in, and what is sent before a flush, in KiB. Where a library has a setting, it
    /// follows.
    #[arg(long, value_name = "KIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1024))]
    transfer: u32,

    /// Writes all measurements to a file as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Only comparisons whose name contains this, such as `text 16 B`. May be given several times.
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,

    /// Only subjects whose name contains this, such as `native`. May be given several times.
    #[arg(long, value_name = "TEXT")]
    subject: Vec<String>,

    /// The component to measure.
    #[arg(
        long,
        value_name = "FILE",
        env = "WEBSOCKET_COMPONENT",
        default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/component/websocket.wasm")
    )]
    component: PathBuf,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether nobody reads the table any more, as after `| head`: there is nobody to tell either.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn run(args: &Args) -> Result<()> {
    let cells: Vec<_> = Cell::all()
        .filter(|cell| chosen(&cell.to_string(), &args.only))
        .collect();
    ensure!(!cells.is_empty(), "no comparison has such a name");
    let subjects = subjects::all(&args.component)
        .context("run `cargo xtask bench`, which builds the component first")?;
    let subjects: Vec<_> = subjects
        .iter()
        .map(|subject| &**subject)
        .filter(|subject| chosen(subject.name(), &args.subject))
        .collect();
    ensure!(!subjects.is_empty(), "no subject has such a name");
    let effort = Effort {
        repetitions: args.repetitions.unwrap_or(if args.quick { 3 } else { 15 }) as usize,
        turn: Duration::from_millis(if args.quick { 1 } else { 15 }),
    };

    // Before minutes of work, not after.
    if let Some(path) = &args.json {
        File::create(path).with_context(|| format!("can't write {}", path.display()))?;
    }
    let setting = Setting::new(&args.component);
    let mut out = io::stdout();
    write!(out, "{}", setting.text())?;
    let transfer = args.transfer as usize * 1024;
    writeln!(
        out,
        "\n{} repetitions, {} ms a turn; reads of up to {transfer}, a flush every {transfer}\n{}",
        effort.repetitions,
        effort.turn.as_millis(),
        table::LEGEND,
        transfer = Size(transfer),
    )?;
    let all = compare(&cells, &subjects, transfer, effort)?;
    write!(out, "{}", table::summary(&all))?;
    writeln!(out, "\nAll outputs were checked and are right.")?;
    if let Some(path) = &args.json {
        write_json(path, &json::report(&setting, transfer, effort, &all))?;
    }
    Ok(())
}

/// Whether nothing particular is asked for, or this.
fn chosen(name: &str, wanted: &[String]) -> bool {
    wanted.is_empty() || wanted.iter().any(|wanted| name.contains(wanted.as_str()))
}

fn compare(
    cells: &[Cell],
    subjects: &[&dyn Subject],
    transfer: usize,
    effort: Effort,
) -> Result<Vec<Compared>> {
    let mut out = io::stdout();
    let mut works: Vec<Rc<Workload>> = Vec::new();
    let mut all: Vec<Compared> = Vec::new();
    for cell in cells {
        let known = works
            .iter()
            .find(|w| (w.content, w.size) == (cell.content, cell.size));
        let work = known.cloned().unwrap_or_else(|| {
            let work = Rc::new(Workload::new(cell.content, cell.size, transfer));
            works.push(Rc::clone(&work));
            work
        });
        let compared = measure::compare(*cell, &work, subjects, effort)?;
        if let Some(heading) = table::heading(&compared, all.last()) {
            writeln!(out, "{heading}")?;
        }
        write!(out, "{}", table::lines(&compared))?;
        all.push(compared);
    }
    Ok(all)
}

fn write_json(path: &Path, report: &serde_json::Value) -> Result<()> {
    let text = format!("{report:#}\n");
    fs::write(path, text).with_context(|| format!("can't write {}", path.display()))?;
    writeln!(io::stdout(), "All measurements are in {}.", path.display())?;
    Ok(())
}
