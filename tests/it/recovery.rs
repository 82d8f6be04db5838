//! A server that stops and starts again, or is replaced while it still runs, goes on where it was.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rivermill::log::embedded::EmbeddedLog;
use rivermill::log::{Guarantee, Log, NewRecord, OffsetAt, TopicPartition, TopicSpec};
use rivermill::runtime::Names;
use tokio_postgres::Client;

use super::client::{rows, show_query, wait_for, wait_rows, wait_state};
use super::server::TestServer;

const STATEMENTS: &[&str] = &[
    "CREATE STREAM events (id STRING KEY, kind STRING, n INT) \
     WITH (KAFKA_TOPIC = 'events', VALUE_FORMAT = 'JSON', PARTITIONS = 3)",
    "CREATE TABLE by_kind AS SELECT kind, COUNT(*) AS rows, SUM(n) AS total FROM events GROUP BY kind EMIT CHANGES",
    "CREATE STREAM large AS SELECT * FROM events WHERE n >= 10 AND kind <> '$${none}' EMIT CHANGES",
    "CREATE TABLE of_large AS SELECT id, COUNT(*) AS rows FROM large GROUP BY id EMIT CHANGES",
    "CREATE TABLE gone AS SELECT id, COUNT(*) AS rows FROM events GROUP BY id EMIT CHANGES",
    "CREATE TABLE ended AS SELECT id, COUNT(*) AS rows FROM events GROUP BY id EMIT CHANGES",
    "CREATE STREAM unread (v STRING) WITH (KAFKA_TOPIC = 'unread', VALUE_FORMAT = 'JSON', PARTITIONS = 1)",
];

const BY_KIND: &str = "SELECT kind, rows, total FROM by_kind ORDER BY kind";

async fn start(data: &Path) -> TestServer {
    TestServer::start(&[("data.dir", &data.to_string_lossy())]).await
}

async fn make_all(client: &Client) {
    for statement in STATEMENTS {
        rows(client, statement).await;
    }
}

async fn insert(client: &Client, ids: std::ops::Range<i32>) {
    let values: Vec<String> = ids.map(|i| format!("('k{}', 'kind{}', {i})", i % 5, i % 2)).collect();
    rows(client, &format!("INSERT INTO events (id, kind, n) VALUES {}", values.join(", "))).await;
}

