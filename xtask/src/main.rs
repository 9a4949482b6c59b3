//! The project's tasks, as `cargo xtask <command>`: build the component, run the gate, test, measure.

mod broken;
mod commands;
mod component;
mod debian;
mod filter;
mod imports;
mod instructions;
mod javascript;
mod libtest;
mod metadata;
mod needs;
mod oci;
mod packages;
mod same_product;
mod shell;
mod steps;
mod suite;
mod system;
mod tool;
mod toolchain;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::component::Kind;
use crate::toolchain::{COMPONENT, Source};

const RUN_EXAMPLES: &str = "\
Examples:
  cargo xtask run
  cargo xtask run -- --listen 127.0.0.1:9000 --upstream ws://127.0.0.1:9001/
  cargo xtask run -- --help     (lists the gate's arguments)";

/// Build, run, test and measure the WebSocket component and its hosts.
///
/// Every command works from a fresh clone: it first builds what it needs, and prints what it is doing.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// List the system programs that the commands need, what each is for, and how to get those that are missing.
    ///
    /// The commands install what they need if you are root on Debian. Fails if something is missing.
    Doctor,
    /// Build the WebAssembly component and check that it imports nothing.
    ///
    /// The result is target/component/websocket.wasm. The wasm32-wasip2 target is added with rustup if it is missing;
    /// only where it can't be downloaded, Debian's packages rustc-web and rust-web-src are used instead, which are
    /// installed if you are root.
    Component {
        /// Build the component for the sandbox tests, which can be made to trap, loop or exhaust its memory;
        /// it goes to target/component/websocket-misbehave.wasm.
        #[arg(long)]
        misbehave: bool,

        /// Build the component without permessage-deflate, which is smaller;
        /// it goes to target/component/websocket-without-deflate.wasm.
        #[arg(long, conflicts_with = "misbehave")]
        without_deflate: bool,

        /// Build with this toolchain, and no other.
        #[arg(long, value_name = "NAME", value_enum)]
        toolchain: Option<Source>,
    },
    /// Build the filter for Envoy and check that it imports nothing but proxy-wasm.
    ///
    /// The result is target/component/websocket-filter.wasm, for Envoy and other proxy-wasm hosts; envoy/README.md says how
    /// it is used. The target wasm32-unknown-unknown comes from rustup or Debian's packages, as the component's does.
    /// Needs npm for Binaryen; without it the module is a tenth larger.
    Envoy(filter::Args),
    /// Build the npm package and the frame inspector: the component transpiled by jco, the layer for Node and browsers, and a page.
    ///
    /// The results are js/websocket-component-0.2.0.tgz, as npm publishes it, and js/inspector/dist/index.html, which
    /// is self-contained. js/README.md says how to use them. Needs Node 20 or newer, and npm.
    Js {
        /// Try the package in Node 20, 22 and 24, in Bun and Deno, and in Chromium behind esbuild and Vite, all of which
        /// are installed from npm (640 MB) and removed again. For Linux on x64.
        #[arg(long)]
        environments: bool,
    },
    /// Pack the artifacts of a release, and run README's echo server outside the workspace on the packed crates.
    ///
    /// The crates, with the component in one of them, go to target/package; the component and its WIT package as OCI layouts
    /// to target/package/oci; bills of materials (CycloneDX) of the component and the gate to target/package/sbom. The
    /// component is built with the one compiler used for releases, so that its build is reproducible. Nothing is
    /// published.
    Package,
    /// Build the component and the gate, and start the gate.
    ///
    /// Without arguments it is a demonstration: an echo server behind the gate, and the frame inspector to try it with, on
    /// 127.0.0.1:8080. Without Node there is no page. Arguments are passed to the gate, for real use. Ctrl-C ends the
    /// gate gracefully.
    #[command(after_help = RUN_EXAMPLES)]
    Run {
        /// Arguments of the gate, after `--`.
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "GATE ARGUMENT"
        )]
        args: Vec<OsString>,
    },
    /// Install what the tests need, and run all of them.
    ///
    /// Formatting, lints, the engine's unit tests, the tests of host and gate on the real component with real peers
    /// (npm ws, Python websockets, headless Chromium), and Node running the component. Peers are installed below
    /// target/ and host-tests/; `cargo xtask doctor` lists the programs that come from the system's packages.
    Test {
        /// Only the Rust tests: no formatting, no lints, nothing installed, and none of the tests that need Node,
        /// Python or a browser.
        #[arg(long)]
        fast: bool,
    },
    /// Run the Autobahn test suite against the component, the native engine and the npm package, as server and as client.
    ///
    /// Prints the counts of each run, and for each case that isn't OK the expected and the actual result. Fails if one failed or
    /// is NON-STRICT. The test suite is installed below target/, and its reports, with a page for each case, go to
    /// target/autobahn/. About two hours for all; `--host` and `--role` may be given several times.
    Autobahn {
        /// Leave out the long messages (9.*) and compression (12.*, 13.*).
        #[arg(long)]
        fast: bool,

        /// Only this: component, native, node, inspect, terminate (the gate, in its modes), envoy, envoy-filter; or, with
        /// TLS, component-tls, inspect-tls, terminate-tls.
        #[arg(long)]
        host: Vec<String>,

        /// Only in this role: server, client.
        #[arg(long)]
        role: Vec<String>,
    },
    /// Break the engine on purpose, one rule at a time, and check that the tests detect it.
    ///
    /// Fails if a fault isn't detected by tests that are named after the rule: of the unit tests, of the session tests
    /// on the native engine, and of those on the component.
    Broken {
        /// Only the native engine.
        #[arg(long)]
        fast: bool,
    },
    /// Attack the gate with thousands of hostile connections, beside a hundred good ones that count every message.
    ///
    /// Prints the delays of the good ones' messages, the gate's resources, and how each kind of attack ended. Fails if
    /// a good connection loses, swaps or alters a message, if a hostile one stays too long, or if the gate's memory
    /// isn't released. About 3 minutes; `cargo xtask soak --minutes 10` takes longer, `cargo xtask soak --help` lists
    /// the rest.
    #[command(disable_help_flag = true)]
    Soak {
        /// Arguments of the soak program.
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "SOAK ARGUMENT"
        )]
        args: Vec<OsString>,
    },
    /// Count the instructions of the engine's kernels, and compare with bench/instructions.tsv.
    ///
    /// Runs each of them under callgrind (Debian's valgrind, which is installed if you are root). Fails if one takes
    /// over 3 % more than recorded there, with the same compiler.
    Instructions {
        /// Record these counts.
        #[arg(long)]
        write: bool,
    },
    /// Build the component and the benchmarks, install the peers, and run them.
    Bench {
        /// Arguments of the benchmark program, after `--`.
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "BENCH ARGUMENT"
        )]
        args: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Task::Component {
            misbehave,
            without_deflate,
            toolchain,
        } => {
            let kind = match (misbehave, without_deflate) {
                (true, _) => Kind::Misbehave,
                (_, true) => Kind::WithoutDeflate,
                _ => Kind::Normal,
            };
            let built = match toolchain {
                Some(source) => source
                    .find_or_install(&COMPONENT)
                    .and_then(|toolchain| component::build_with(kind, &toolchain)),
                None => component::build(kind),
            };
            built.map(drop)
        }
        Task::Doctor => system::doctor(),
        Task::Envoy(args) => filter::run(&args),
        Task::Js { environments } => javascript::run(environments),
        Task::Package => packages::run(),
        Task::Run { args } => commands::run_gate(args),
        Task::Test { fast } => suite::run(fast),
        Task::Autobahn { fast, host, role } => {
            let mut more: Vec<String> = role
                .into_iter()
                .map(|role| format!("--role={role}"))
                .collect();
            more.extend(fast.then(|| "--fast".to_owned()));
            commands::run_autobahn(&host, &more)
        }
        Task::Broken { fast } => broken::run(fast),
        Task::Soak { args } => commands::run_soak(args),
        Task::Instructions { write } => instructions::run(write),
        Task::Bench { args } => commands::run_bench(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
