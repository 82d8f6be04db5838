//! The command line: what a person types, turned into settings and calls, and what they read back.
//!
//! One file a subcommand. Texts for people are made here and nowhere below; results go to stdout, all else to stderr.

use std::fmt;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

mod apply;
mod client;
pub mod datagen;
mod demo;
mod include;
mod logging;
mod script;
mod serve;
pub mod test;

/// Streaming SQL on Kafka, served over the Postgres wire protocol.
///
/// For a first try, without Kafka: `rivermill demo`, then `psql -h localhost -p 5433`.
#[derive(Debug, Parser)]
#[command(name = "rivermill", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,

    /// The least important messages to show on stderr: error, warn, info, debug or trace; also filters such as
    /// `info,rivermill::runtime=debug`. RUST_LOG is heeded too
    #[arg(
        long,
        global = true,
        env = "RIVERMILL_LOG_LEVEL",
        value_name = "LEVEL",
        help_heading = "Messages",
        display_order = 1_000
    )]
    log_level: Option<String>,

    /// How messages are written on stderr
    #[arg(
        long,
        global = true,
        env = "RIVERMILL_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Messages",
        display_order = 1_001
    )]
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(serve::ServeArgs),
    /// Make what SQL files describe exist on a running server; running it again changes nothing
    Apply(apply::ApplyArgs),
    /// Generate events: auctions and bids, or page views
    ///
    /// Without a target they go into streams of the server on this machine, by COPY: `rivermill datagen bids` needs a
    /// stream BIDS that has the columns of a bid. With --bootstrap-servers they go into topics of a Kafka, with --data-dir
    /// into the embedded log of a server that is not running.
    Datagen(datagen::DatagenArgs),
    /// Run a server, a generator and a few queries, with nothing else installed
    Demo(demo::DemoArgs),
    /// Run tests of SQL in ksqlDB's formats, with neither a server nor a broker
    Test(test::TestArgs),
}

/// Why a command failed, for people.
#[derive(Debug)]
pub struct Failure {
    pub message: String,
    pub hint: Option<String>,
    pub code: Code,
}

/// Exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// What was asked failed.
    Failed = 1,
    /// It was asked wrongly; clap uses the same code.
    Usage = 2,
}

impl Failure {
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), hint: None, code: Code::Failed }
    }

    pub fn usage(message: impl fmt::Display) -> Self {
        Self { code: Code::Usage, ..Self::new(message) }
    }

    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }
}

impl From<crate::log::LogError> for Failure {
    fn from(error: crate::log::LogError) -> Self {
        Self::new(error)
    }
}

impl From<crate::server::settings::SettingError> for Failure {
    fn from(error: crate::server::settings::SettingError) -> Self {
        let failure = Self::usage(&error);
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

type Result<T, E = Failure> = std::result::Result<T, E>;

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = logging::init(cli.log_level.as_deref(), cli.log_format).and_then(|()| match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Apply(args) => apply::run(args),
        Command::Datagen(args) => datagen::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Test(args) => test::run(args),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("rivermill: {}", failure.message);
            if let Some(hint) = failure.hint {
                eprintln!("hint: {hint}");
            }
            ExitCode::from(failure.code as u8)
        }
    }
}

/// Threads for calls that block; a call beyond them waits.
const BLOCKING_THREADS_MAX: usize = 64;

/// The runtime for connections and statements; queries run on workers of their own.
fn tokio_runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("rivermill-io")
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build()
        .map_err(|error| Failure::new(format!("cannot start threads: {error}")))
}

/// Resolves at Ctrl-C or SIGTERM.
async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
