//! `serve`: the server, in the foreground, until Ctrl-C or SIGTERM.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, Result, script, stop_signal, tokio_runtime};
use crate::server::settings::{Inputs, Settings, load};
use crate::server::{self, Started};

#[derive(Debug, Args)]
pub struct ServeArgs {
    #[command(flatten)]
    settings: SettingArgs,

    /// SQL files to apply before clients are let in; what exists already is left as it is
    #[arg(long, value_name = "FILE")]
    sql: Vec<PathBuf>,
}

/// Flags that are settings.
#[derive(Debug, Default, Args)]
pub struct SettingArgs {
    /// A TOML file with settings
    #[arg(long, env = "RIVERMILL_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Where the embedded log and checkpoints are kept [default: rivermill-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,

    /// Kafka brokers, host:port with commas between; without them topics live in the embedded log
    #[arg(long, value_name = "HOST:PORT,…")]
    bootstrap_servers: Option<String>,

    /// Where Postgres clients connect [default: 127.0.0.1:5433]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,

    /// Where health and metrics are served; "off" for nowhere [default: 127.0.0.1:8088]
    #[arg(long, value_name = "HOST:PORT")]
    http_listen: Option<String>,

    /// Any other setting, as often as needed; docs/settings.md lists them all
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
}

impl SettingArgs {
    /// Puts flags, environment and file together.
    pub fn load(&self) -> Result<Settings> {
        let named = [
            ("data.dir", &self.data_dir),
            ("bootstrap.servers", &self.bootstrap_servers),
            ("listen.postgres", &self.listen),
            ("listen.http", &self.http_listen),
        ];
        let mut flags: Vec<(String, String)> =
            named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect();
        for pair in &self.set {
            let (name, value) = pair.split_once('=').ok_or_else(|| {
                Failure::usage(format!("--set {pair}: no value")).hint("write --set name=value")
            })?;
            flags.push((name.trim().to_owned(), value.to_owned()));
        }
        let inputs = Inputs::read(self.config.as_deref(), flags)?;
        Ok(load(&inputs)?)
    }
}

pub fn run(args: ServeArgs) -> Result<()> {
    let settings = args.settings.load()?;
    let scripts = script::read_all(&args.sql)?;
    tokio_runtime()?.block_on(async {
        let (ready, started) = tokio::sync::oneshot::channel();
        tokio::spawn(async move {
            if let Ok(started) = started.await {
                announce(&started);
            }
        });
        server::run(settings, scripts, ready, stop_signal()).await.map_err(Failure::new)
    })
}

fn announce(started: &Started) {
    if let Some(address) = started.postgres {
        tracing::info!(%address, "ready for Postgres clients");
    }
    if let Some(address) = started.http {
        tracing::info!(%address, "health and metrics over HTTP");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_become_settings() {
        let args = SettingArgs {
            listen: Some("127.0.0.1:0".into()),
            set: vec!["commit.interval.ms=5s".into(), "kafka.sasl.password=a=b".into()],
            ..SettingArgs::default()
        };
        let settings = args.load().unwrap();
        assert_eq!(settings.listen_postgres(), "127.0.0.1:0");
        assert_eq!(settings.commit_interval_ms(), 5_000);
        assert_eq!(settings.kafka().collect::<Vec<_>>(), [("sasl.password", "a=b")]);

        let wrong = SettingArgs { set: vec!["commit.interval.ms".into()], ..SettingArgs::default() };
        assert_eq!(wrong.load().unwrap_err().message, "--set commit.interval.ms: no value");
    }
}
