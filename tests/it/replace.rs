//! What CREATE OR REPLACE, ALTER, PAUSE and CREATE TYPE leave holds after a restart, too.

use std::path::Path;

use super::client::{rows, show_query, wait_for, wait_rows};
use super::server::TestServer;

async fn start(data: &Path) -> TestServer {
    TestServer::start(&[("data.dir", &data.to_string_lossy())]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_query_keeps_its_state_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let client = server.connect().await;
    for statement in [
        "CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'JSON', PARTITIONS = 2)",
        "CREATE TABLE n AS SELECT k, COUNT(*) AS n FROM s GROUP BY k",
        "CREATE STREAM copy AS SELECT * FROM s",
        "CREATE STREAM sink (k STRING KEY, v INT) WITH (KAFKA_TOPIC = 'sink', VALUE_FORMAT = 'JSON', PARTITIONS = 2)",
        "INSERT INTO sink SELECT * FROM s",
        "INSERT INTO s VALUES ('a', 1), ('b', 2), ('a', 3)",
    ] {
        rows(&client, statement).await;
    }
    wait_rows(&client, "SELECT k, n FROM n ORDER BY k", &["a|2", "b|1"]).await;
    rows(
        &client,
        "CREATE OR REPLACE TABLE n AS SELECT k, COUNT(*) AS n, COUNT(*) * 10 AS tens FROM s WHERE v > 2 GROUP BY k",
    )
    .await;
    rows(&client, "ALTER STREAM s ADD COLUMN w STRING").await;
    rows(&client, "ALTER STREAM sink ADD COLUMN x INT, y INT").await;
    server.stop().await;

    let server = start(folder.path()).await;
    let client = server.connect().await;
    rows(&client, "INSERT INTO s VALUES ('a', 1, 'x'), ('b', 5, 'y')").await;
    // What was counted stays, the new condition holds for what came later, and nothing is read twice.
    wait_rows(&client, "SELECT k, n FROM n ORDER BY k", &["a|2", "b|2"]).await;
    wait_rows(&client, "SELECT tens FROM n WHERE k = 'b'", &["20"]).await;
    wait_rows(&client, "SELECT COUNT(*) FROM copy", &["5"]).await;
    wait_rows(&client, "SELECT COUNT(*), COUNT(x) FROM sink", &["5|0"]).await;
    assert_eq!(rows(&client, "DESCRIBE copy").await, ["K|STRING|KEY", "V|INTEGER|"]);
    assert_eq!(rows(&client, "SELECT w FROM s WHERE v = 5").await, ["y"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_query_stays_paused_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let client = server.connect().await;
    for statement in [
        "CREATE TYPE number AS INT",
        "CREATE STREAM s (k STRING KEY, v number) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'JSON', PARTITIONS = 1)",
        "CREATE TABLE n AS SELECT k, COUNT(*) AS n FROM s WHERE v > CAST('0' AS number) GROUP BY k",
        "DROP TYPE number",
        "CREATE TYPE number AS BIGINT",
        "CREATE STREAM copy AS SELECT * FROM s",
        "INSERT INTO s VALUES ('a', 1)",
    ] {
        rows(&client, statement).await;
    }
    wait_rows(&client, "SELECT k, n FROM n", &["a|1"]).await;
    rows(&client, "PAUSE CTAS_N_0").await;
    rows(&client, "INSERT INTO s VALUES ('a', 2)").await;
    server.stop().await;

    let server = start(folder.path()).await;
    let client = server.connect().await;
    assert_eq!(rows(&client, "SHOW TYPES").await, ["NUMBER|BIGINT"]);
    wait_rows(&client, "SELECT COUNT(*) FROM copy", &["2"]).await;
    // Its table is there again, and nothing was read.
    wait_rows(&client, "SELECT k, n FROM n WHERE k = 'a'", &["a|1"]).await;
    wait_for("the query is paused", async || {
        let found = show_query(&client, "CTAS_N_0", &["state"]).await.unwrap();
        if found == ["PAUSED"] { Ok(()) } else { Err(format!("{found:?}")) }
    })
    .await;
    rows(&client, "RESUME CTAS_N_0").await;
    wait_rows(&client, "SELECT k, n FROM n WHERE k = 'a'", &["a|2"]).await;
    server.stop().await;
}
