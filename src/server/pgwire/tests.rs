//! The protocol, spoken by tokio-postgres and by hand, against an executor that answers a few fixed texts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::common::ScalarValue;
use futures::{StreamExt, TryStreamExt, pin_mut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_postgres::{NoTls, SimpleQueryMessage};

use super::{Limits, serve};
use crate::server::session::*;
use crate::sql::ast::{Name, Statement};
use crate::sql::{Position, SqlError};

/// Long enough that only a hang reaches it.
const HANG: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Fake {
    /// What feeds `SELECT * FROM LIVE`; each row is sent by the test.
    live: parking_lot::Mutex<Option<mpsc::Receiver<i64>>>,
    /// Streams of `LIVE` that were dropped.
    dropped: Arc<AtomicUsize>,
    written: Arc<parking_lot::Mutex<Vec<String>>>,
}

struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("N", DataType::Int64, true)]))
}

fn batch(values: Vec<i64>) -> RecordBatch {
    RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from(values)) as ArrayRef]).unwrap()
}

fn rows(batches: Vec<Result<RecordBatch, SqlError>>, live: bool) -> RowStream {
    let batches = futures::stream::iter(batches).boxed();
    RowStream { schema: schema(), batches, live, tag: RowTag::Counted("SELECT") }
}

#[async_trait]
impl Executor for Fake {
    async fn describe(
        &self,
        _: &SessionState,
        statement: &Statement,
        params: &[Option<DataType>],
    ) -> Result<Description, SqlError> {
        let text = statement.text.to_uppercase();
        if text.contains("$1") {
            let ty = params.first().cloned().flatten().unwrap_or(DataType::Int64);
            return Ok(Description { params: vec![ty], columns: Some(schema()), plan: None });
        }
        let columns = text.starts_with("SELECT").then(schema);
        Ok(Description { columns, ..Description::default() })
    }

    async fn execute(
        &self,
        session: &mut SessionState,
        statement: &Statement,
        params: &[ScalarValue],
        _: Option<&Plan>,
    ) -> Result<Outcome, SqlError> {
        let text = statement.text.to_uppercase();
        let has = |word: &str| text.contains(word);
        if has("NOWHERE") {
            let position = Some(Position { line: 2, column: 6 });
            return Err(SqlError::new("42P01", "relation \"NOWHERE\" does not exist")
                .hint("SHOW TABLES")
                .at(position));
        }
        if has("LIVE") {
            let receiver = self.live.lock().take().ok_or_else(|| SqlError::internal("taken"))?;
            let guard = Dropped(self.dropped.clone());
            let batches = futures::stream::unfold((receiver, guard), |(mut receiver, guard)| async move {
                let n = receiver.recv().await?;
                Some((Ok(batch(vec![n])), (receiver, guard)))
            });
            return Ok(Outcome::Rows(RowStream {
                schema: schema(),
                batches: batches.boxed(),
                live: true,
                tag: RowTag::Counted("SELECT"),
            }));
        }
        if has("ENDLESS") {
            let batches = futures::stream::repeat_with(|| Ok(batch((0..1000).collect()))).boxed();
            let tag = RowTag::Counted("SELECT");
            return Ok(Outcome::Rows(RowStream { schema: schema(), batches, live: true, tag }));
        }
        if has("INSERT") {
            return Ok(Outcome::Command {
                tag: "INSERT 0 1".into(),
                notices: vec![Notice::notice(format!("hello {}", session.user))],
            });
        }
        if let [ScalarValue::Int64(Some(n))] = params {
            return Ok(Outcome::Rows(rows(vec![Ok(batch(vec![*n]))], false)));
        }
        Ok(Outcome::Rows(rows(vec![Ok(batch(vec![1, 2])), Ok(batch(vec![3]))], false)))
    }

    async fn copy_in(
        &self,
        _: &mut SessionState,
        _: &Name,
        _: &[Name],
    ) -> Result<Box<dyn CopySink>, SqlError> {
        Ok(Box::new(Sink { rows: Vec::new(), written: self.written.clone() }))
    }
}

