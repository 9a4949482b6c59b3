//! One gate from start to end: good connections in calm, under attack, and after it.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use host_tests::gate::Gate;
use host_tests::peer::echo_server;
use host_tests::usage::{Usage, allow_files};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout, timeout_at};

use crate::act::{ECHO, PREFIX};
use crate::attack::Attack;
use crate::corpus::Corpus;
use crate::crowd::Crowd;
use crate::good::{self, Found, Phase};
use crate::plan::Plan;
use crate::tally::{Tally, Witness};

/// How long what has to happen may take: opening the good connections, and closing them.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the gate may take to be as it was before the attack.
const SETTLING: Duration = Duration::from_secs(15);

/// How long the good connections are watched alone after an attack.
const AFTER: Duration = Duration::from_secs(1);

/// How often memory is looked at during the attack.
const SAMPLE: Duration = Duration::from_millis(100);

/// How much more memory may be resident after the attack than before it, in bytes: what the allocator keeps of what it
/// gave back. Thousands of connections of which a few KiB each were forgotten take more.
const ALLOWED: u64 = 16 << 20;

/// The gate's resources, at each stage of a round.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stages {
    /// Before the first connection.
    pub start: Usage,
    /// The good connections have opened, and their guests are as large as they get.
    pub open: Usage,
    /// After the calm phase.
    pub calm: Usage,
    /// The most of each during the attack; of CPU, what was used until its end.
    pub attack: Usage,
    /// The attackers have gone.
    pub after: Usage,
    /// The good connections have closed.
    pub end: Usage,
}

/// What a round found.
#[derive(Debug)]
pub struct Round {
    pub name: String,
    pub plan: Plan,
    pub good: Found,
    pub stages: Stages,
    /// How long calm and attack were.
    pub times: [Duration; 2],
    pub tally: Tally,
    /// Files of the corpus: how many were sent, of how many.
    pub corpus: (usize, usize),
    /// Unexpected results.
    pub wrong: Vec<String>,
}

