//! A query whose topic is gone says so, is tried again, and holds nobody else up.

use rivermill::log::TopicSpec;

use super::client::{rows, show_query, wait_rows, wait_state};
use super::server::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn a_query_waits_for_its_topic() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(&[
        ("data.dir", &folder.path().join("data").to_string_lossy()),
        ("query.retry.backoff.initial.ms", "20"),
        ("query.retry.backoff.max.ms", "100"),
    ])
    .await;
    let client = server.connect().await;
    for name in ["one", "two"] {
        rows(
            &client,
            &format!(
                "CREATE STREAM {name} (k STRING KEY, v INT) \
                 WITH (KAFKA_TOPIC = '{name}', VALUE_FORMAT = 'JSON', PARTITIONS = 2); \
                 CREATE TABLE of_{name} AS SELECT k, COUNT(*) AS rows FROM {name} GROUP BY k EMIT CHANGES; \
                 INSERT INTO {name} (k, v) VALUES ('a', 1), ('b', 2)"
            ),
        )
        .await;
    }
    wait_rows(&client, "SELECT k, rows FROM of_one ORDER BY k", &["a|1", "b|1"]).await;
    wait_rows(&client, "SELECT k, rows FROM of_two ORDER BY k", &["a|1", "b|1"]).await;

    server.log().delete_topic("one").unwrap();
    let error = wait_state(&client, "CTAS_OF_ONE_0", "RETRYING").await;
    assert_eq!(error, "topic \"one\" does not exist");
    // Whoever writes to it is told, and the other query does not notice.
    let refused = client.simple_query("INSERT INTO one (k, v) VALUES ('a', 1)").await.unwrap_err();
    assert_eq!(refused.as_db_error().unwrap().message(), "topic \"one\" does not exist");
    rows(&client, "INSERT INTO two (k, v) VALUES ('a', 3)").await;
    wait_rows(&client, "SELECT k, rows FROM of_two ORDER BY k", &["a|2", "b|1"]).await;
    assert_eq!(show_query(&client, "CTAS_OF_TWO_1", &["state"]).await.unwrap(), ["RUNNING"]);

    let config = Vec::new();
    let topic = TopicSpec { name: "one".into(), partitions: 2, replicas: None, config };
    server.log().create_topic(&topic).unwrap();
    rows(&client, "INSERT INTO one (k, v) VALUES ('b', 1)").await;
    // It goes on with the state that it had; what happened is still to be seen.
    wait_rows(&client, "SELECT k, rows FROM of_one ORDER BY k", &["a|1", "b|2"]).await;
    let error = wait_state(&client, "CTAS_OF_ONE_0", "RUNNING").await;
    assert_eq!(error, "topic \"one\" does not exist");
    server.stop().await;
}

/// A topic that comes back with other partitions would scatter the state: the query says so and does not run.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_refuses_another_number_of_partitions() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(&[
        ("data.dir", &folder.path().join("data").to_string_lossy()),
        ("query.retry.backoff.initial.ms", "20"),
        ("query.retry.backoff.max.ms", "100"),
    ])
    .await;
    let client = server.connect().await;
    rows(
        &client,
        "CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'JSON', PARTITIONS = 2); \
         CREATE TABLE t AS SELECT k, COUNT(*) AS rows FROM s GROUP BY k EMIT CHANGES; \
         INSERT INTO s (k, v) VALUES ('a', 1)",
    )
    .await;
    wait_rows(&client, "SELECT k, rows FROM t", &["a|1"]).await;
    server.log().delete_topic("s").unwrap();
    wait_state(&client, "CTAS_T_0", "RETRYING").await;
    let topic = TopicSpec { name: "s".into(), partitions: 3, replicas: None, config: Vec::new() };
    server.log().create_topic(&topic).unwrap();
    super::client::wait_for("the reason is shown", async || {
        let found = show_query(&client, "CTAS_T_0", &["last_error"]).await.unwrap();
        if found[0].contains("had 2 partitions when the query was made, and has 3 now") {
            Ok(())
        } else {
            Err(format!("{found:?}"))
        }
    })
    .await;
    server.stop().await;
}
