//! A connection to a running server, as any Postgres client makes it.

use std::future::poll_fn;

use clap::Args;
use tokio::sync::mpsc;
use tokio_postgres::error::DbError;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls};

use super::{Failure, Result};

/// Where the server is.
#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// The server, as postgres://user@host:port/dbname; instead of the four flags below
    #[arg(long, value_name = "URL", conflicts_with_all = ["host", "port", "user", "dbname"])]
    pub url: Option<String>,

    /// The server's host
    #[arg(long, default_value = "127.0.0.1")]
    pub host: String,

    /// The server's Postgres port
    #[arg(long, default_value_t = 5433)]
    pub port: u16,

    /// Who connects; a password is taken from PGPASSWORD
    #[arg(long, default_value = "rivermill")]
    pub user: String,

    /// The name of the database
    #[arg(long, default_value = "rivermill")]
    pub dbname: String,
}

/// Notices that are kept until they are asked for; more are dropped.
const NOTICES_MAX: usize = 1_000;

/// A client and the notices that the server sent it, each before the end of the statement it belongs to.
pub struct Connection {
    pub client: Client,
    pub notices: mpsc::Receiver<DbError>,
}

impl ServerArgs {
    fn config(&self) -> Result<Config> {
        let mut config = match &self.url {
            Some(url) => {
                url.parse::<Config>().map_err(|error| Failure::usage(format!("--url {url}: {error}")))?
            }
            None => {
                let mut config = Config::new();
                config.host(&self.host).port(self.port).user(&self.user).dbname(&self.dbname);
                config
            }
        };
        if config.get_user().is_none() {
            config.user(&self.user);
        }
        if config.get_password().is_none()
            && let Ok(password) = std::env::var("PGPASSWORD")
        {
            config.password(password);
        }
        config.application_name("rivermill");
        Ok(config)
    }

    pub async fn connect(&self) -> Result<Connection> {
        let config = self.config()?;
        let (client, mut connection) = config.connect(NoTls).await.map_err(|error| {
            let place = self.url.clone().unwrap_or_else(|| format!("{}:{}", self.host, self.port));
            Failure::new(format!("cannot connect to {place}: {}", text(&error)))
                .hint("is the server running? `rivermill serve` starts one; --url says where it is")
        })?;
        let (send, notices) = mpsc::channel(NOTICES_MAX);
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                if let AsyncMessage::Notice(notice) = message {
                    let _ = send.try_send(notice);
                }
            }
        });
        Ok(Connection { client, notices })
    }
}

/// An error with its cause; the server's own words where it is the server's.
pub fn text(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        return db.message().to_owned();
    }
    match std::error::Error::source(error) {
        Some(cause) => cause.to_string(),
        None => error.to_string(),
    }
}
