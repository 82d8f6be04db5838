//! Clients that send garbage, half a message, a huge length, or come in hundreds: theirs is the error, and the server
//! and the others go on.

use rand::rngs::SmallRng;
use rand::{Rng, RngCore, SeedableRng};
use tokio_postgres::Client;

use super::client::{rows, wait_for};
use super::raw::{RawClient, message, startup};
use super::server::TestServer;

async fn serve() -> (tempfile::TempDir, TestServer, Client) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_string_lossy().into_owned();
    let server = TestServer::start(&[("data.dir", &data), ("connections.max", "50")]).await;
    let client = server.connect().await;
    (folder, server, client)
}

/// The others go on: one who was there, and one who comes.
async fn check_alive(server: &TestServer, client: &Client) {
    assert_eq!(rows(client, "SELECT 1").await, ["1"]);
    wait_for("a new client is let in", async || {
        let address = server.postgres();
        let config = format!("host={} port={} user=test", address.ip(), address.port());
        let (client, connection) =
            tokio_postgres::connect(&config, tokio_postgres::NoTls).await.map_err(|e| format!("{e:?}"))?;
        tokio::spawn(connection);
        assert_eq!(rows(&client, "SELECT 2").await, ["2"]);
        Ok(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_closes_its_connection_only() {
    let (_folder, server, client) = serve().await;
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = SmallRng::seed_from_u64(seed);
    for round in 0..200 {
        let mut garbage = vec![0; random.random_range(1..2000)];
        random.fill_bytes(&mut garbage);
        let mut raw = if round % 2 == 0 {
            RawClient::connect(server.postgres()).await
        } else {
            RawClient::start(server.postgres()).await
        };
        let _ = tokio::io::AsyncWriteExt::write_all(&mut raw.socket, &garbage).await;
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut raw.socket).await;
        raw.refusal().await;
    }
    // Well-formed frames with bodies that are not.
    for kind in *b"QPBDECHSXdcfp" {
        let mut raw = RawClient::start(server.postgres()).await;
        let mut body = vec![0; 50];
        random.fill_bytes(&mut body);
        raw.send(&message(kind, &body)).await;
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut raw.socket).await;
        raw.refusal().await;
    }
    check_alive(&server, &client).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_client_is_told() {
    let (_folder, server, client) = serve().await;
    let mut raw = RawClient::connect(server.postgres()).await;
    raw.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(raw.refusal().await.as_deref(), Some("08P01"));
    check_alive(&server, &client).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_message_holds_nobody_up() {
    let (_folder, server, client) = serve().await;
    let mut waiting = Vec::new();
    // They stay, and say no more.
    for length in [1, 3, 4, 7, startup().len() - 1] {
        let mut raw = RawClient::connect(server.postgres()).await;
        raw.send(&startup()[..length]).await;
        waiting.push(raw);
    }
    for length in [1, 4, 5, 9] {
        let mut raw = RawClient::start(server.postgres()).await;
        raw.send(&message(b'Q', b"SELECT 1\0")[..length]).await;
        waiting.push(raw);
    }
    check_alive(&server, &client).await;
    // They leave in the middle.
    drop(waiting);
    check_alive(&server, &client).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_length_is_refused_at_once() {
    let (_folder, server, client) = serve().await;
    let gigabyte = (1_u32 << 30).to_be_bytes();
    let mut raw = RawClient::connect(server.postgres()).await;
    raw.send(&gigabyte).await;
    assert_eq!(raw.refusal().await.as_deref(), Some("08P01"));
    for kind in *b"QPBd" {
        let mut raw = RawClient::start(server.postgres()).await;
        raw.send(&[&[kind][..], &gigabyte].concat()).await;
        assert_eq!(raw.refusal().await.as_deref(), Some("08P01"), "{}", kind as char);
    }
    // A length that is too small, and one that is negative.
    for length in [0_u32, 3, u32::MAX] {
        let mut raw = RawClient::start(server.postgres()).await;
        raw.send(&[&[b'Q'][..], &length.to_be_bytes()].concat()).await;
        assert_eq!(raw.refusal().await.as_deref(), Some("08P01"), "{length}");
    }
    check_alive(&server, &client).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_connections_at_once() {
    let (_folder, server, client) = serve().await;
    let address = server.postgres();
    let attempts: Vec<_> = (0..500)
        .map(|_| {
            tokio::spawn(async move {
                // The server may close one before it has read anything of it.
                let Ok(socket) = tokio::net::TcpStream::connect(address).await else { return Err(None) };
                drop(socket);
                let mut raw = RawClient::connect(address).await;
                let _ = tokio::io::AsyncWriteExt::write_all(&mut raw.socket, &startup()).await;
                match raw.message().await {
                    Some((b'R', _)) => Ok(raw),
                    Some((b'E', body)) => Err(Some(String::from_utf8_lossy(&body).into_owned())),
                    _ => Err(None),
                }
            })
        })
        .collect();
    let mut admitted = Vec::new();
    let mut told = 0;
    for attempt in attempts {
        match attempt.await.unwrap() {
            Ok(raw) => admitted.push(raw),
            Err(Some(error)) => {
                assert!(error.contains("C53300"), "{error}");
                told += 1;
            }
            Err(None) => {}
        }
    }
    // One session is the test's own.
    assert_eq!(admitted.len(), 49);
    println!("{} let in, {told} told why not, {} dropped", admitted.len(), 500 - admitted.len() - told);
    assert_eq!(rows(&client, "SELECT 1").await, ["1"]);
    drop(admitted);
    check_alive(&server, &client).await;
    server.stop().await;
}
