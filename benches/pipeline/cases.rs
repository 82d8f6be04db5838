//! The queries, each in a fresh server over the same topic.

use std::time::Duration;

use rivermill::log::{Log, OffsetAt, TopicPartition};

use crate::Bench;
use crate::positions::Positions;
use crate::process::{ServerProcess, Sql};
use crate::report::{Report, Row};
use crate::usage::{Usage, rss_peak};

/// One query, and the bars that it is held to.
pub struct Case {
    pub id: &'static str,
    pub name: &'static str,
    /// Its SELECT.
    select: &'static str,
    kind: &'static str,
    /// Millions of records per CPU-second, at least.
    rate_bar: Option<f64>,
    /// MB of resident memory, at most.
    rss_bar: Option<u64>,
}

pub const CASES: &[Case] = &[
    Case {
        id: "a",
        name: "(a) projection",
        select: "SELECT auction, bidder, price * 0.89 AS price, datetime, extra FROM bids EMIT CHANGES",
        kind: "STREAM",
        rate_bar: Some(0.5),
        rss_bar: None,
    },
    Case {
        id: "b",
        name: "(b) filter, keeps 12 %",
        // Prices are spread evenly over six decades, and evenly within each.
        select: "SELECT auction, bidder, price * 0.89 AS price, datetime, extra FROM bids \
                 WHERE price > 35200000 EMIT CHANGES",
        kind: "STREAM",
        rate_bar: Some(1.0),
        rss_bar: None,
    },
    Case {
        id: "c",
        name: "(c) windows, EMIT FINAL",
        select: "SELECT auction, COUNT(*) AS n, SUM(price) AS turnover FROM bids \
                 WINDOW TUMBLING (SIZE 10 SECONDS, RETENTION 1 MINUTE, GRACE PERIOD 0 SECONDS) \
                 GROUP BY auction EMIT FINAL",
        kind: "TABLE",
        rate_bar: Some(1.0),
        rss_bar: Some(300),
    },
    Case {
        id: "c2",
        name: "(c2) windows, EMIT CHANGES",
        select: "SELECT auction, COUNT(*) AS n, SUM(price) AS turnover FROM bids \
                 WINDOW TUMBLING (SIZE 10 SECONDS, RETENTION 1 MINUTE, GRACE PERIOD 0 SECONDS) \
                 GROUP BY auction EMIT CHANGES",
        kind: "TABLE",
        rate_bar: None,
        rss_bar: None,
    },
    Case {
        id: "d",
        name: "(d) no windows, EMIT CHANGES",
        select: "SELECT auction, COUNT(*) AS n, SUM(price) AS turnover FROM bids \
                 GROUP BY auction EMIT CHANGES",
        kind: "TABLE",
        rate_bar: Some(0.5),
        rss_bar: None,
    },
];

/// The stream of bids, with the record's own timestamp as event time.
pub const CREATE_BIDS: &str = "CREATE STREAM bids (auction BIGINT KEY, bidder BIGINT, price BIGINT, channel STRING, \
     url STRING, datetime BIGINT, extra STRING) \
     WITH (KAFKA_TOPIC = 'bids', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'JSON');";

/// Between two looks at the committed positions.
const LOOK: Duration = Duration::from_millis(20);
/// Looks between two questions whether the query has failed.
const LOOKS_FAILED: u32 = 250;

pub fn run(bench: &Bench, case: &Case, report: &mut Report) {
    println!("{}", case.name);
    let service = format!("bench_{}_", case.id);
    let server = start(bench, &service);
    let sql = server.connect().expect("a connection");
    sql.run(CREATE_BIDS);
    let sink = format!("sink_{}", case.id);
    let create = format!("CREATE {} {sink} WITH (KAFKA_TOPIC = '{sink}') AS {};", case.kind, case.select);
    let usage = Usage::of(server.pid());
    sql.run(&create);
    wait_processed(bench, &service, &sql);
    let used = usage.so_far();
    let written = ends(bench, &sink).iter().sum::<i64>();
    let peak = rss_peak(server.pid());
    println!("    {written} offsets written in {:.1} s", used.wall.as_secs_f64());
    server.terminate();
    bench.log.delete_topic(&sink).expect("the sink is deleted");
    report.row(Row {
        name: case.name,
        records: bench.records,
        used,
        rss_peak: Some(peak),
        rate_bar: case.rate_bar,
        rss_bar: case.rss_bar,
    });
}

pub fn start(bench: &Bench, service: &str) -> ServerProcess {
    ServerProcess::start(&["--bootstrap-servers", &bench.servers, "--set", &format!("service.id={service}")])
}

/// Waits until the only query of a server has committed its positions at the end of the bids.
pub fn wait_processed(bench: &Bench, service: &str, sql: &Sql) {
    let queries = sql.run("SHOW QUERIES");
    let [query] = &queries[..] else { panic!("{queries:?}") };
    let group = format!("_rivermill-{service}-{}", query[0].as_deref().expect("an id"));
    let input = query[2].as_deref().expect("what it reads").to_lowercase();
    let partitions = partitions(bench, &input);
    let ends: Vec<_> = ends(bench, &input).into_iter().map(Some).collect();
    let positions = Positions::open(bench, &group);
    for look in 1.. {
        if positions.of(&partitions) == ends {
            break;
        }
        // Seldom, since it is work for the process that is measured.
        assert!(look % LOOKS_FAILED != 0 || !has_failed(sql), "{:?}", sql.run("SHOW QUERIES"));
        std::thread::sleep(LOOK);
    }
}

/// Whether the query had to be started again: figures of such a run mean nothing.
fn has_failed(sql: &Sql) -> bool {
    let queries = sql.run("SHOW QUERIES");
    queries.iter().any(|query| matches!(query[1].as_deref(), Some("RETRYING" | "FAILED")))
}

pub fn ends(bench: &Bench, topic: &str) -> Vec<i64> {
    let partitions = partitions(bench, topic);
    partitions.iter().map(|at| bench.log.offset(at, OffsetAt::Latest).expect("an offset")).collect()
}

pub fn partitions(bench: &Bench, topic: &str) -> Vec<TopicPartition> {
    let count = bench.log.topic(topic).expect("an answer").map_or(0, |t| t.partitions);
    (0..count).map(|p| TopicPartition::new(topic, p)).collect()
}