struct Sink {
    rows: Vec<String>,
    written: Arc<parking_lot::Mutex<Vec<String>>>,
}

#[async_trait]
impl CopySink for Sink {
    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("K", DataType::Int64, true),
            Field::new("V", DataType::Utf8, true),
        ]))
    }

    async fn write(&mut self, batch: RecordBatch) -> Result<(), SqlError> {
        let k = batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap().clone();
        let v = batch.column(1).as_any().downcast_ref::<StringArray>().unwrap().clone();
        self.rows.extend(k.iter().zip(v.iter()).map(|row| format!("{row:?}")));
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<u64, SqlError> {
        let n = self.rows.len() as u64;
        self.written.lock().extend(self.rows);
        Ok(n)
    }
}

struct Server {
    port: u16,
    fake: Arc<Fake>,
    live: mpsc::Sender<i64>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (live, receiver) = mpsc::channel(16);
        let fake = Arc::new(Fake::default());
        *fake.live.lock() = Some(receiver);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(serve(listener, fake.clone(), limits, Arc::default(), stopped));
        Self { port, fake, live, stop, task }
    }

    async fn client(&self) -> tokio_postgres::Client {
        let config = format!("host=127.0.0.1 port={} user=ann dbname=d application_name=t", self.port);
        let (client, connection) = tokio_postgres::connect(&config, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    async fn raw(&self, bytes: &[u8]) -> TcpStream {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        socket
    }
}

/// Waits for a condition; only a hang fails it.
async fn until(condition: impl Fn() -> bool) {
    tokio::time::timeout(HANG, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .expect("the condition was never met");
}

fn startup_packet() -> Vec<u8> {
    let mut body = 196_608u32.to_be_bytes().to_vec();
    body.extend_from_slice(b"user\0ann\0\0");
    let mut packet = (body.len() as u32 + 4).to_be_bytes().to_vec();
    packet.extend(body);
    packet
}

/// Everything until the server closes.
async fn rest(mut socket: TcpStream) -> Vec<u8> {
    let mut out = Vec::new();
    let _ = tokio::time::timeout(HANG, socket.read_to_end(&mut out)).await.expect("the server did not close");
    out
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|w| w == text.as_bytes())
}

#[tokio::test]
async fn several_statements_stop_at_the_first_error() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let messages = client.simple_query("SELECT n FROM t; SELECT n FROM t").await.unwrap();
    let ends = messages.iter().filter(|m| matches!(m, SimpleQueryMessage::CommandComplete(3))).count();
    assert_eq!(ends, 2);
    let error = client.simple_query("SELECT n\nFROM NOWHERE; SELECT n FROM live").await.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(error.code().code(), "42P01");
    assert_eq!(error.hint(), Some("SHOW TABLES"));
    assert_eq!(error.position(), Some(&tokio_postgres::error::ErrorPosition::Original(15)));
    assert!(server.fake.live.lock().is_some(), "the second statement ran");
    assert!(client.simple_query("").await.unwrap().len() <= 1);
}

#[tokio::test]
async fn parameters_and_results_in_binary() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let row = client.query_one("SELECT n FROM t WHERE n = $1", &[&7i64]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 7);
    let rows = client.query("SELECT n FROM t", &[]).await.unwrap();
    assert_eq!(rows.iter().map(|r| r.get::<_, i64>(0)).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(client.execute("INSERT INTO t (n) VALUES (1)", &[]).await.unwrap(), 1);
}

#[tokio::test]
async fn rows_of_a_slow_stream_arrive_one_by_one_and_cancel_ends_it() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let stream = client.query_raw("SELECT n FROM live", Vec::<i64>::new()).await.unwrap();
    pin_mut!(stream);
    for n in 0..3 {
        server.live.send(n).await.unwrap();
        let row = tokio::time::timeout(HANG, stream.try_next()).await.unwrap().unwrap().unwrap();
        assert_eq!(row.get::<_, i64>(0), n);
    }
    client.cancel_token().cancel_query(NoTls).await.unwrap();
    let error = tokio::time::timeout(HANG, stream.try_next()).await.unwrap().unwrap_err();
    assert_eq!(error.code().unwrap().code(), "57014");
    assert_eq!(server.fake.dropped.load(Ordering::SeqCst), 1);
    assert_eq!(client.query("SELECT n FROM t", &[]).await.unwrap().len(), 3);
}

