//! `sql-tests/*.slt` on the embedded log, each file against a server of its own.
//!
//! `SLT=name cargo test --test it sql_tests` runs only the files whose name contains `name`.

use std::path::PathBuf;

use super::server::TestServer;
use super::slt;

#[tokio::test(flavor = "multi_thread")]
async fn sql_tests() {
    let mut failed = Vec::new();
    for file in slt::files() {
        let name = file.display().to_string();
        // A task of its own, so that one file's failure does not hide the others'.
        if tokio::spawn(run(file)).await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "failed: {}", failed.join(", "));
}

async fn run(file: PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(&[("data.dir", &folder.path().join("data").to_string_lossy())]).await;
    slt::run(&server, &file).await;
    server.stop().await;
}
