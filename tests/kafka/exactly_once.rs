//! `kill -9` of the server at ten moments, then every output is recomputed from the input.
//!
//! The moments are drawn from a seed and are moments of the work, not of the clock: so many records committed, so
//! many written in transactions that still run, a server that just begins to read its state back. Input is written all
//! the while. `RIVERMILL_TEST_RECORDS` sets another number of records.

use std::ops::Range;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::broker;
use crate::process::{ServerProcess, wait_until};
use crate::scenario::{Scenario, kept};
use crate::watermarks::Watermarks;

const RECORDS: i64 = 500_000;
const KILLS: i64 = 10;
const SEED: u64 = 20_260_101;
const SERVICE: &str = "exactly_once";

#[test]
fn ten_kills_lose_and_double_nothing() {
    let Some(broker) = broker::shared() else { return };
    let records = std::env::var("RIVERMILL_TEST_RECORDS").map_or(RECORDS, |n| n.parse().expect("a number"));
    let servers = broker.bootstrap_servers();
    let service = format!("service.id={SERVICE}");
    let start = || ServerProcess::start(&["--bootstrap-servers", &servers, "--set", &service]);
    let marks = Watermarks::new(broker);
    let scenario = Scenario::new("exactly_once", 3);
    let mut random = SmallRng::seed_from_u64(SEED);

    let mut server = start();
    let sql = server.connect().unwrap();
    sql.run(&scenario.create_input());
    sql.run(&scenario.create_queries());
    let mut in_transaction = 0;
    let slice = records / (KILLS + 1);
    for kill in 0..KILLS {
        let ids = kill * slice..(kill + 1) * slice;
        let moment = Moment::draw(&mut random, &ids);
        std::thread::scope(|scope| {
            let topics = [scenario.kept_topic(), scenario.counts_topic()];
            let before = topics.each_ref().map(|topic| marks.written(topic).iter().sum::<i64>());
            let producing = scope.spawn(|| scenario.produce(&marks.log, ids.clone()));
            moment.wait(&marks, &topics, before, &server);
            server.kill();
            let open = topics.iter().filter(|topic| marks.written(topic) != marks.committed(topic)).count();
            in_transaction += usize::from(open > 0);
            println!("kill {}: {moment:?}, {open} sinks in a transaction", kill + 1);
            producing.join().unwrap();
        });
        server = start();
    }
    scenario.produce(&marks.log, KILLS * slice..records);
    println!("{in_transaction} of {KILLS} kills met an open transaction");

    let queries = server.connect().unwrap().run("SHOW QUERIES");
    assert_eq!(queries.len(), 2, "{queries:?}");
    for query in &queries {
        let id = query[0].as_deref().unwrap();
        marks.wait_processed(&format!("_rivermill-{SERVICE}-{id}"), &scenario.input_topic());
    }
    server.terminate();
    scenario.check(&marks.log, records);
    let mut topics = marks.topics(&format!("_rivermill-{SERVICE}-"));
    assert!(topics.iter().any(|topic| topic.ends_with("-changelog")), "{topics:?}");
    topics.extend([scenario.kept_topic(), scenario.counts_topic()]);
    marks.assert_no_open_transaction(&topics);
}

/// When to kill. Counts begin with the round; each is one that the round's input reaches.
#[derive(Debug)]
enum Moment {
    /// So many more records of the filter's sink are committed.
    Committed(i64),
    /// So many more are written to one of the sinks, most likely by a transaction that still runs.
    Written { sink: usize, records: i64 },
    /// The server has started, and its queries read their state back.
    Recovering,
}

impl Moment {
    fn draw(random: &mut SmallRng, ids: &Range<i64>) -> Moment {
        let kept = kept(ids.clone()).max(1);
        match random.random_range(0..10) {
            0..3 => Moment::Committed(random.random_range(1..=kept)),
            3..6 => Moment::Written { sink: 0, records: random.random_range(1..=kept) },
            // Each window that a record falls into is written at least once.
            6..9 => Moment::Written { sink: 1, records: random.random_range(1..=(kept / 4).max(1)) },
            _ => Moment::Recovering,
        }
    }

    fn wait(&self, marks: &Watermarks, topics: &[String; 2], before: [i64; 2], server: &ServerProcess) {
        match self {
            Moment::Committed(records) => wait_until("records to be committed", || {
                marks.committed(&topics[0]).iter().sum::<i64>() >= before[0] + records
            }),
            Moment::Written { sink, records } => wait_until("records to be written", || {
                marks.written(&topics[*sink]).iter().sum::<i64>() >= before[*sink] + records
            }),
            // It says that it is ready when the queries are started, before they have read anything.
            Moment::Recovering => assert!(!server.has_ended()),
        }
    }
}