#[tokio::test]
async fn cancel_ends_a_stream_that_never_pauses() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let stream = client.query_raw("SELECT n FROM endless", Vec::<i64>::new()).await.unwrap();
    pin_mut!(stream);
    assert!(stream.try_next().await.unwrap().is_some());
    client.cancel_token().cancel_query(NoTls).await.unwrap();
    let end = tokio::time::timeout(HANG, async {
        while stream.try_next().await?.is_some() {}
        Ok::<_, tokio_postgres::Error>(())
    });
    assert_eq!(end.await.unwrap().unwrap_err().code().unwrap().code(), "57014");
}

#[tokio::test]
async fn a_client_that_vanishes_is_noticed_while_its_stream_is_idle() {
    let server = Server::start(Limits::default()).await;
    let mut packet = startup_packet();
    packet.extend_from_slice(b"Q\0\0\0\x17SELECT n FROM live\0");
    let socket = server.raw(&packet).await;
    until(|| server.fake.live.lock().is_none()).await;
    drop(socket);
    until(|| server.fake.dropped.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn portals_suspend_with_what_they_have() {
    let server = Server::start(Limits { suspend_after: Duration::from_millis(1), ..Limits::default() }).await;
    let mut client = server.client().await;
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind("SELECT n FROM t", &[]).await.unwrap();
    assert_eq!(transaction.query_portal(&portal, 2).await.unwrap().len(), 2);
    assert_eq!(transaction.query_portal(&portal, 2).await.unwrap().len(), 1);
    let live = transaction.bind("SELECT n FROM live", &[]).await.unwrap();
    server.live.send(5).await.unwrap();
    assert_eq!(transaction.query_portal(&live, 100).await.unwrap().len(), 1);
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn cursors_and_transaction_blocks() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    client.batch_execute("BEGIN; DECLARE c CURSOR FOR SELECT n FROM live").await.unwrap();
    for n in 0..3 {
        server.live.send(n).await.unwrap();
    }
    let fetched = client.simple_query("FETCH FORWARD 2 FROM c").await.unwrap();
    assert_eq!(fetched.iter().filter(|m| matches!(m, SimpleQueryMessage::Row(_))).count(), 2);
    assert!(client.simple_query("SELECT nonsense(").await.is_err());
    let code = |e: tokio_postgres::Error| e.code().unwrap().code().to_owned();
    assert_eq!(code(client.simple_query("SELECT n FROM t").await.unwrap_err()), "25P02");
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(server.fake.dropped.load(Ordering::SeqCst), 1, "the block's end closes its cursors");
    assert_eq!(code(client.simple_query("FETCH 1 FROM c").await.unwrap_err()), "34000");
    client.batch_execute("BEGIN READ ONLY").await.unwrap();
    assert_eq!(code(client.simple_query("INSERT INTO t (n) VALUES (1)").await.unwrap_err()), "25006");
    client.batch_execute("ROLLBACK; SET application_name TO 'x'; DISCARD ALL").await.unwrap();
    let shown = client.query_one("SHOW application_name", &[]).await.unwrap();
    assert_eq!(shown.get::<_, String>(0), "t");
    assert_eq!(code(client.simple_query("SHOW nonsense").await.unwrap_err()), "42704");
}

#[tokio::test]
async fn copy_out_is_a_live_feed_and_ends_with_an_error_alone() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let stream = client.copy_out("COPY (SELECT n FROM live) TO STDOUT").await.unwrap();
    pin_mut!(stream);
    server.live.send(41).await.unwrap();
    let line = tokio::time::timeout(HANG, stream.try_next()).await.unwrap().unwrap().unwrap();
    assert_eq!(&line[..], b"41\n");
    client.cancel_token().cancel_query(NoTls).await.unwrap();
    let error = tokio::time::timeout(HANG, stream.try_next()).await.unwrap().unwrap_err();
    assert_eq!(error.code().unwrap().code(), "57014");
    let csv = client.copy_out("COPY (SELECT n FROM t) TO STDOUT (FORMAT csv, HEADER)").await.unwrap();
    let bytes: Vec<bytes::Bytes> = csv.try_collect().await.unwrap();
    assert_eq!(bytes.concat(), b"N\n1\n2\n3\n");
}

#[tokio::test]
async fn copy_in_writes_all_or_nothing() {
    use futures::SinkExt;
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let copy = async |data: &'static [&'static str]| {
        let sink = client.copy_in("COPY t FROM STDIN").await?;
        pin_mut!(sink);
        for piece in data {
            sink.send(bytes::Bytes::from_static(piece.as_bytes())).await?;
        }
        sink.finish().await
    };
    assert_eq!(copy(&["1\ta\n2", "\t\\N\n"]).await.unwrap(), 2);
    assert_eq!(*server.fake.written.lock(), ["(Some(1), Some(\"a\"))", "(Some(2), None)"]);
    let error = copy(&["3\tc\nx\td\n"]).await.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(error.code().code(), "22P02");
    assert_eq!(error.message(), "invalid input syntax for type bigint: \"x\"");
    assert_eq!(error.detail(), Some("COPY line 2, column \"K\""));
    assert_eq!(copy(&["1\n"]).await.unwrap_err().code().unwrap().code(), "22P04");
    assert_eq!(server.fake.written.lock().len(), 2);
    assert_eq!(client.query("SELECT n FROM t", &[]).await.unwrap().len(), 3);
}

