//! What may happen: a query, rows for it, and the way they go through the engine.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use rivermill::formats::partition_for;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Conditions of WHERE. Rows that close windows pass all of them.
const FILTERS: &[&str] = &[
    "I > -20",
    "B % 3 <> 1",
    "T LIKE 'a%'",
    "F >= 0 OR I IS NULL",
    "D BETWEEN -50 AND 50.5",
    "G1 IS NOT NULL AND T <> 'b'",
    "NOT G2 IN (-2, -1)",
    "CASE WHEN I IS NULL THEN FALSE ELSE I < 50 END",
];

/// Functions and arguments of the aggregates.
const AGGREGATES: &[(&str, &str)] = &[
    ("COUNT", "*"),
    ("COUNT", "I"),
    ("COUNT", "T"),
    ("SUM", "I"),
    ("SUM", "B"),
    ("SUM", "F"),
    ("SUM", "D"),
    ("SUM", "I * 2 + B"),
    ("MIN", "I"),
    ("MAX", "B"),
    ("MIN", "F"),
    ("MAX", "D"),
    ("MIN", "T"),
    ("MAX", "T"),
    ("MAX", "CASE WHEN I > 0 THEN T ELSE 'none' END"),
    ("AVG", "I"),
    ("AVG", "B"),
    ("AVG", "F"),
    ("COUNT", "DISTINCT T"),
    ("COUNT_DISTINCT", "I"),
    ("MEDIAN", "F"),
];

/// Conditions of HAVING; some let a group through for a while only.
const HAVINGS: &[(&str, &str, &str)] = &[
    ("COUNT", "*", "> 1"),
    ("COUNT", "*", "< 4"),
    ("SUM", "I", ">= 0"),
    ("MAX", "B", "> 0"),
    ("AVG", "F", "< 10"),
    ("MIN", "T", "<> 'a'"),
];

#[derive(Debug, Clone)]
pub struct Case {
    pub query: Query,
    pub partitions: i32,
    pub records: Vec<(u8, Kind, Row)>,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone)]
pub struct Query {
    pub group: &'static [&'static str],
    pub filter: Option<usize>,
    pub having: Option<usize>,
    pub aggregates: Vec<usize>,
    pub window: Option<Window>,
    pub emit: Emit,
    /// Row times come from a column of the value; else they are the records' timestamps.
    pub timestamp_column: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emit {
    Changes { coalesce: bool },
    Final,
}

#[derive(Debug, Clone)]
pub struct Window {
    pub size_ms: i64,
    pub advance_ms: i64,
    /// None: so long that no row is late.
    pub grace_ms: Option<i64>,
}

/// A record of the input topic.
#[derive(Debug, Clone)]
pub struct Record {
    pub kind: Kind,
    pub row: Row,
    pub timestamp: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Good,
    /// No JSON.
    Garbage,
    /// No value: not a row of a stream.
    Empty,
}

#[derive(Debug, Clone)]
pub struct Row {
    pub time: i64,
    pub k: Option<String>,
    pub g1: Option<String>,
    pub g2: Option<i64>,
    pub i: Option<i64>,
    pub b: Option<i64>,
    /// A DOUBLE without a fraction: sums do not depend on their order.
    pub f: Option<i64>,
    /// DECIMAL(10, 2), in hundredths.
    pub d: Option<i64>,
    pub t: Option<String>,
}

#[derive(Debug, Clone, Copy)]
pub enum Step {
    Push { partition: usize, records: usize },
    Seal,
    Commit,
    Rollback,
    Crash { durable: bool },
}

pub fn cases() -> impl Strategy<Value = Case> {
    let kind = prop_oneof![40 => Just(Kind::Good), 1 => Just(Kind::Garbage), 1 => Just(Kind::Empty)];
    let records = select(vec![0_i64, 1_700_000_000_000])
        .prop_flat_map(move |base| vec((any::<u8>(), kind.clone(), row(base)), 0..150));
    (query(), 1..4_i32, records, vec(step(), 0..60)).prop_map(|(query, partitions, records, steps)| Case {
        query,
        partitions,
        records,
        steps,
    })
}

