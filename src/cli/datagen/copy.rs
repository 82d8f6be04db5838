//! Events into streams of a running server: one short COPY a batch, so that rows appear as they are made.

use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;
use futures::SinkExt;
use tokio_postgres::{CopyInSink, Statement};

use super::{DatagenSpec, Event, Kind, Pace};
use crate::cli::client::{ServerArgs, text};
use crate::cli::{Failure, Result};

/// As [`super::generate`], over the Postgres wire. The streams must exist.
pub async fn generate(
    server: &ServerArgs,
    spec: &DatagenSpec,
    mut progress: impl FnMut(u64) -> ControlFlow<()>,
) -> Result<u64> {
    let connection = server.connect().await?;
    let mut targets = Vec::new();
    for kind in spec.kind.parts() {
        let stream = spec.topic_of(*kind);
        let sql = format!("COPY {stream} ({}) FROM STDIN", kind.columns().join(", "));
        let copy = connection.client.prepare(&sql).await.map_err(|error| {
            Failure::new(format!("cannot copy into {stream}: {}", text(&error)))
                .hint(format!("a stream {stream} with the columns {} must exist", kind.columns().join(", ")))
        })?;
        targets.push(Target { kind: *kind, copy, lines: Vec::new() });
    }

    let mut generator = spec.generator();
    let mut pace = Pace::new(spec);
    while let Some((batch, wait)) = pace.plan() {
        if wait > Duration::ZERO {
            tokio::time::sleep(wait).await;
        }
        for _ in 0..batch {
            let event = generator.next_event();
            if let Some(target) = targets.iter_mut().find(|target| target.kind == event.kind) {
                target.push(&event);
            }
        }
        for target in targets.iter_mut().filter(|target| !target.lines.is_empty()) {
            let lines = Bytes::from(std::mem::take(&mut target.lines));
            send(&connection.client, &target.copy, lines)
                .await
                .map_err(|error| Failure::new(format!("the server refused rows: {}", text(&error))))?;
        }
        if progress(pace.done()).is_break() {
            break;
        }
    }
    Ok(pace.done())
}

struct Target {
    kind: Kind,
    copy: Statement,
    /// Of the running batch: at most [`super::BATCH`] events.
    lines: Vec<u8>,
}

impl Target {
    fn push(&mut self, event: &Event) {
        event.write_text(&mut self.lines);
    }
}

async fn send(
    client: &tokio_postgres::Client,
    copy: &Statement,
    lines: Bytes,
) -> std::result::Result<(), tokio_postgres::Error> {
    let sink: CopyInSink<Bytes> = client.copy_in(copy).await?;
    let mut sink = std::pin::pin!(sink);
    sink.send(lines).await?;
    sink.finish().await?;
    Ok(())
}