#[tokio::test]
async fn bad_bytes_close_one_connection_and_no_other() {
    let server =
        Server::start(Limits { startup_timeout: Duration::from_millis(200), ..Limits::default() }).await;
    let client = server.client().await;
    let garbage = server.raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(contains(&rest(garbage).await, "invalid length of startup packet"));
    let half = server.raw(&startup_packet()[..9]).await;
    assert!(rest(half).await.is_empty(), "half a startup packet runs into the timeout");
    let mut huge = startup_packet();
    huge.extend_from_slice(b"Q\x40\0\0\0SELECT");
    assert!(contains(&rest(server.raw(&huge).await).await, "message of 1073741824 bytes is too long"));
    let mut odd = startup_packet();
    odd.extend_from_slice(b"B\0\0\0\x0a\0\0\0\xff\xff\0");
    assert!(contains(&rest(server.raw(&odd).await).await, "08P01"));
    assert_eq!(client.query("SELECT n FROM t", &[]).await.unwrap().len(), 3);
}

#[tokio::test]
async fn too_many_clients_are_refused_in_good_form() {
    let server = Server::start(Limits { max_connections: 3, ..Limits::default() }).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(server.client().await);
    }
    let config = format!("host=127.0.0.1 port={} user=bob", server.port);
    let refused = tokio_postgres::connect(&config, NoTls).await.err().unwrap();
    assert_eq!(refused.code().unwrap().code(), "53300");
    let crowd = (0..500).map(|_| server.raw(b""));
    let crowd = futures::future::join_all(crowd).await;
    assert_eq!(clients[0].query("SELECT n FROM t", &[]).await.unwrap().len(), 3);
    drop(crowd);
    drop(clients.pop());
    tokio::time::timeout(HANG, async {
        while tokio_postgres::connect(&config, NoTls).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("a place that was left is free again");
}

#[tokio::test]
async fn shutdown_tells_the_sessions() {
    let server = Server::start(Limits::default()).await;
    let client = server.client().await;
    let stream = client.query_raw("SELECT n FROM live", Vec::<i64>::new()).await.unwrap();
    pin_mut!(stream);
    server.live.send(1).await.unwrap();
    assert!(stream.try_next().await.unwrap().is_some());
    server.stop.send(true).unwrap();
    let error = tokio::time::timeout(HANG, stream.try_next()).await.unwrap().unwrap_err();
    assert_eq!(error.code().unwrap().code(), "57P01");
    tokio::time::timeout(HANG, server.task).await.unwrap().unwrap().unwrap();
}
