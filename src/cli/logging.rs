//! Messages on stderr.

use tracing_subscriber::EnvFilter;

use super::{Failure, LogFormat, Result};

/// Chooses what is shown: the flag, else RUST_LOG, else warnings of others and our own from `info` up.
pub fn init(level: Option<&str>, format: LogFormat) -> Result<()> {
    let filter = match level {
        Some(level) => EnvFilter::try_new(level)
            .map_err(|error| Failure::usage(format!("--log-level {level}: {error}")))?,
        None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,rivermill=info")),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let done = match format {
        LogFormat::Text => {
            let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
            builder.with_ansi(colours).try_init()
        }
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    done.map_err(|error| Failure::new(format!("cannot write messages: {error}")))
}
