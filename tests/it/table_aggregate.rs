//! GROUP BY over a table: however its changes came in, and wherever the query was rolled back or restarted, the groups
//! are those of the table as it ends.

use std::collections::{BTreeMap, HashMap};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rivermill::catalog::{Catalog, Command};
use rivermill::engine::Sealed;
use rivermill::engine::topology::Topology;
use rivermill::formats::RawRecord;
use rivermill::planner::{Context, Defaults, plan_create, plan_create_as};
use rivermill::runtime::Pipeline;
use rivermill::sql::ast::StatementKind;
use rivermill::sql::{Variables, parse};

const SQL: &str = "
    CREATE TABLE people (id INT PRIMARY KEY, city STRING, age INT) WITH (KAFKA_TOPIC = 'people', VALUE_FORMAT = 'JSON', PARTITIONS = 2);
    CREATE TABLE cities AS
    SELECT city, COUNT(*) AS n, SUM(age) AS total, COUNT(DISTINCT age) AS ages, ATTR(age) AS age
    FROM people WHERE age <> 7 GROUP BY city HAVING COUNT(*) > 0;";

const PARTITIONS: i32 = 2;

#[test]
fn groups_follow_their_rows() {
    for coalesce in [false, true] {
        let topology = plan(coalesce);
        for seed in 0..20 {
            play(&topology, SmallRng::seed_from_u64(seed));
        }
    }
}

struct Change {
    id: i32,
    value: Option<(Option<&'static str>, i32)>,
}

fn play(topology: &Topology, mut random: SmallRng) {
    let changes: Vec<Change> = (0..200)
        .map(|_| Change {
            id: random.random_range(0..12),
            value: random.random_bool(0.8).then(|| {
                let city = [Some("Bern"), Some("Basel"), Some("Genf"), None][random.random_range(0..4)];
                (city, random.random_range(5..9))
            }),
        })
        .collect();
    let mut pipeline = Pipeline::new(topology, PARTITIONS).unwrap();
    let mut changelog: Vec<(i32, Sealed)> = Vec::new();
    let mut written: HashMap<Vec<u8>, bool> = HashMap::new();
    let (mut next, mut committed) = (0, 0);
    while committed < changes.len() {
        let to = (next + random.random_range(1..6)).min(changes.len());
        push(&mut pipeline, &changes[next..to], next);
        next = to;
        match random.random_range(0..6) {
            0 => {
                pipeline.rollback();
                next = committed;
            }
            1 => {
                pipeline = Pipeline::new(topology, PARTITIONS).unwrap();
                for (partition, sealed) in &changelog {
                    for block in &sealed.blocks {
                        pipeline.restore(*partition as usize, block).unwrap();
                    }
                }
                next = committed;
            }
            2 | 3 => {
                pipeline.end_epoch().unwrap();
                let made = pipeline.take_made();
                changelog.extend(pipeline.seal().unwrap());
                pipeline.commit();
                committed = next;
                for block in made.sink {
                    for row in 0..block.partitions.len() {
                        let key = block.keys.get(row).unwrap_or_default().to_vec();
                        written.insert(key, block.values.get(row).is_some());
                    }
                }
            }
            _ => {}
        }
    }
    let expected = model(&changes);
    assert_eq!(table(&pipeline), expected);
    assert_eq!(written.values().filter(|live| **live).count(), expected.len());
}

fn push(pipeline: &mut Pipeline, changes: &[Change], first: usize) {
    for partition in 0..PARTITIONS {
        let own = changes.iter().enumerate().filter(|(_, change)| change.id % PARTITIONS == partition);
        let records: Vec<(i64, [u8; 4], Option<String>)> = own
            .map(|(i, change)| {
                let value = change.value.map(|(city, age)| {
                    let city = city.map_or("null".to_owned(), |city| format!("\"{city}\""));
                    format!("{{\"CITY\":{city},\"AGE\":{age}}}")
                });
                ((first + i) as i64, change.id.to_be_bytes(), value)
            })
            .collect();
        let raw: Vec<RawRecord<'_>> = records
            .iter()
            .map(|(offset, key, value)| RawRecord {
                offset: *offset,
                timestamp: *offset,
                key: Some(key),
                value: value.as_ref().map(String::as_bytes),
                headers: &[],
            })
            .collect();
        pipeline.push_records(partition as usize, &raw).unwrap();
    }
}

/// The groups of the table as it ends.
fn model(changes: &[Change]) -> Vec<String> {
    let mut people = BTreeMap::new();
    for change in changes {
        people.insert(change.id, change.value);
    }
    let mut groups: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (city, age) in people.into_values().flatten() {
        if let (Some(city), true) = (city, age != 7) {
            groups.entry(city).or_default().push(age);
        }
    }
    let line = |(city, mut ages): (&str, Vec<i32>)| {
        let (n, total) = (ages.len(), ages.iter().sum::<i32>());
        ages.sort();
        ages.dedup();
        let age = if ages.len() == 1 { ages[0].to_string() } else { "-".to_owned() };
        format!("{city} {n} {total} {} {age}", ages.len())
    };
    groups.into_iter().map(line).collect()
}

fn table(pipeline: &Pipeline) -> Vec<String> {
    let options = FormatOptions::default().with_null("-");
    let mut lines = Vec::new();
    for rows in pipeline.table().unwrap().snapshot((i64::MIN, i64::MAX)).scan(100) {
        let rows = rows.unwrap();
        let columns: Vec<_> =
            rows.columns()[..5].iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
        for row in 0..rows.num_rows() {
            let values: Vec<String> = columns.iter().map(|c| c.value(row).to_string()).collect();
            lines.push(values.join(" "));
        }
    }
    lines.sort();
    lines
}

fn plan(coalesce: bool) -> Topology {
    let mut catalog = Catalog::default();
    let defaults = Defaults::default();
    for statement in parse(SQL, &Variables::default()).unwrap() {
        let partitions = |topic: &str| (topic == "people").then_some(PARTITIONS);
        let context = Context { catalog: &catalog, partitions: &partitions, coalesce, defaults: &defaults };
        match &statement.kind {
            StatementKind::CreateSource(create) => {
                let plan = plan_create(create, &statement.text, &context).unwrap();
                catalog.apply(Command::PutSource(plan.source));
            }
            StatementKind::CreateAsSelect(create) => {
                return plan_create_as(create, &statement.text, &context).unwrap().topology;
            }
            other => panic!("unexpected statement {other:?}"),
        }
    }
    panic!("no query");
}
