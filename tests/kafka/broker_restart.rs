//! A broker that is not there yet, and one that goes away for a while.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::broker::Broker;
use crate::process::{ServerProcess, Sql, wait_until};
use crate::scenario::{Scenario, kept};
use crate::watermarks::Watermarks;

const RECORDS: i64 = 60_000;

#[test]
fn a_server_waits_for_its_broker() {
    let Some(mut broker) = Broker::start() else { return };
    broker.stop();
    let servers = broker.bootstrap_servers();
    let (server, address) = spawn(&["--bootstrap-servers", &servers, "--set", "service.id=waits_"]);

    // It says what it waits for, as soon as it knows.
    let said = |detail: &str| detail.contains(&servers);
    wait_until("the reason why statements are refused", || {
        let error = Sql::connect(address).and_then(|sql| sql.query("SHOW STREAMS")).unwrap_err();
        let Some(error) = error.as_db_error() else { return false };
        assert_eq!((error.code().code(), error.message()), ("57P03", "the server is not ready yet"));
        error.detail().is_some_and(said)
    });
    assert!(!server.has_ended());

    broker.start_again();
    assert_eq!(server.address(), address);
    let sql = Sql::connect(address).unwrap();
    sql.run(
        "CREATE STREAM s (k INT KEY, v INT) WITH (KAFKA_TOPIC = 's', PARTITIONS = 1, VALUE_FORMAT = 'JSON');
         CREATE TABLE t AS SELECT k, COUNT(*) AS n FROM s GROUP BY k EMIT CHANGES;
         INSERT INTO s (k, v) VALUES (1, 2), (1, 3);",
    );
    wait_until("the answer", || sql.number("SELECT SUM(n) FROM t").unwrap() == 2);
    server.terminate();
}

#[test]
fn queries_resume_when_their_broker_is_back() {
    let Some(mut broker) = Broker::start() else { return };
    let servers = broker.bootstrap_servers();
    let server = ServerProcess::start(&["--bootstrap-servers", &servers, "--set", "service.id=resumes_"]);
    let sql = server.connect().unwrap();
    let marks = Watermarks::new(&broker);
    let scenario = Scenario::new("restart", 3);
    sql.run(&scenario.create_input());
    scenario.produce(&marks.log, 0..RECORDS / 2);
    sql.run(&scenario.create_queries());

    // In the middle of the work, and again when it is at the rest.
    let written = || marks.written(&scenario.kept_topic()).iter().sum::<i64>();
    wait_until("some of the output", || written() > 0);
    broker.stop();
    broker.start_again();
    wait_until("the first half", || written() >= kept(0..RECORDS / 2));
    let before = written();
    scenario.produce(&marks.log, RECORDS / 2..RECORDS);
    wait_until("more output", || written() > before);
    broker.stop();
    broker.start_again();

    let queries = sql.run("SHOW QUERIES");
    assert_eq!(queries.len(), 2, "{queries:?}");
    for query in &queries {
        let id = query[0].as_deref().unwrap();
        marks.wait_processed(&format!("_rivermill-resumes_-{id}"), &scenario.input_topic());
    }
    server.terminate();
    scenario.check(&marks.log, RECORDS);
    let mut topics = marks.topics("_rivermill-resumes_-");
    topics.extend([scenario.kept_topic(), scenario.counts_topic()]);
    marks.assert_no_open_transaction(&topics);
}

/// Starts a server that cannot be ready yet, on a port that is known nevertheless.
fn spawn(args: &[&str]) -> (ServerProcess, SocketAddr) {
    loop {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let server = ServerProcess::spawn(&free.to_string(), args);
        let mut listens = false;
        wait_until("the server to listen", || {
            listens = std::net::TcpStream::connect(free).is_ok();
            listens || server.has_ended()
        });
        // Another process may have been faster with that port.
        if !server.has_ended() {
            return (server, free);
        }
        assert!(server.said().contains("cannot listen"), "{}", server.said());
    }
}
