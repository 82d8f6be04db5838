//! A query that holds more state than it may says so; the others go on.

use super::client::{copy_in, rows, show_query, wait_rows, wait_state};
use super::server::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn a_query_stops_at_its_limit() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(&[
        ("data.dir", &folder.path().join("data").to_string_lossy()),
        ("query.memory.max.bytes", "1MiB"),
        ("query.retry.backoff.initial.ms", "20"),
        ("query.retry.backoff.max.ms", "100"),
    ])
    .await;
    let client = server.connect().await;
    for statement in [
        "CREATE STREAM s (k STRING KEY, g INT) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'JSON', PARTITIONS = 2)",
        "CREATE TABLE wide AS SELECT k, COUNT(*) AS rows FROM s GROUP BY k EMIT CHANGES",
        "CREATE TABLE narrow AS SELECT g, COUNT(*) AS rows FROM s GROUP BY g EMIT CHANGES",
    ] {
        rows(&client, statement).await;
    }
    copy_in(&client, "s (k, g)", (0..20_000).map(|n| format!("a key of some length {n}\t{}", n % 3))).await;
    let error = wait_state(&client, "CTAS_WIDE_0", "RETRYING").await;
    assert!(error.starts_with("the query holds "), "{error}");
    assert!(error.ends_with(" bytes of state, more than the 1048576 it may"), "{error}");

    wait_rows(&client, "SELECT SUM(rows) FROM narrow", &["20000"]).await;
    rows(&client, "INSERT INTO s (k, g) VALUES ('one more', 0)").await;
    wait_rows(&client, "SELECT SUM(rows) FROM narrow", &["20001"]).await;
    assert_eq!(show_query(&client, "CTAS_NARROW_1", &["state"]).await.unwrap(), ["RUNNING"]);

    // A client's own query is refused the same way.
    let error = client.simple_query("SELECT k, COUNT(*) FROM s GROUP BY k EMIT CHANGES").await.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(error.code().code(), "53200");
    assert_eq!(error.hint(), Some("raise query.memory.max.bytes"));
    server.stop().await;
}
