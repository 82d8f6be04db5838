//! The topics that a server keeps its own records in can be read by users, and not written.

use super::client::rows;
use super::server::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_own_topics_are_read_only() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_string_lossy();
    let server = TestServer::start(&[("data.dir", &data), ("service.id", "own_")]).await;
    let client = server.connect().await;
    let declare = "CREATE STREAM commands (a STRING) \
        WITH (KAFKA_TOPIC = '_rivermill-own_-commands', VALUE_FORMAT = 'KAFKA')";
    rows(&client, declare).await;
    rows(
        &client,
        "CREATE STREAM s (a STRING) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'KAFKA', PARTITIONS = 1)",
    )
    .await;
    assert!(!rows(&client, "SELECT a FROM commands").await.is_empty());
    for (statement, verb) in [
        ("INSERT INTO commands VALUES ('x')", "written"),
        ("CREATE STREAM more WITH (KAFKA_TOPIC = '_rivermill-own_-commands') AS SELECT * FROM s", "written"),
        ("DROP STREAM commands DELETE TOPIC", "deleted"),
    ] {
        let error = client.simple_query(statement).await.expect_err(statement);
        let error = error.as_db_error().unwrap();
        let expected = format!("topic \"_rivermill-own_-commands\" is the server's own and cannot be {verb}");
        assert_eq!((error.code().code(), error.message()), ("42809", expected.as_str()), "{statement}");
    }
}
