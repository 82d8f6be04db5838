//! Commits that fail, readers that fail, writers that are lost: under exactly-once nothing of it is to be seen in the
//! end.

use std::sync::Arc;

use rivermill::log::Log;
use rivermill::log::embedded::EmbeddedLog;

use super::client::{copy_in, rows, show_query, wait_rows};
use super::faulty_log::{Faults, FaultyLog};
use super::server::TestServer;

const ROWS: i32 = 4000;
const CHUNK: i32 = 100;

const ANSWERS: &[(&str, &str)] = &[
    ("SELECT COUNT(*), SUM(rows), SUM(total) FROM by_key", "97|4000|7998000"),
    ("SELECT COUNT(*), SUM(rows), SUM(total) FROM by_group", "7|4000|7998000"),
    ("SELECT SUM(rows), SUM(total) FROM by_window", "4000|7998000"),
    ("SELECT COUNT(*), COUNT(DISTINCT n), SUM(n) FROM even", "2000|2000|3998000"),
    ("SELECT SUM(rows), SUM(total) FROM of_even", "2000|3998000"),
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let folder = tempfile::tempdir().unwrap();
    let inner: Arc<dyn Log> = Arc::new(EmbeddedLog::open(folder.path()).unwrap());
    let faults = Faults::new(seed);
    let log = Arc::new(FaultyLog { inner: inner.clone(), faults: faults.clone() });
    let settings = [
        ("commit.interval.ms", "5"),
        ("query.retry.backoff.initial.ms", "5"),
        ("query.retry.backoff.max.ms", "20"),
        ("cache.max.bytes.buffering", "0"),
    ];
    let server = TestServer::start_on(log, &settings).await;
    let client = server.connect().await;
    for statement in [
        "CREATE STREAM s (k STRING KEY, g INT, n INT) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'JSON', PARTITIONS = 3)",
        "CREATE TABLE by_key AS SELECT k, COUNT(*) AS rows, SUM(n) AS total FROM s GROUP BY k EMIT CHANGES",
        "CREATE TABLE by_group AS SELECT g, COUNT(*) AS rows, SUM(n) AS total FROM s GROUP BY g EMIT CHANGES",
        "CREATE TABLE by_window AS SELECT g, COUNT(*) AS rows, SUM(n) AS total FROM s \
         WINDOW TUMBLING (SIZE 1 MINUTE) GROUP BY g EMIT CHANGES",
        "CREATE STREAM even AS SELECT * FROM s WHERE n % 2 = 0 EMIT CHANGES",
        "CREATE TABLE of_even AS SELECT g, COUNT(*) AS rows, SUM(n) AS total FROM even GROUP BY g EMIT CHANGES",
    ] {
        rows(&client, statement).await;
    }
    for from in (0..ROWS).step_by(CHUNK as usize) {
        let lines = (from..from + CHUNK).map(|n| format!("k{}\t{}\t{n}", n % 97, n % 7));
        copy_in(&client, "s (k, g, n)", lines).await;
        // Many epochs, not one large one.
        if from % (10 * CHUNK) == 0 {
            wait_rows(&client, "SELECT SUM(rows) FROM by_window", &[&(from + CHUNK).to_string()]).await;
        }
    }
    for (question, answer) in ANSWERS {
        wait_rows(&client, question, &[answer]).await;
    }
    // More of the same, until each fault has been there.
    let all = ["begin unavailable", "commit abortable", "commit unavailable", "commit lost"];
    let mut happened = faults.happened();
    let mut extra = 0;
    while !all.iter().all(|fault| happened.contains_key(fault)) {
        rows(&client, "INSERT INTO s (k, g, n) VALUES ('k0', 0, 0)").await;
        extra += 1;
        wait_rows(&client, "SELECT SUM(rows) FROM by_key", &[&(ROWS + extra).to_string()]).await;
        happened = faults.happened();
    }
    println!("{happened:?}");
    faults.stop();
    for query in ["CTAS_BY_KEY_0", "CTAS_BY_GROUP_1", "CTAS_BY_WINDOW_2", "CSAS_EVEN_3", "CTAS_OF_EVEN_4"] {
        assert!(show_query(&client, query, &["id"]).await.is_some());
    }
    let total = (ROWS + extra).to_string();
    for table in ["by_key", "by_group", "by_window"] {
        wait_rows(&client, &format!("SELECT SUM(rows) FROM {table}"), &[&total]).await;
    }
    wait_rows(&client, "SELECT COUNT(*) FROM even", &[&(ROWS / 2 + extra).to_string()]).await;
    server.stop().await;

    // What lies in the log is right, too: a server on the log itself finds the same.
    let server = TestServer::start_on(inner, &settings).await;
    let client = server.connect().await;
    for table in ["by_key", "by_group", "by_window"] {
        wait_rows(&client, &format!("SELECT SUM(rows) FROM {table}"), &[&total]).await;
    }
    // Every change was emitted: a count went up by one with each record of the sink.
    let changes =
        "SELECT k, COUNT(*) = MAX(rows) AND COUNT(DISTINCT rows) = COUNT(*) AS whole FROM changes GROUP BY k";
    rows(
        &client,
        "CREATE STREAM changes (k STRING KEY, rows BIGINT) WITH (KAFKA_TOPIC = 'BY_KEY', VALUE_FORMAT = 'JSON')",
    )
    .await;
    let doubtful = rows(&client, &format!("SELECT k FROM ({changes}) WHERE NOT whole")).await;
    assert!(doubtful.is_empty(), "{doubtful:?}");
    server.stop().await;
}
