//! `cargo xtask instructions`: the instructions of the engine's kernels, counted by callgrind rather than timed, so
//! that a busy machine makes no difference.
//!
//! Each kernel runs twice, with a different number of passes; the difference leaves out everything that is done once.
//! The recorded counts belong to a compiler: with another one they are only shown.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell;
use crate::system::VALGRIND;

/// How far a count may exceed the recorded one: no more than a change of addresses causes.
const TOLERANCE: f64 = 0.03;
/// The passes of the two runs.
const PASSES: [u64; 2] = [20, 60];
/// The file of recorded counts, relative to the root.
const KEPT: &str = "bench/instructions.tsv";

/// Instructions for each message, and the compiler that they belong to.
struct Counts {
    compiler: String,
    kernels: Vec<(String, f64)>,
}

/// Counts, and compares with the recorded counts or records new ones.
pub(crate) fn run(write: bool) -> Result<()> {
    let counts = Counts::measure()?;
    let path = shell::root()?.join(KEPT);
    if write {
        fs::write(&path, counts.text())
            .with_context(|| format!("can't write {}", path.display()))?;
    }
    let kept = fs::read_to_string(&path).with_context(|| format!("can't read {KEPT}"))?;
    counts.compare(&Counts::parse(&kept).with_context(|| format!("{KEPT} can't be read"))?)
}

impl Counts {
    fn measure() -> Result<Counts> {
        VALGRIND.find_or_install()?;
        let root = shell::root()?;
        shell::run(shell::cargo().args(["build", "--release", "--bin", "kernels"]))?;
        let program = root.join("target/release/kernels");
        let names = shell::output(&mut Command::new(&program))?;
        let kernels = names.lines().map(|name| {
            let [(few, first), (many, second)] = [
                count(&program, name, PASSES[0])?,
                count(&program, name, PASSES[1])?,
            ];
            Ok((name.to_owned(), (second - first) / (many - few)))
        });
        Ok(Counts {
            compiler: shell::output(Command::new("rustc").arg("--version"))?,
            kernels: kernels.collect::<Result<_>>()?,
        })
    }

    fn parse(text: &str) -> Result<Counts> {
        let mut lines = text.lines();
        let compiler = lines.next().context("it is empty")?.to_owned();
        let kernels = lines.map(|line| {
            let (name, count) = line.split_once('\t').context("a line without a tab")?;
            Ok((name.to_owned(), count.parse()?))
        });
        let kernels = kernels.collect::<Result<_>>()?;
        Ok(Counts { compiler, kernels })
    }

    fn text(&self) -> String {
        let lines = self.kernels.iter();
        let lines = lines.map(|(name, count)| format!("{name}\t{count:.1}\n"));
        format!("{}\n{}", self.compiler, lines.collect::<String>())
    }

    /// Prints both, and fails if one has increased.
    fn compare(&self, kept: &Counts) -> Result<()> {
        let is_same = self.compiler == kept.compiler;
        println!(
            "\nInstructions for a message or a handshake, with {}",
            self.compiler
        );
        if !is_same {
            println!("(what is kept is {}'s: nothing is judged)", kept.compiler);
        }
        println!("{:<28} {:>10} {:>10} {:>8}", "kernel", "now", "kept", "");
        let mut worse = Vec::new();
        for (name, now) in &self.kernels {
            let before = kept.kernels.iter().find(|(other, _)| other == name);
            let Some((_, before)) = before else {
                println!("{name:<28} {now:>10.1} {:>10} {:>8}", "-", "new");
                worse.push(format!("{name} is new"));
                continue;
            };
            let change = now / before - 1.0;
            println!(
                "{name:<28} {now:>10.1} {before:>10.1} {:>+7.1}%",
                100.0 * change
            );
            if change > TOLERANCE {
                worse.push(format!("{name} by {:.1}%", 100.0 * change));
            }
        }
        if is_same && !worse.is_empty() {
            bail!(
                "more than was kept: {}; `cargo xtask instructions --write` keeps it, if it has a reason",
                worse.join(", ")
            );
        }
        Ok(())
    }
}

/// How many messages a run had, and how many instructions it took.
fn count(program: &Path, kernel: &str, passes: u64) -> Result<(f64, f64)> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    let output = valgrind
        .arg(program)
        .args([kernel, &passes.to_string()])
        .output()
        .context("can't start valgrind")?;
    let messages = String::from_utf8_lossy(&output.stdout).trim().parse();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let instructions = said.lines().find_map(|line| {
        let (_, number) = line.split_once("Collected :")?;
        number.trim().parse().ok()
    });
    match (messages, instructions) {
        (Ok(messages), Some(instructions)) if output.status.success() => {
            Ok((messages, instructions))
        }
        _ => bail!("{kernel}: {said}"),
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    fn counts(compiler: &str, count: f64) -> Counts {
        Counts {
            compiler: compiler.into(),
            kernels: vec![("decode".into(), count)],
        }
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let kept = Counts::parse(&counts("rustc 1", 12.25).text()).unwrap();
        assert_eq!(kept.compiler, "rustc 1");
        assert_eq!(kept.kernels, [("decode".to_owned(), 12.2)]);
        assert!(Counts::parse("").is_err());
        assert!(Counts::parse("rustc 1\nno tab").is_err());
    }

    #[test]
    fn more_than_was_kept_is_an_error_with_the_same_compiler_only() {
        let kept = counts("rustc 1", 100.0);
        assert!(counts("rustc 1", 102.0).compare(&kept).is_ok());
        assert!(counts("rustc 1", 50.0).compare(&kept).is_ok());
        assert!(counts("rustc 1", 104.0).compare(&kept).is_err());
        assert!(counts("rustc 2", 104.0).compare(&kept).is_ok());
    }

    #[test]
    fn a_kernel_that_nobody_has_kept_is_an_error() {
        let mut kept = counts("rustc 1", 100.0);
        kept.kernels.clear();
        assert!(counts("rustc 1", 1.0).compare(&kept).is_err());
    }
}
