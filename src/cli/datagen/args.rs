//! The subcommand: where to, how much, how fast, and how far it is.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::{DatagenSpec, KeyFormat, Kind, copy, generate};
use crate::cli::client::ServerArgs;
use crate::cli::{Failure, Result, stop_signal, tokio_runtime};
use crate::server::settings::{Inputs, load};

/// The flags; the command's own text is where the commands are listed.
#[derive(Debug, Args)]
pub struct DatagenArgs {
    /// What to generate
    kind: Kind,

    /// Write into topics of this Kafka: host:port with commas between
    #[arg(long, value_name = "HOST:PORT,…", conflicts_with_all = ["data_dir", "url"], help_heading = "Target")]
    bootstrap_servers: Option<String>,

    /// Write into topics of the embedded log in this directory; its server must not be running
    #[arg(long, value_name = "DIR", conflicts_with = "url", help_heading = "Target")]
    data_dir: Option<String>,

    /// The stream or topic [default: named for what is generated]; for nexmark a prefix of the three names
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    into: Option<String>,

    /// Partitions of a topic that does not exist yet
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(i32).range(1..=10_000), help_heading = "Target")]
    partitions: i32,

    /// How keys of records in topics are written
    #[arg(long, default_value = "bigint", help_heading = "Target")]
    key_format: KeyFormat,

    /// A setting of the Kafka client, such as kafka.sasl.password=…, as often as needed
    #[arg(long = "set", value_name = "NAME=VALUE", requires = "bootstrap_servers", help_heading = "Target")]
    set: Vec<String>,

    /// Events in all; 0: until Ctrl-C
    #[arg(long, default_value_t = 0)]
    count: u64,

    /// Events a second; 0: as fast as possible
    #[arg(long, default_value_t = 1_000)]
    rate: u64,

    /// Distinct auctions, persons or users
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    keys: u64,

    /// Equal seeds and start times make equal events
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Events a second of event time [default: the rate; 10000 where that is 0]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    event_rate: Option<u64>,

    /// Event time of the first event: 2026-01-01T00:00:00Z, or milliseconds since 1970 [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    start_time: Option<i64>,

    #[command(flatten, next_help_heading = "Server (the target where no other is given)")]
    server: ServerArgs,
}

impl DatagenArgs {
    fn spec(&self) -> DatagenSpec {
        DatagenSpec {
            kind: self.kind,
            topic: self.into.clone(),
            partitions: self.partitions,
            seed: self.seed,
            count: self.count,
            rate: self.rate,
            keys: self.keys,
            event_rate: self.event_rate.unwrap_or(if self.rate == 0 { 10_000 } else { self.rate }),
            start_ms: self.start_time.unwrap_or_else(now_ms),
            key_format: self.key_format,
        }
    }
}

pub fn run(args: DatagenArgs) -> Result<()> {
    let spec = args.spec();
    let start = Instant::now();
    let bar = progress_bar(spec.count);
    let stop = Arc::new(AtomicBool::new(false));
    let progress = {
        let (bar, stop) = (bar.clone(), Arc::clone(&stop));
        move |done| {
            bar.set_position(done);
            if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    };

    let runtime = tokio_runtime()?;
    runtime.spawn(async move {
        stop_signal().await;
        stop.store(true, Ordering::Relaxed);
    });
    let target = match (&args.bootstrap_servers, &args.data_dir) {
        (Some(servers), _) => Some(("bootstrap.servers", servers)),
        (None, Some(dir)) => Some(("data.dir", dir)),
        (None, None) => None,
    };
    let done = match target {
        Some((name, value)) => {
            let mut flags = vec![(name.to_owned(), value.clone())];
            for pair in &args.set {
                let (name, value) =
                    pair.split_once('=').ok_or_else(|| Failure::usage(format!("--set {pair}: no value")))?;
                flags.push((name.to_owned(), value.to_owned()));
            }
            // Only what the flags say: a server's environment is not a generator's.
            let settings = load(&Inputs { flags, ..Inputs::default() })?;
            let log = crate::server::open_log(&settings)?;
            generate(log.as_ref(), &spec, progress)?
        }
        None => runtime.block_on(copy::generate(&args.server, &spec, progress))?,
    };

    bar.finish_and_clear();
    let seconds = start.elapsed().as_secs_f64();
    let rate = HumanCount((done as f64 / seconds.max(1e-9)) as u64);
    println!("{} events in {seconds:.1} s, {rate} a second", HumanCount(done));
    Ok(())
}

/// On stderr; hidden where stdout or stderr is no terminal.
fn progress_bar(count: u64) -> ProgressBar {
    if !std::io::stdout().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match count {
        0 => (ProgressBar::no_length(), "{elapsed_precise} {human_pos} events, {per_sec}"),
        count => (
            ProgressBar::new(count),
            "{elapsed_precise} {wide_bar} {human_pos} of {human_len} events, {per_sec}, {eta} left",
        ),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn parse_time(text: &str) -> std::result::Result<i64, String> {
    if let Ok(ms) = text.parse::<i64>() {
        return Ok(ms);
    }
    chrono::DateTime::parse_from_rfc3339(text)
        .map(|time| time.timestamp_millis())
        .map_err(|error| format!("{error}; write 2026-01-01T00:00:00Z or milliseconds since 1970"))
}

pub(crate) fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
