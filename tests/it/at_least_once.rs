//! Under at_least_once nothing is lost: neither without faults, when nothing is doubled either, nor with them.

use std::sync::Arc;

use rivermill::log::Log;
use rivermill::log::embedded::EmbeddedLog;

use super::client::{copy_in, rows, try_rows, wait_for, wait_rows};
use super::faulty_log::{Faults, FaultyLog};
use super::server::TestServer;

const ROWS: i32 = 2000;

const SETTINGS: &[(&str, &str)] = &[
    ("processing.guarantee", "at_least_once"),
    ("commit.interval.ms", "5"),
    ("query.retry.backoff.initial.ms", "5"),
    ("query.retry.backoff.max.ms", "20"),
];

const STATEMENTS: &[&str] = &[
    "CREATE STREAM s (k STRING KEY, n INT) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'JSON', PARTITIONS = 2)",
    "CREATE TABLE t AS SELECT k, COUNT(*) AS rows, MAX(n) AS most FROM s GROUP BY k EMIT CHANGES",
    "CREATE STREAM even AS SELECT * FROM s WHERE n % 2 = 0 EMIT CHANGES",
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_doubled_without_faults() {
    let folder = tempfile::tempdir().unwrap();
    let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(folder.path()).unwrap());
    let mut expected = 0;
    for round in 0..3 {
        let server = TestServer::start_on(log.clone(), SETTINGS).await;
        let client = server.connect().await;
        if round == 0 {
            for statement in STATEMENTS {
                rows(&client, statement).await;
            }
        }
        copy_in(&client, "s (k, n)", (0..ROWS).map(|n| format!("k{}\t{n}", n % 10))).await;
        expected += ROWS;
        wait_rows(&client, "SELECT COUNT(*), SUM(rows) FROM t", &[&format!("10|{expected}")]).await;
        wait_rows(&client, "SELECT COUNT(*) FROM even", &[&format!("{}", expected / 2)]).await;
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_with_faults() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let folder = tempfile::tempdir().unwrap();
    let inner: Arc<dyn Log> = Arc::new(EmbeddedLog::open(folder.path()).unwrap());
    let faults = Faults::new(seed);
    let log = Arc::new(FaultyLog { inner, faults: faults.clone() });
    let server = TestServer::start_on(log, SETTINGS).await;
    let client = server.connect().await;
    for statement in STATEMENTS {
        rows(&client, statement).await;
    }
    // In small pieces, and on until commits have failed in each way.
    let (mut sent, mut happened) = (0, faults.happened());
    while sent < ROWS || !["commit unavailable", "commit lost"].iter().all(|f| happened.contains_key(f)) {
        copy_in(&client, "s (k, n)", (sent..sent + 50).map(|n| format!("k{}\t{n}", n % 10))).await;
        sent += 50;
        wait_rows(&client, "SELECT COUNT(DISTINCT n) FROM even", &[&(sent / 2).to_string()]).await;
        happened = faults.happened();
    }
    println!("{sent} rows, {happened:?}");
    let enough = format!("SELECT COUNT(*), SUM(rows) >= {sent}, MIN(most) = {} FROM t", sent - 10);
    wait_for("all rows are counted", async || {
        let found = try_rows(&client, &enough).await.map_err(|error| error.to_string())?;
        if found == ["10|t|t"] { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
    server.stop().await;
}
