//! The projects in `examples/`, run as their readers would.

use std::ops::ControlFlow;

use rivermill::cli::datagen::{DatagenSpec, Kind, generate};

use super::client::wait_rows;
use super::server::TestServer;

/// Event time of the generated events, ms.
const START_MS: i64 = 1_700_000_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn the_quick_start_counts_every_event() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(&[("data.dir", &folder.path().join("data").to_string_lossy())]).await;
    let client = server.connect().await;
    let pipeline = include_str!("../../examples/quickstart/pipeline.sql");
    client.batch_execute(pipeline).await.unwrap();
    client.batch_execute(pipeline).await.expect("the pipeline can be applied again");

    let log = server.log().clone();
    tokio::task::spawn_blocking(move || {
        for kind in [Kind::Bids, Kind::Pageviews] {
            let spec =
                DatagenSpec { kind, count: 2_000, rate: 0, start_ms: START_MS, ..DatagenSpec::default() };
            generate(log.as_ref(), &spec, |_| ControlFlow::Continue(())).unwrap();
        }
    })
    .await
    .unwrap();

    wait_rows(&client, "SELECT SUM(bids) FROM bids_per_auction", &["2000"]).await;
    wait_rows(&client, "SELECT SUM(views) FROM views_per_page", &["2000"]).await;
    let expected = client.simple_query("SELECT COUNT(*) FROM bids WHERE price > 900000").await.unwrap();
    let count = expected.iter().find_map(|m| match m {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    wait_rows(&client, "SELECT COUNT(*) FROM high_bids", &[count.as_deref().unwrap()]).await;
    drop(client);
    server.stop().await;
}
