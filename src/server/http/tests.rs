use std::sync::atomic::{AtomicBool, Ordering};

use expect_test::{Expect, expect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::runtime::status::{PartitionLag, QueryState};

struct Fake {
    healthy: AtomicBool,
}

impl Status for Fake {
    fn healthy(&self) -> Health {
        let is_healthy = self.healthy.load(Ordering::Relaxed);
        let message = if is_healthy { "" } else { "broker down" }.to_owned();
        Health { is_healthy, details: vec![HealthDetail { name: "log", is_healthy, message }] }
    }

    fn info(&self) -> Info {
        Info {
            version: "1.2.3",
            service_id: "default_".into(),
            log: "embedded",
            bootstrap_servers: String::new(),
            server_status: "RUNNING",
        }
    }

    fn queries(&self) -> Vec<QueryStatus> {
        vec![QueryStatus {
            id: "CTAS_\"A\"_1".into(),
            sink: "A".into(),
            state: QueryState::Running,
            last_error: None,
            rows_in: 10,
            rows_out: 4,
            lag: vec![
                PartitionLag { topic: "bids".into(), partition: 0, records: Some(7) },
                PartitionLag { topic: "bids".into(), partition: 1, records: None },
            ],
            epochs: 3,
            epochs_failed: 0,
            commit_time: Duration::from_millis(1500),
            commit_time_max: Duration::from_millis(250),
            state_rows: 2,
            state_bytes: u64::MAX,
            late_rows: 1,
            errors: 0,
            restarts: 0,
        }]
    }

    fn connections(&self) -> Connections {
        Connections { open: 1, total: 2, refused: 3 }
    }
}

/// Sends raw bytes and returns the status line and the body of the answer.
async fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    format!("{}\n{body}", head.lines().next().unwrap_or(""))
}

fn check(healthy: bool, request: &str, expected: Expect) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (listener, address) = bind("127.0.0.1:0").await.unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let status = Arc::new(Fake { healthy: AtomicBool::new(healthy) });
        let server = tokio::spawn(serve(listener, status, async {
            let _ = stopped.await;
        }));
        expected.assert_eq(&ask(address, request).await);
        stop.send(()).unwrap();
        server.await.unwrap().unwrap();
    });
}

fn get_request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
}

#[test]
fn health_is_200_or_503() {
    check(
        true,
        &get_request("/healthcheck"),
        expect![[r#"
        HTTP/1.1 200 OK
        {"isHealthy":true,"details":[{"name":"log","isHealthy":true,"message":""}]}"#]],
    );
    check(
        false,
        &get_request("/healthcheck"),
        expect![[r#"
        HTTP/1.1 503 Service Unavailable
        {"isHealthy":false,"details":[{"name":"log","isHealthy":false,"message":"broker down"}]}"#]],
    );
}

#[test]
fn info_is_json() {
    check(
        true,
        &get_request("/info"),
        expect![[r#"
        HTTP/1.1 200 OK
        {"version":"1.2.3","serviceId":"default_","log":"embedded","bootstrapServers":"","serverStatus":"RUNNING"}"#]],
    );
}

#[test]
fn what_is_not_there_is_404_or_405() {
    check(
        true,
        &get_request("/secret"),
        expect![[r#"
        HTTP/1.1 404 Not Found
        no such page; there are /healthcheck, /info and /metrics
    "#]],
    );
    check(
        true,
        "POST /info HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        expect![[r#"
        HTTP/1.1 405 Method Not Allowed
        this page answers GET only
    "#]],
    );
}

#[test]
fn garbage_gets_an_error() {
    check(
        true,
        "\x16\x03\x01 hello\r\n\r\n",
        expect![[r#"
        HTTP/1.1 400 Bad Request
    "#]],
    );
}

#[test]
fn a_huge_header_is_refused_and_the_next_client_served() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (listener, address) = bind("127.0.0.1:0").await.unwrap();
        let status = Arc::new(Fake { healthy: AtomicBool::new(true) });
        tokio::spawn(serve(listener, status, std::future::pending()));
        let huge = format!("GET /info HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(1 << 20));
        // The answer is 431, unless the connection is reset before it is read.
        assert!(!ask(address, &huge).await.contains("200 OK"));
        assert!(ask(address, &get_request("/info")).await.contains("200 OK"));
    });
}

#[test]
fn the_metrics_of_a_query() {
    let text = render_metrics(&Fake { healthy: AtomicBool::new(true) }).unwrap();
    let ours: String = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.starts_with("process_") && !line.contains("uptime"))
        .map(|line| format!("{line}\n"))
        .collect();
    expect![[r#"
        rivermill_connections 1
        rivermill_connections_refused_total 3
        rivermill_connections_total 2
        rivermill_healthy 1
        rivermill_info{log="embedded",service_id="default_",version="1.2.3"} 1
        rivermill_query_commit_seconds_max{query="CTAS_\"A\"_1"} 0.25
        rivermill_query_commit_seconds_total{query="CTAS_\"A\"_1"} 1.5
        rivermill_query_epochs_failed_total{query="CTAS_\"A\"_1"} 0
        rivermill_query_epochs_total{query="CTAS_\"A\"_1"} 3
        rivermill_query_errors_total{query="CTAS_\"A\"_1"} 0
        rivermill_query_lag_records{partition="0",query="CTAS_\"A\"_1",topic="bids"} 7
        rivermill_query_late_rows_total{query="CTAS_\"A\"_1"} 1
        rivermill_query_restarts_total{query="CTAS_\"A\"_1"} 0
        rivermill_query_rows_in_total{query="CTAS_\"A\"_1"} 10
        rivermill_query_rows_out_total{query="CTAS_\"A\"_1"} 4
        rivermill_query_state{query="CTAS_\"A\"_1",state="failed"} 0
        rivermill_query_state{query="CTAS_\"A\"_1",state="paused"} 0
        rivermill_query_state{query="CTAS_\"A\"_1",state="recovering"} 0
        rivermill_query_state{query="CTAS_\"A\"_1",state="retrying"} 0
        rivermill_query_state{query="CTAS_\"A\"_1",state="running"} 1
        rivermill_query_state{query="CTAS_\"A\"_1",state="stopped"} 0
        rivermill_query_state_bytes{query="CTAS_\"A\"_1"} 9223372036854776000
        rivermill_query_state_rows{query="CTAS_\"A\"_1"} 2
    "#]]
    .assert_eq(&ours);
    assert!(text.contains("# TYPE rivermill_query_rows_in_total counter"));
}