/// Runs a round with this component.
///
/// # Errors
///
/// It can't be run, or the gate ended.
pub fn run(
    name: &str,
    component: &Path,
    plan: &Plan,
    attacks: &'static [Attack],
    corpus: Corpus,
) -> io::Result<Round> {
    allow_files(4096)?;
    // Attackers have threads of their own: the good ones' lateness is to be the gate's.
    let (good_ones, hostile_ones) = (Runtime::new()?, Runtime::new()?);
    let echo = echo_server(&good_ones)?;
    let (records, told) = mpsc::unbounded_channel();
    let crowd = Crowd {
        corpus: Arc::new(corpus),
        deadlines: plan.deadlines,
        records,
    };
    let listener = hostile_ones.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let routes = [
        format!("ws://{echo}"),
        format!("{ECHO}=ws://{}", echo_server(&hostile_ones)?),
        format!("{PREFIX}=ws://{}", listener.local_addr()?),
    ];
    hostile_ones.spawn(crowd.clone().serve(listener));
    let mut arguments = plan.deadlines.arguments();
    arguments.extend(
        routes
            .into_iter()
            .flat_map(|route| ["--upstream".to_owned(), route]),
    );
    let more = [
        "--log",
        "error",
        "--mode",
        plan.mode,
        "--sandbox",
        plan.sandbox,
    ];
    arguments.extend(more.map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut gate = Gate::start(component, &arguments)?;

    let mut round = Round {
        name: name.to_owned(),
        plan: plan.clone(),
        good: Found::default(),
        stages: Stages::default(),
        times: [Duration::ZERO; 2],
        tally: Tally::default(),
        corpus: (0, crowd.corpus.len()),
        wrong: Vec::new(),
    };
    let (phase, phases) = watch::channel(Phase::Opening);
    let id = gate.process.id();
    let files = Arc::clone(&crowd.corpus);
    let done = good_ones.block_on(async {
        let connections = round.open(&gate, phases).await?;
        round.calm(id, &phase).await?;
        round
            .attack(id, &phase, gate.address, &hostile_ones, crowd, attacks)
            .await?;
        round.settle(id, &phase).await?;
        round.close(id, &phase, connections).await
    });
    if let Some(status) = gate.process.ended()? {
        let log = gate.process.log();
        return Err(io::Error::other(format!(
            "the gate has ended: {status}\n{log}"
        )));
    }
    done?;
    hostile_ones.shutdown_background();
    round.collect(told);
    round.corpus.0 = files.taken();
    round.judge(attacks, &gate.process.log());
    Ok(round)
}

impl Round {
    async fn open(
        &mut self,
        gate: &Gate,
        phases: watch::Receiver<Phase>,
    ) -> io::Result<Vec<JoinHandle<Found>>> {
        self.stages.start = Usage::of(gate.process.id())?;
        let opened = Arc::new(Semaphore::new(0));
        let connections = (0..self.plan.good).map(|number| {
            let tell = Arc::clone(&opened);
            let opened = move || tell.add_permits(1);
            let interval = self.plan.interval;
            tokio::spawn(good::run(
                gate.address,
                number,
                interval,
                phases.clone(),
                opened,
            ))
        });
        let connections = connections.collect();
        let all = opened.acquire_many(self.plan.good as u32);
        match timeout(PATIENCE, all).await {
            Ok(_) => Ok(connections),
            Err(_) => Err(io::Error::other("the good connections can't all open")),
        }
    }

    async fn calm(&mut self, gate: u32, phase: &watch::Sender<Phase>) -> io::Result<()> {
        self.stages.open = Usage::of(gate)?;
        let since = Instant::now();
        phase.send_replace(Phase::Calm);
        sleep(self.plan.calm).await;
        self.stages.calm = Usage::of(gate)?;
        self.times[0] = since.elapsed();
        Ok(())
    }

    async fn attack(
        &mut self,
        gate: u32,
        phase: &watch::Sender<Phase>,
        address: SocketAddr,
        runtime: &Runtime,
        crowd: Crowd,
        attacks: &'static [Attack],
    ) -> io::Result<()> {
        let since = Instant::now();
        phase.send_replace(Phase::Attack);
        let (stop, stopped) = watch::channel(false);
        let attackers = runtime.spawn(crowd.attack(address, attacks, self.plan.clone(), stopped));
        let mut most = self.stages.calm;
        while !attackers.is_finished() {
            sleep(SAMPLE).await;
            let now = Usage::of(gate)?;
            most.resident = most.resident.max(now.resident);
            most.descriptors = most.descriptors.max(now.descriptors);
            most.threads = most.threads.max(now.threads);
            most.cpu = now.cpu;
            most.waiting = now.waiting;
            stop.send_replace(since.elapsed() >= self.plan.attack);
        }
        self.stages.attack = most;
        self.times[1] = since.elapsed();
        attackers.await.map_err(io::Error::other)?
    }

    /// Waits until the attackers' connections are gone, and a little longer.
    async fn settle(&mut self, gate: u32, phase: &watch::Sender<Phase>) -> io::Result<()> {
        phase.send_replace(Phase::After);
        let since = Instant::now();
        while Usage::of(gate)?.descriptors > self.stages.calm.descriptors
            && since.elapsed() < SETTLING
        {
            sleep(SAMPLE).await;
        }
        sleep(AFTER).await;
        self.stages.after = Usage::of(gate)?;
        Ok(())
    }

    async fn close(
        &mut self,
        gate: u32,
        phase: &watch::Sender<Phase>,
        connections: Vec<JoinHandle<Found>>,
    ) -> io::Result<()> {
        phase.send_replace(Phase::Over);
        let latest = tokio::time::Instant::now() + PATIENCE;
        for connection in connections {
            let mut found = match timeout_at(latest, connection).await {
                Ok(found) => found.map_err(io::Error::other)?,
                Err(_) => return Err(io::Error::other("a good connection doesn't end")),
            };
            self.wrong.extend(found.wrong.take());
            self.good.add(found);
        }
        let since = Instant::now();
        while Usage::of(gate)?.descriptors > self.stages.start.descriptors
            && since.elapsed() < SETTLING
        {
            sleep(SAMPLE).await;
        }
        self.stages.end = Usage::of(gate)?;
        Ok(())
    }

    fn collect(&mut self, mut told: mpsc::UnboundedReceiver<crate::tally::Record>) {
        while let Ok(record) = told.try_recv() {
            self.tally.add(record);
        }
    }

    /// Adds to what was wrong what the figures say.
    fn judge(&mut self, attacks: &[Attack], log: &str) {
        let Stages {
            start,
            calm,
            after,
            end,
            ..
        } = self.stages;
        self.wrong.extend(self.tally.wrong());
        if after.resident > calm.resident + ALLOWED {
            let (before, after) = (calm.resident, after.resident);
            self.wrong.push(format!(
                "{after} bytes are resident after the attack, and were {before}"
            ));
        }
        for (what, before, after) in [
            ("descriptors", calm.descriptors, after.descriptors),
            ("threads", calm.threads, after.threads),
            (
                "descriptors without connections",
                start.descriptors,
                end.descriptors,
            ),
        ] {
            if after > before {
                self.wrong.push(format!(
                    "{what}: {after} after the attack, {before} before it"
                ));
            }
        }
        for attack in attacks {
            for witness in [Witness::Client, Witness::Upstream] {
                let is_empty = self.corpus.1 == 0
                    && matches!(attack, Attack::CorpusAfter | Attack::CorpusInstead);
                if !is_empty && self.tally.count(&[*attack], &[witness]) == 0 {
                    let (name, who) = (attack.name(), witness.name());
                    self.wrong.push(format!("{name} ({who}) was never tried"));
                }
            }
        }
        // Only what is told to fail may: everything else that a guest is given, the engine has to cope with.
        let (seen, told) = (log.lines().count() as u64, self.tally.faults());
        if seen != told {
            let first = log.lines().next().unwrap_or_default();
            self.wrong.push(format!(
                "{seen} errors in the gate's log, and {told} guests that were told to fail: {first}"
            ));
        }
    }
}