fn query() -> impl Strategy<Value = Query> {
    let groups: Vec<&'static [&'static str]> = vec![&["K"], &["G1"], &["G2"], &["G1", "G2"], &["G2", "K"]];
    let aggregates = subsequence((0..AGGREGATES.len()).collect::<Vec<_>>(), 1..6);
    let emit = prop_oneof![
        2 => Just(Emit::Changes { coalesce: true }),
        2 => Just(Emit::Changes { coalesce: false }),
        1 => Just(Emit::Final),
    ];
    (
        select(groups),
        weighted(0.6, 0..FILTERS.len()),
        weighted(0.4, 0..HAVINGS.len()),
        aggregates,
        weighted(0.6, window()),
        emit,
        any::<bool>(),
    )
        .prop_map(|(group, filter, having, aggregates, window, emit, timestamp_column)| Query {
            group,
            filter,
            having,
            aggregates,
            window,
            emit,
            timestamp_column,
        })
}

fn window() -> impl Strategy<Value = Window> {
    let sizes = select(vec![(10_000, 10_000), (10_000, 5_000), (10_000, 3_000)]);
    (sizes, select(vec![None, Some(0), Some(4_000)])).prop_map(|((size_ms, advance_ms), grace_ms)| Window {
        size_ms,
        advance_ms,
        grace_ms,
    })
}

fn row(base: i64) -> impl Strategy<Value = Row> {
    let text = |texts: Vec<&'static str>| weighted(0.85, select(texts).prop_map(str::to_owned));
    let number = |limit: i64| weighted(0.85, -limit..limit);
    // Often on the very border of a window.
    let time = prop_oneof![2 => (0..120_i64).prop_map(|n| n * 500), 1 => 0..60_000_i64];
    (
        time.prop_map(move |time| base + time),
        text(vec!["a", "b", "c", "d", "e", "f"]),
        text(vec!["x", "y", "z", ""]),
        number(3),
        number(100),
        number(1 << 40),
        number(1 << 20),
        number(100_000),
        text(vec!["a", "ab", "b", "Zürich", "a\"b\\c", "日本"]),
    )
        .prop_map(|(time, k, g1, g2, i, b, f, d, t)| Row { time, k, g1, g2, i, b, f, d, t })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..4_usize, 1..40_usize).prop_map(|(partition, records)| Step::Push { partition, records }),
        6 => Just(Step::Seal),
        4 => Just(Step::Commit),
        2 => Just(Step::Rollback),
        1 => any::<bool>().prop_map(|durable| Step::Crash { durable }),
    ]
}

impl Case {
    /// Leaves out what has no one right answer. Where rows of several partitions meet in one task, which of them are late
    /// depends on whose turn it was; and only windows can be final.
    pub fn deterministic(mut self) -> Case {
        let meet = self.partitions > 1 && self.query.group != ["K"];
        match &mut self.query.window {
            Some(window) if meet => window.grace_ms = None,
            Some(_) => {}
            None if self.query.emit == Emit::Final => self.query.emit = Emit::Changes { coalesce: true },
            None => {}
        }
        self
    }

    /// The input topic, by partition.
    pub fn inputs(&self) -> Vec<Vec<Record>> {
        let mut inputs: Vec<Vec<Record>> = vec![Vec::new(); self.partitions as usize];
        for (place, kind, row) in &self.records {
            let partition = match &row.k {
                // A query that groups by the key relies on it; any other takes rows from wherever they are.
                Some(key) if self.query.group == ["K"] => {
                    partition_for(key.as_bytes(), self.partitions) as usize
                }
                _ => *place as usize % inputs.len(),
            };
            inputs[partition].push(self.record(*kind, row));
        }
        for partition in &mut inputs {
            partition.extend(self.closing_rows().map(|row| self.record(Kind::Good, &row)));
        }
        inputs
    }

    /// Where in each partition the rows begin that close all windows.
    pub fn closing_rows_from(&self) -> Vec<usize> {
        let closing = self.closing_rows().count();
        self.inputs().iter().map(|records| records.len() - closing).collect()
    }

    /// Rows of a much later time for every task. They pass every filter.
    fn closing_rows(&self) -> impl Iterator<Item = Row> + use<> {
        let last = self.records.iter().map(|(_, _, row)| row.time).max();
        let time = last.filter(|_| self.query.emit == Emit::Final).map(|last| last + 2 * DAY_MS);
        time.into_iter().flat_map(|time| {
            (0..32).map(move |number| Row {
                time,
                k: Some(format!("closing {number}")),
                g1: Some(format!("closing {number}")),
                g2: Some(number),
                i: Some(10),
                b: Some(3),
                f: Some(1),
                d: Some(100),
                t: Some("abc".into()),
            })
        })
    }

