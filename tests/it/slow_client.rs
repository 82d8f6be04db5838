//! A client that stops reading holds a bounded buffer and nobody else up; when it reads on, it has missed nothing.

use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use rivermill::log::Log;
use rivermill::log::embedded::EmbeddedLog;
use rivermill::planner::{Context, Defaults, plan_push};
use rivermill::runtime::{Runtime, RuntimeConfig};
use rivermill::sql::ast::StatementKind;
use rivermill::sql::{Variables, parse};

use super::client::{copy_in, rows, wait_for, wait_rows};
use super::raw::RawClient;
use super::server::TestServer;

const STREAM: &str = "CREATE STREAM s (k STRING KEY, v STRING, n INT) \
    WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'JSON', PARTITIONS = 1)";

/// Far more than the buffers of a client and of two sockets.
const ROWS: i32 = 40_000;

fn lines(ids: std::ops::Range<i32>) -> impl Iterator<Item = String> {
    let filling = "v".repeat(500);
    ids.map(move |n| format!("k{n}\t{filling}\t{n}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_string_lossy().into_owned();
    let server = TestServer::start(&[("data.dir", &data)]).await;
    let client = server.connect().await;
    rows(&client, STREAM).await;
    rows(&client, "CREATE TABLE t AS SELECT k, COUNT(*) AS rows FROM s GROUP BY k EMIT CHANGES").await;
    let mut slow = [RawClient::start(server.postgres()).await, RawClient::start(server.postgres()).await];
    slow[0].query("COPY (SELECT n, v FROM s EMIT CHANGES) TO STDOUT").await;
    slow[1].query("SELECT n, v FROM s EMIT CHANGES").await;

    copy_in(&client, "s (k, v, n)", lines(0..ROWS)).await;
    wait_rows(&client, "SELECT SUM(rows) FROM t", &[&ROWS.to_string()]).await;
    let other = server.connect().await;
    let some = rows(&other, "SELECT n FROM s EMIT CHANGES LIMIT 3").await;
    assert_eq!(some, ["0", "1", "2"]);

    // When they read on, all is there and in order.
    let mut next = 0;
    while next < ROWS {
        let (kind, body) = slow[0].message().await.unwrap();
        if kind == b'd' {
            assert!(body.starts_with(format!("{next}\t").as_bytes()), "{}", String::from_utf8_lossy(&body));
            next += 1;
        }
    }
    next = 0;
    while next < ROWS {
        let (kind, body) = slow[1].message().await.unwrap();
        if kind == b'D' {
            // Two columns; the first one's length, then its text.
            let length = u32::from_be_bytes(body[2..6].try_into().unwrap()) as usize;
            assert_eq!(std::str::from_utf8(&body[6..6 + length]).unwrap(), next.to_string());
            next += 1;
        }
    }
    // They leave without a word; the server stops without waiting for them.
    drop(slow);
    server.stop().await;
}

/// A client that never reads does not keep the server from stopping either.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_stops() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_string_lossy().into_owned();
    let server = TestServer::start(&[("data.dir", &data)]).await;
    let client = server.connect().await;
    rows(&client, STREAM).await;
    let mut slow = RawClient::start(server.postgres()).await;
    slow.query("COPY (SELECT n, v FROM s EMIT CHANGES) TO STDOUT").await;
    copy_in(&client, "s (k, v, n)", lines(0..ROWS)).await;
    tokio::time::timeout(super::client::PATIENCE, server.stop()).await.expect("the server does not stop");
    drop(slow);
}

/// The buffer itself: a push query that nobody reads stops at its bound.
#[tokio::test(flavor = "multi_thread")]
async fn the_buffer_is_bounded() {
    const BOUND: usize = 64 << 10;
    // One step reads 4096 records at most, of which each holds about 600 bytes.
    const STEP: usize = 4096 * 1024;
    let folder = tempfile::tempdir().unwrap();
    let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(folder.path()).unwrap());
    let server = TestServer::start_on(log.clone(), &[]).await;
    let client = server.connect().await;
    rows(&client, STREAM).await;
    copy_in(&client, "s (k, v, n)", lines(0..ROWS)).await;
    server.stop().await;

    let config = RuntimeConfig { push_buffer_bytes_max: BOUND, ..RuntimeConfig::default() };
    let handle = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let runtime = Runtime::open(log, config, handle.clone()).unwrap();
        let statements = parse("SELECT n, v FROM s EMIT CHANGES;", &Variables::default()).unwrap();
        let StatementKind::Push(query) = &statements[0].kind else { panic!("no push query") };
        let catalog = runtime.catalog();
        let context = Context {
            catalog: &catalog,
            partitions: &|_| None,
            coalesce: true,
            defaults: &Defaults::default(),
        };
        let plan = plan_push(query, &context).unwrap();
        let schema = plan.topology.source.schema.clone();
        let mut push = runtime.push(&plan, schema, &runtime.config().query.clone()).unwrap();
        handle.block_on(async {
            let mut taken = 0;
            while taken < ROWS as usize {
                wait_for("rows wait", async || match push.waiting_bytes() {
                    0 => Err(format!("{taken} rows taken")),
                    _ => Ok(()),
                })
                .await;
                assert!(push.waiting_bytes() <= BOUND + STEP, "{} bytes wait", push.waiting_bytes());
                while let Some(Some(batch)) = push.next().now_or_never() {
                    taken += batch.unwrap().num_rows();
                    assert!(push.waiting_bytes() <= BOUND + STEP, "{} bytes wait", push.waiting_bytes());
                }
            }
            assert_eq!(taken, ROWS as usize);
        });
        drop(push);
        runtime.shut_down();
    })
    .await
    .unwrap();
}
