//! `sql-tests/*.slt` on a real Kafka. A broker of their own: they list and create topics of any name.

use rivermill::log::Log;

use crate::broker::Broker;
use crate::server::TestServer;
use crate::slt;

#[tokio::test(flavor = "multi_thread")]
async fn sql_tests() {
    let Some(broker) = Broker::start() else { return };
    let servers = broker.bootstrap_servers();
    let mut failed = Vec::new();
    for (number, file) in slt::files().into_iter().enumerate() {
        let name = file.display().to_string();
        println!("{name}");
        let service = format!("sql_{number}_");
        let server = TestServer::start(&[("bootstrap.servers", &servers), ("service.id", &service)]).await;
        let log = server.log().clone();
        // A task of its own, so that one file's failure does not hide the others'.
        let run = async move {
            slt::run(&server, &file).await;
            server.stop().await;
        };
        if tokio::spawn(run).await.is_err() {
            failed.push(name);
        }
        tokio::task::spawn_blocking(move || delete_topics(log.as_ref())).await.unwrap();
    }
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
}

/// All but Kafka's own.
fn delete_topics(log: &dyn Log) {
    for topic in log.topics().unwrap().iter().filter(|t| !t.name.starts_with("__")) {
        log.delete_topic(&topic.name).unwrap();
    }
}