    fn record(&self, kind: Kind, row: &Row) -> Record {
        let value = match kind {
            Kind::Good => Some(row.json().into_bytes()),
            Kind::Garbage => Some(b"{\"I\": 1, ".to_vec()),
            Kind::Empty => None,
        };
        let timestamp = if self.query.timestamp_column { 0 } else { row.time };
        Record { kind, row: row.clone(), timestamp, key: row.k.clone().map(String::into_bytes), value }
    }
}

impl Row {
    fn json(&self) -> String {
        let text = |text: &Option<String>| serde_json::to_string(text).unwrap();
        let number = |number: Option<i64>| serde_json::to_string(&number).unwrap();
        let mut fields = vec![
            format!("\"G1\":{}", text(&self.g1)),
            format!("\"G2\":{}", number(self.g2)),
            format!("\"B\":{}", number(self.b)),
            format!("\"T\":{}", text(&self.t)),
            format!("\"TS\":{}", self.time),
        ];
        // A field that is not there is null, too.
        fields.extend(self.i.map(|i| format!("\"I\":{i}")));
        fields.extend(self.f.map(|f| format!("\"F\":{f}.0")));
        let sign = |d: i64| if d < 0 { "-" } else { "" };
        fields.extend(self.d.map(|d| format!("\"D\":{}{}.{:02}", sign(d), d.abs() / 100, d.abs() % 100)));
        format!("{{{}}}", fields.join(","))
    }
}

impl Query {
    /// The statements for Rivermill.
    pub fn sql(&self) -> String {
        let as_it_is = |function: &str, argument: &str| format!("{function}({argument})");
        let timestamp = if self.timestamp_column { ", TIMESTAMP = 'TS'" } else { "" };
        // Several keys are more than the format KAFKA carries; one stays in it, and where it is.
        let key_format = if self.keys().len() > 1 { " WITH (KEY_FORMAT = 'JSON')" } else { "" };
        let mut sql = format!(
            "CREATE STREAM S (K STRING KEY, G1 STRING, G2 INT, I INT, B BIGINT, F DOUBLE, D DECIMAL(10, 2), T STRING, \
             TS BIGINT) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'JSON'{timestamp});\n\
             CREATE TABLE R{key_format} AS SELECT {}, {} FROM S",
            self.keys().join(", "),
            self.aggregates(as_it_is).join(", ")
        );
        if let Some(window) = &self.window {
            let retention = if self.emit == Emit::Final { ", RETENTION 3650 DAYS" } else { "" };
            let (size, advance) = (window.size_ms, window.advance_ms);
            let kind = if size == advance {
                format!("TUMBLING (SIZE {size} MILLISECONDS")
            } else {
                format!("HOPPING (SIZE {size} MILLISECONDS, ADVANCE BY {advance} MILLISECONDS")
            };
            let grace = window.grace_ms();
            sql += &format!(" WINDOW {kind}{retention}, GRACE PERIOD {grace} MILLISECONDS)");
        }
        if let Some(filter) = self.filter_text() {
            sql += &format!(" WHERE {filter}");
        }
        sql += &format!(" GROUP BY {}", self.keys().join(", "));
        if let Some(having) = self.having_text(as_it_is) {
            sql += &format!(" HAVING {having}");
        }
        let emit = if self.emit == Emit::Final { "FINAL" } else { "CHANGES" };
        format!("{sql} EMIT {emit};")
    }

    pub fn keys(&self) -> &'static [&'static str] {
        self.group
    }

    pub fn filter_text(&self) -> Option<&'static str> {
        self.filter.map(|index| FILTERS[index])
    }

    /// The aggregates with their names, each as `form` writes it.
    pub fn aggregates(&self, form: impl Fn(&str, &str) -> String) -> Vec<String> {
        let named = self.aggregates.iter().map(|index| {
            let (function, argument) = AGGREGATES[*index];
            format!("{} AS A{index}", form(function, argument))
        });
        named.collect()
    }

    pub fn having_text(&self, form: impl Fn(&str, &str) -> String) -> Option<String> {
        self.having.map(|index| {
            let (function, argument, condition) = HAVINGS[index];
            format!("{} {condition}", form(function, argument))
        })
    }
}

impl Window {
    /// Longer than the rows of a case are apart, where no row is to be late.
    pub fn grace_ms(&self) -> i64 {
        self.grace_ms.unwrap_or(DAY_MS)
    }
}
