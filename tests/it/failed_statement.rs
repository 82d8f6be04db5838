//! A statement that cannot be written to the command log fails, and has changed nothing.

use std::sync::Arc;

use rivermill::log::Log;
use rivermill::log::embedded::EmbeddedLog;

use super::client::{rows, show_query, wait_rows, wait_state};
use super::faulty_log::{Faults, FaultyLog};
use super::server::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    let inner: Arc<dyn Log> = Arc::new(EmbeddedLog::open(folder.path()).unwrap());
    let faults = Faults::new(0);
    faults.stop();
    let log = Arc::new(FaultyLog { inner, faults: faults.clone() });
    let server = TestServer::start_on(log, &[]).await;
    let client = server.connect().await;
    rows(
        &client,
        "CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'JSON', PARTITIONS = 2); \
         CREATE TABLE t AS SELECT k, COUNT(*) AS rows FROM s GROUP BY k EMIT CHANGES",
    )
    .await;
    let shown = [rows(&client, "SHOW STREAMS").await, rows(&client, "SHOW TABLES").await];

    faults.fail_commands(true);
    let mut count = 0;
    for statement in [
        "CREATE STREAM other (v INT) WITH (KAFKA_TOPIC = 'other', VALUE_FORMAT = 'JSON', PARTITIONS = 1)",
        "CREATE TABLE other AS SELECT k, MAX(v) AS most FROM s GROUP BY k EMIT CHANGES",
        "CREATE OR REPLACE TABLE t AS SELECT k, COUNT(*) AS rows FROM s WHERE v > 0 GROUP BY k EMIT CHANGES",
        "DROP TABLE t DELETE TOPIC",
        "TERMINATE CTAS_T_0",
        "TERMINATE ALL",
        "DROP TABLE t",
    ] {
        let error = client.simple_query(statement).await.expect_err(statement);
        let error = error.as_db_error().unwrap();
        assert_eq!(error.code().code(), "08006", "{statement}: {error}");
        assert_eq!([rows(&client, "SHOW STREAMS").await, rows(&client, "SHOW TABLES").await], shown);
        // The query has not noticed, or goes on where it was.
        rows(&client, "INSERT INTO s (k, v) VALUES ('a', 0)").await;
        count += 1;
        wait_rows(&client, "SELECT k, rows FROM t", &[&format!("a|{count}")]).await;
        wait_state(&client, "CTAS_T_0", "RUNNING").await;
    }

    faults.fail_commands(false);
    rows(&client, "CREATE TABLE other AS SELECT k, MAX(v) AS most FROM s GROUP BY k EMIT CHANGES").await;
    wait_rows(&client, "SELECT k, most FROM other", &["a|0"]).await;
    rows(&client, "DROP TABLE t DELETE TOPIC").await;
    assert!(show_query(&client, "CTAS_T_0", &["id"]).await.is_none());
    server.stop().await;
}
