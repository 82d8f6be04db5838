//! Records that are no JSON, have the wrong type or are huge: to the processing log, counted, skipped. Once each, also
//! where an epoch was rolled back or the server started again.

use std::sync::Arc;

use rivermill::log::embedded::EmbeddedLog;
use rivermill::log::{Guarantee, Log, NewRecord, TopicPartition};

use super::client::{rows, show_query, wait_for, wait_rows};
use super::faulty_log::{Faults, FaultyLog};
use super::server::TestServer;

const LOGGED: &str = "SELECT kind, topic, \"PARTITION\", \"OFFSET\" FROM ksql_processing_log \
    WHERE query_id = 'CTAS_T_0' ORDER BY 3, 4, 1";

fn write(log: &Arc<dyn Log>, partition: i32, values: &[&[u8]]) {
    let mut writer = log.writer(&Guarantee::ExactlyOnce { transactional_id: "test".into() }).unwrap();
    writer.begin().unwrap();
    let mut records =
        values.iter().map(|value| NewRecord { key: None, value: Some(value), timestamp: 0, headers: &[] });
    writer.append(&TopicPartition::new("s", partition), &mut records).unwrap();
    writer.commit("test", &[]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_logged_once() {
    let folder = tempfile::tempdir().unwrap();
    let inner: Arc<dyn Log> = Arc::new(EmbeddedLog::open(folder.path()).unwrap());
    let faults = Faults::new(rand::random());
    let log = Arc::new(FaultyLog { inner: inner.clone(), faults: faults.clone() });
    let settings = [
        ("query.retry.backoff.initial.ms", "5"),
        ("query.retry.backoff.max.ms", "20"),
        ("commit.interval.ms", "5"),
    ];
    let server = TestServer::start_on(log, &settings).await;
    let client = server.connect().await;
    rows(
        &client,
        "CREATE STREAM s (g STRING, n INT) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'JSON', PARTITIONS = 2); \
         CREATE TABLE t AS SELECT g, COUNT(*) AS rows, SUM(100 / n) AS total FROM s GROUP BY g EMIT CHANGES",
    )
    .await;

    let text = "x".repeat(10 << 20);
    let unfinished = format!("{{\"g\": \"{text}");
    let large_number = format!("{{\"g\": \"a\", \"n\": \"{text}\"}}");
    write(
        &inner,
        0,
        &[
            b"{\"g\": \"a\", \"n\": 10}",
            b"not JSON",
            b"\xff\xfe",
            b"",
            b"[1, 2]",
            b"{\"g\": \"a\", \"n\": {\"x\": 1}}",
            b"{\"g\": \"a\", \"n\": 99999999999999999999}",
            unfinished.as_bytes(),
            large_number.as_bytes(),
            b"{\"g\": \"a\", \"n\": 20}",
        ],
    );
    let bad = [1, 2, 3, 4, 5, 6, 7, 8].map(|offset| format!("deserialization|s|0|{offset}"));
    let mut expected: Vec<String> = bad.to_vec();
    wait_rows(&client, "SELECT g, rows, total FROM t", &["a|2|15"]).await;
    let borrowed: Vec<&str> = expected.iter().map(String::as_str).collect();
    wait_rows(&client, LOGGED, &borrowed).await;
    // A reason quotes a little of what was there, not all of it.
    let longest = rows(&client, "SELECT MAX(LENGTH(reason)) FROM ksql_processing_log").await;
    assert!(longest[0].parse::<usize>().unwrap() <= 400, "{longest:?}");

    // An expression that fails, and a group that is null. The row of the first is counted without a value.
    write(&inner, 1, &[b"{\"g\": \"b\", \"n\": 0}", b"{\"n\": 1}", b"{\"g\": \"b\", \"n\": 50}"]);
    wait_rows(&client, "SELECT g, rows, total FROM t ORDER BY g", &["a|2|15", "b|2|2"]).await;
    expected.extend(["expression|s|1|0".to_owned(), "expression|s|1|1".to_owned()]);
    let borrowed: Vec<&str> = expected.iter().map(String::as_str).collect();
    wait_rows(&client, LOGGED, &borrowed).await;
    faults.stop();
    server.stop().await;

    let server = TestServer::start_on(inner.clone(), &settings).await;
    let client = server.connect().await;
    write(&inner, 1, &[b"bad", b"{\"g\": \"b\", \"n\": 100}"]);
    wait_rows(&client, "SELECT g, rows, total FROM t ORDER BY g", &["a|2|15", "b|3|3"]).await;
    expected.push("deserialization|s|1|3".to_owned());
    let borrowed: Vec<&str> = expected.iter().map(String::as_str).collect();
    wait_rows(&client, LOGGED, &borrowed).await;
    wait_for("the error is counted", async || {
        let found = show_query(&client, "CTAS_T_0", &["errors", "state"]).await.unwrap();
        if found == ["1", "RUNNING"] { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
    server.stop().await;
}

/// A record of 5 MB is one like any other; one of 10 MB is left out, however well it reads.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(folder.path()).unwrap());
    let server = TestServer::start_on(log.clone(), &[]).await;
    let client = server.connect().await;
    rows(
        &client,
        "CREATE STREAM s (g STRING, n INT) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'JSON', PARTITIONS = 2); \
         CREATE STREAM copy AS SELECT g, LEN(g) AS length, n FROM s EMIT CHANGES; \
         CREATE TABLE t AS SELECT n, MAX(g) AS most FROM s GROUP BY n EMIT CHANGES",
    )
    .await;
    let [long, too_long] =
        [5, 10].map(|mib| format!("{{\"g\": \"{}\", \"n\": {mib}}}", "x".repeat(mib << 20)));
    write(&log, 0, &[long.as_bytes(), too_long.as_bytes(), b"{\"g\": \"short\", \"n\": 2}"]);
    wait_rows(&client, "SELECT length, n FROM copy ORDER BY n", &["5|2", "5242880|5"]).await;
    wait_rows(&client, "SELECT n, CHARACTER_LENGTH(most) FROM t ORDER BY n", &["2|5", "5|5242880"]).await;
    wait_rows(
        &client,
        "SELECT query_id, \"OFFSET\" FROM ksql_processing_log ORDER BY 1",
        &["CSAS_COPY_0|1", "CTAS_T_1|1"],
    )
    .await;
    server.stop().await;
}
