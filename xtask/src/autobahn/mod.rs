//! `cargo xtask autobahn`: the Autobahn test suite against each host of the engine in both roles.
//!
//! | module | what it is |
//! |---|---|
//! | `summary` | the counts of a run, and the cases that aren't OK |
//! | `runs` | the test suite and its peer as processes |
//! | `envoy` | Envoy between them |
//! | `report` | what the test suite found, checked to be complete |
//! | `sections` | which cases there are |
//!
//! Each module uses only those below it.

mod envoy;
mod report;
mod runs;
mod sections;
mod summary;

use std::path::Path;

use anyhow::{Result, bail};
use clap::ValueEnum;

use self::runs::{Finished, Host, Role, Run, Tools};
use self::sections::Section;
use crate::component::{self, Kind};
use crate::{commands, filter, javascript, needs};

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out the big messages (9.*) and compression (12.*, 13.*).
    #[arg(long)]
    fast: bool,

    /// Which build of the engine, by what runs it.
    #[arg(long, value_enum, default_value_t = Hosts::All)]
    host: Hosts,

    /// Which role the engine has; the test suite has the other.
    #[arg(long, value_enum, default_value_t = Roles::Both)]
    role: Roles,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Hosts {
    /// None: the Rust crate.
    Native,
    /// wasmtime, with the component in its sandbox.
    Wasmtime,
    /// Node, with the npm package.
    Node,
    /// The gate, in both modes, with the Rust crate behind it.
    Gate,
    /// The same gates and wasmtime, with TLS: two gates behind each other, with TLS between them.
    Tls,
    /// Envoy, without the filter and with it, with the Rust crate behind it.
    Envoy,
    /// One after the other.
    All,
}

impl Hosts {
    fn list(self) -> &'static [Host] {
        match self {
            Self::Native => &[Host::Native],
            Self::Wasmtime => &[Host::Wasmtime],
            Self::Node => &[Host::Node],
            Self::Gate => &[Host::Inspect, Host::Terminate],
            Self::Tls => &[Host::WasmtimeTls, Host::InspectTls, Host::TerminateTls],
            Self::Envoy => &[Host::Envoy, Host::EnvoyFilter],
            Self::All => &[
                Host::Wasmtime,
                Host::Native,
                Host::Node,
                Host::Inspect,
                Host::Terminate,
                Host::WasmtimeTls,
                Host::InspectTls,
                Host::TerminateTls,
                Host::Envoy,
                Host::EnvoyFilter,
            ],
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Roles {
    /// A server, which a fuzzing client connects to.
    Server,
    /// A client of a fuzzing server.
    Client,
    /// One after the other.
    Both,
}

impl Roles {
    fn list(self) -> &'static [Role] {
        match self {
            Self::Server => &[Role::Server],
            Self::Client => &[Role::Client],
            Self::Both => &[Role::Server, Role::Client],
        }
    }
}

/// The command.
pub(crate) fn run(args: &Args) -> Result<()> {
    let component = component::build(Kind::Normal)?;
    let sections = match args.fast {
        true => sections::fast(),
        false => sections::all(),
    };
    if args.host.list().contains(&Host::Node) {
        javascript::install(&javascript::build(&component)?)?;
    }
    let mut tools = tools(&component)?;
    if args.host.list().contains(&Host::EnvoyFilter) {
        filter::build(false)?;
        tools.envoy = Some(needs::envoy()?);
    }
    let finished = run_all(&tools, args.host, args.role, &sections)?;
    judge(&finished)
}

/// The part of `cargo xtask test`: the fast cases against the component and the npm package, which is installed, in both roles.
pub(crate) fn test(component: &Path) -> Result<()> {
    let tools = tools(component)?;
    let mut finished = run_all(&tools, Hosts::Wasmtime, Roles::Both, &sections::fast())?;
    finished.extend(run_all(
        &tools,
        Hosts::Gate,
        Roles::Both,
        &sections::fast(),
    )?);
    finished.extend(run_all(
        &tools,
        Hosts::Node,
        Roles::Both,
        &sections::fast(),
    )?);
    judge(&finished)
}

fn tools(component: &Path) -> Result<Tools> {
    let python = needs::autobahn()?;
    eprintln!(
        "Building the peer of the test suite, and the gate (the first build takes some minutes)"
    );
    commands::build_with_gate(&["autobahn-peer"])?;
    Tools::new(python, component)
}

fn run_all(
    tools: &Tools,
    hosts: Hosts,
    roles: Roles,
    sections: &[Section],
) -> Result<Vec<Finished>> {
    let mut finished = Vec::new();
    for &host in hosts.list() {
        for &role in roles.list() {
            let run = Run { host, role };
            println!("\n{run}");
            let done = runs::finish(tools, run, sections)?;
            print!("{}", summary::summary(&done));
            finished.push(done);
        }
    }
    Ok(finished)
}

/// An error unless every case of every run has passed.
fn judge(finished: &[Finished]) -> Result<()> {
    let bad: Vec<String> = finished
        .iter()
        .filter(|done| done.bad().count() > 0)
        .map(|done| format!("{}: {}", done.run, list(done.bad().map(|case| &case.id))))
        .collect();
    if !bad.is_empty() {
        bail!("not passed: {}", bad.join("; "));
    }
    Ok(())
}

fn list(ids: impl Iterator<Item = impl ToString>) -> String {
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    ids.join(", ")
}