async fn wait_first_answers(client: &Client) {
    wait_rows(client, BY_KIND, &["kind0|10|90", "kind1|10|100"]).await;
    wait_rows(client, "SELECT SUM(rows) FROM of_large", &["10"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let client = server.connect().await;
    make_all(&client).await;
    insert(&client, 0..20).await;
    wait_first_answers(&client).await;
    wait_rows(&client, "SELECT COUNT(*) FROM ended", &["5"]).await;
    rows(&client, "DROP TABLE gone DELETE TOPIC").await;
    let ended =
        rows(&client, "SHOW QUERIES").await.into_iter().find(|q| q.starts_with("CTAS_ENDED_")).unwrap();
    let ended = ended.split('|').next().unwrap().to_owned();
    rows(&client, &format!("TERMINATE {ended}")).await;
    rows(&client, "DROP STREAM unread").await;
    server.stop().await;

    let server = start(folder.path()).await;
    let client = server.connect().await;
    let names = |shown: Vec<String>| -> Vec<String> {
        shown.iter().map(|row| row.split('|').next().unwrap().to_owned()).collect()
    };
    assert_eq!(names(rows(&client, "SHOW TABLES").await), ["BY_KIND", "ENDED", "OF_LARGE"]);
    let streams = names(rows(&client, "SHOW STREAMS").await);
    assert_eq!(streams, ["EVENTS", "KSQL_PROCESSING_LOG", "LARGE"]);
    assert_eq!(
        names(rows(&client, "SHOW QUERIES").await),
        ["CTAS_BY_KIND_0", "CSAS_LARGE_1", "CTAS_OF_LARGE_2"]
    );
    wait_first_answers(&client).await;
    insert(&client, 20..40).await;
    wait_rows(&client, BY_KIND, &["kind0|20|380", "kind1|20|400"]).await;
    wait_rows(&client, "SELECT SUM(rows) FROM of_large", &["30"]).await;
    assert_eq!(rows(&client, "SELECT COUNT(*), COUNT(DISTINCT n) FROM large").await, ["30|30"]);
    // It is a declared table now: what it held when its query ended stands in its topic.
    assert_eq!(rows(&client, "SELECT COUNT(*), SUM(rows) FROM ended").await, ["5|20"]);
    // Numbers are not used twice, so that a new query finds nothing of an old one.
    rows(&client, "CREATE TABLE gone AS SELECT id, COUNT(*) AS rows FROM events GROUP BY id EMIT CHANGES")
        .await;
    wait_rows(&client, "SELECT COUNT(*), SUM(rows) FROM gone", &["5|40"]).await;
    assert!(show_query(&client, "CTAS_GONE_5", &["id"]).await.is_some());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_reads_nothing_twice_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let client = server.connect().await;
    make_all(&client).await;
    insert(&client, 0..20).await;
    wait_first_answers(&client).await;
    server.stop().await;
    let server = start(folder.path()).await;
    let client = server.connect().await;
    insert(&client, 20..21).await;
    wait_rows(&client, "SELECT SUM(rows) FROM by_kind", &["21"]).await;
    // Since the start it has read the one new row only.
    wait_for("one row was read", async || {
        let found = show_query(&client, "CTAS_BY_KIND_0", &["rows_in"]).await.unwrap();
        if found == ["1"] { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_server_takes_over_from_one_that_still_runs() {
    let folder = tempfile::tempdir().unwrap();
    let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(folder.path()).unwrap());
    let settings = [("query.retry.backoff.initial.ms", "20"), ("query.retry.backoff.max.ms", "100")];
    let old = TestServer::start_on(log.clone(), &settings).await;
    let old_client = old.connect().await;
    make_all(&old_client).await;
    insert(&old_client, 0..20).await;
    wait_first_answers(&old_client).await;

    let new = TestServer::start_on(log.clone(), &settings).await;
    let client = new.connect().await;
    wait_first_answers(&client).await;
    // The old one tries to go on; whoever wins, each row is counted once.
    for from in (20..100).step_by(5) {
        insert(&client, from..from + 5).await;
    }
    wait_rows(&client, BY_KIND, &["kind0|50|2450", "kind1|50|2500"]).await;
    wait_rows(&client, "SELECT COUNT(*), COUNT(DISTINCT n) FROM large", &["90|90"]).await;
    // It may change nothing any more.
    let refused = old_client.simple_query("DROP TABLE of_large").await;
    assert!(refused.is_err(), "a server that was replaced dropped a table");
    old.stop().await;
    insert(&client, 100..102).await;
    wait_rows(&client, "SELECT SUM(rows) FROM by_kind", &["102"]).await;
    wait_rows(&client, "SELECT COUNT(*), COUNT(DISTINCT n) FROM large", &["92|92"]).await;
    new.stop().await;
}

/// Compaction keeps the last record of each key, and no order among keys is relied on.
#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_is_replayed_in_whatever_order() {
    let folder = tempfile::tempdir().unwrap();
    let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(&folder.path().join("one")).unwrap());
    let server = TestServer::start_on(log.clone(), &[]).await;
    let client = server.connect().await;
    make_all(&client).await;
    let shown = [rows(&client, "SHOW STREAMS").await, rows(&client, "SHOW TABLES").await];
    server.stop().await;

    let commands = Names::new("default_").command_topic();
    let mut last: BTreeMap<Vec<u8>, Option<Vec<u8>>> = BTreeMap::new();
    let mut reader = log.reader("test", &[(TopicPartition::new(commands.as_str(), 0), 0)]).unwrap();
    while reader
        .poll(1000, &mut |_, records| {
            for record in records {
                last.insert(record.key.unwrap().to_vec(), record.value.map(<[u8]>::to_vec));
            }
        })
        .unwrap()
        > 0
    {}
    for reversed in [false, true] {
        let mut records: Vec<_> = last.iter().collect();
        if reversed {
            records.reverse();
        }
        let other = folder.path().join(if reversed { "two" } else { "three" });
        let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(&other).unwrap());
        let threes = ["events", "LARGE", "BY_KIND", "OF_LARGE", "GONE", "ENDED"].map(|name| (name, 3));
        let ones = ["unread", commands.as_str()].map(|name| (name, 1));
        for (name, partitions) in threes.into_iter().chain(ones) {
            let name = name.to_owned();
            log.create_topic(&TopicSpec { name, partitions, replicas: None, config: Vec::new() }).unwrap();
        }
        let id = Guarantee::ExactlyOnce { transactional_id: "test".into() };
        let mut writer = log.writer(&id).unwrap();
        writer.begin().unwrap();
        let mut records = records.iter().map(|(key, value)| NewRecord {
            key: Some(key),
            value: value.as_deref(),
            timestamp: 0,
            headers: &[],
        });
        writer.append(&TopicPartition::new(commands.as_str(), 0), &mut records).unwrap();
        writer.commit("test", &[]).unwrap();
        assert!(log.offset(&TopicPartition::new(commands.as_str(), 0), OffsetAt::Latest).unwrap() > 10);

        let server = TestServer::start_on(log, &[]).await;
        let client = server.connect().await;
        assert_eq!([rows(&client, "SHOW STREAMS").await, rows(&client, "SHOW TABLES").await], shown);
        insert(&client, 0..20).await;
        wait_first_answers(&client).await;
        wait_state(&client, "CTAS_GONE_3", "RUNNING").await;
        server.stop().await;
    }
}
