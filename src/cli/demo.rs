//! `demo`: a server, the pipeline of `examples/quickstart/` and a generator in one process.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;

use super::datagen::{DatagenSpec, Kind, generate};
use super::{Failure, Result, stop_signal, tokio_runtime};
use crate::cli::datagen::now_ms;
use crate::log::Log;
use crate::server::settings::{Inputs, load};
use crate::server::{self, Script, Started};

/// The pipeline that the demo runs; `examples/quickstart/README.md` explains it.
const PIPELINE: &str = include_str!("../../examples/quickstart/pipeline.sql");

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Where the demo keeps its topics; what is there from an earlier demo is used again
    #[arg(long, value_name = "DIR", default_value = "rivermill-demo")]
    data_dir: String,

    /// Use this Kafka instead of the embedded log: host:port with commas between
    #[arg(long, value_name = "HOST:PORT,…")]
    bootstrap_servers: Option<String>,

    /// Where Postgres clients connect
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:5433")]
    listen: String,

    /// Where health and metrics are served; "off" for nowhere
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8088")]
    http_listen: String,

    /// Bids a second; there are a fifth as many page views
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    rate: u64,
}

pub fn run(args: DemoArgs) -> Result<()> {
    let flags = [
        ("data.dir", args.data_dir.clone()),
        ("bootstrap.servers", args.bootstrap_servers.clone().unwrap_or_default()),
        ("listen.postgres", args.listen.clone()),
        ("listen.http", args.http_listen.clone()),
    ];
    let flags = flags.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let settings = load(&Inputs { flags, ..Inputs::default() })?;
    let script = Script { name: "examples/quickstart/pipeline.sql".into(), text: PIPELINE.into() };

    let stop = Arc::new(AtomicBool::new(false));
    let done = tokio_runtime()?.block_on(async {
        let (ready, started) = tokio::sync::oneshot::channel();
        let generators = tokio::spawn(start_generators(started, args.rate, Arc::clone(&stop)));
        let result = server::run(settings, vec![script], ready, stop_signal()).await.map_err(Failure::new);
        stop.store(true, Ordering::Relaxed);
        let _ = generators.await;
        result
    });
    println!("stopped; the data is still there, and `rivermill demo` goes on with it");
    done
}

async fn start_generators(
    started: tokio::sync::oneshot::Receiver<Started>,
    rate: u64,
    stop: Arc<AtomicBool>,
) {
    // The server did not come up: its error is what is shown.
    let Ok(started) = started.await else { return };
    for (kind, rate) in [(Kind::Bids, rate), (Kind::Pageviews, (rate / 5).max(1))] {
        let (log, stop) = (Arc::clone(&started.log), Arc::clone(&stop));
        tokio::task::spawn_blocking(move || keep_generating(log.as_ref(), kind, rate, &stop));
    }
    print_welcome(&started);
}

/// Generates until it is told to stop; where the log is away for a while, tries again.
fn keep_generating(log: &dyn Log, kind: Kind, rate: u64, stop: &AtomicBool) {
    let progress = |_| match stop.load(Ordering::Relaxed) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    while !stop.load(Ordering::Relaxed) {
        let start_ms = now_ms();
        let spec = DatagenSpec {
            kind,
            rate,
            event_rate: rate,
            start_ms,
            seed: start_ms as u64,
            ..DatagenSpec::default()
        };
        if let Err(error) = generate(log, &spec, progress) {
            tracing::warn!(%error, kind = kind.name(), "the generator waits");
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}

fn print_welcome(started: &Started) {
    let Some(address) = started.postgres else { return };
    println!(
        "Bids and page views flow in, and three queries run over them. Connect from another terminal:\n"
    );
    println!("    psql -h {} -p {} -U rivermill\n", address.ip(), address.port());
    println!("and ask, for example:\n");
    for query in QUERIES {
        println!("    {query}");
    }
    if let Some(http) = started.http {
        println!("\nMetrics: http://{http}/metrics");
    }
    println!("Ctrl-C here ends the demo.");
}

const QUERIES: [&str; 3] = [
    "SELECT auction, bids, turnover FROM bids_per_auction ORDER BY bids DESC LIMIT 5;",
    "SELECT windowstart, pageid, views FROM views_per_page ORDER BY windowstart DESC, views DESC LIMIT 10;",
    "COPY (SELECT * FROM high_bids EMIT CHANGES) TO STDOUT;   -- a live feed; Ctrl-C ends it",
];
