//! What scenario tests say to a server, in a word each, and waiting for what is to come true.

use std::time::{Duration, Instant};

use futures::SinkExt;
use tokio_postgres::{Client, SimpleQueryMessage};

/// How long a condition may take to come true. Only a hang reaches it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Runs statements and gives their rows as text, columns with `|` between.
pub async fn try_rows(client: &Client, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
    let rows = client.simple_query(sql).await?.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|i| row.get(i).unwrap_or("NULL")).collect::<Vec<_>>().join("|"))
        }
        _ => None,
    });
    Ok(rows.collect())
}

/// As [`try_rows`], of statements that must succeed.
pub async fn rows(client: &Client, sql: &str) -> Vec<String> {
    try_rows(client, sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}

/// Asks again until the answer is this one. Errors on the way are answers too: a table may not be there yet.
pub async fn wait_rows(client: &Client, sql: &str, expected: &[&str]) {
    wait_for(sql, async || {
        let found = try_rows(client, sql).await.map_err(|error| format!("{error:?}"))?;
        if found == expected { Ok(()) } else { Err(format!("{found:?}, expected {expected:?}")) }
    })
    .await;
}

/// Asks again until the condition holds; `Err` tells what was found instead.
pub async fn wait_for<T>(what: &str, mut condition: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match condition().await {
            Ok(found) => return found,
            Err(found) if Instant::now() > deadline => panic!("{what}: never came true, last: {found}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// A query as SHOW QUERIES lists it: the columns of that name.
pub async fn show_query(client: &Client, id: &str, columns: &[&str]) -> Option<Vec<String>> {
    let messages = client.simple_query("SHOW QUERIES").await.unwrap();
    messages.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) if row.get("id") == Some(id) => {
            Some(columns.iter().map(|column| row.get(*column).unwrap_or("NULL").to_owned()).collect())
        }
        _ => None,
    })
}

/// Waits until a query is in a state; gives its last error.
pub async fn wait_state(client: &Client, id: &str, state: &str) -> String {
    wait_for(&format!("{id} is {state}"), async || {
        match show_query(client, id, &["state", "last_error"]).await {
            Some(found) if found[0] == state => Ok(found[1].clone()),
            found => Err(format!("{found:?}")),
        }
    })
    .await
}

/// `COPY target FROM STDIN` with these lines, in text format.
pub async fn copy_in(client: &Client, target: &str, lines: impl IntoIterator<Item = String>) {
    let sink = client.copy_in::<_, bytes::Bytes>(&format!("COPY {target} FROM STDIN")).await.unwrap();
    let mut sink = Box::pin(sink);
    let mut chunk = String::new();
    for line in lines {
        chunk += &line;
        chunk.push('\n');
        if chunk.len() > 100_000 {
            sink.send(std::mem::take(&mut chunk).into()).await.unwrap();
        }
    }
    sink.send(chunk.into()).await.unwrap();
    sink.as_mut().finish().await.unwrap();
}
