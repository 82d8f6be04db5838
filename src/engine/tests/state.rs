use std::collections::BTreeMap;

use datafusion::common::ScalarValue;
use expect_test::expect;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::check;
use crate::catalog::WindowSpec;
use crate::engine::testing::{Driver, grouped, lines, window};
use crate::engine::topology::EmitMode::{self, EveryChange, PerEpoch};

#[test]
fn a_new_epoch_reads_through_the_sealed_one() {
    check(
        grouped(None, PerEpoch, None),
        "1 1 @1\n commit\n 1 1 @2\n seal\n table\n 1 1 @3\n 2 1 @3\n publish\n table\n commit\n table",
        expect![[r#"
            1 {"N":1,"S":1} @1
            1 {"N":2,"S":2} @2
            table ["1 1 1 1"]
            table ["1 2 2 2"]
            1 {"N":3,"S":3} @3
            2 {"N":1,"S":1} @3
            table ["1 3 3 3", "2 1 1 3"]
        "#]],
    );
}

#[test]
fn a_rollback_forgets_both_overlays_and_stream_time() {
    check(
        grouped(Some(window(10, 10, 0, 10)), PerEpoch, None),
        "1 1 @1\n commit\n 1 1 @50\n seal\n 1 1 @90\n push\n rollback\n 1 1 @2\n commit\n table\n late",
        expect![[r#"
            1 [0] {"N":1,"S":1} @1
            1 [50] {"N":1,"S":1} @50
            1 [0] {"N":2,"S":2} @2
            table ["1 2 2 0 10 2"]
            late 0
        "#]],
    );
}

#[test]
fn a_restart_finds_the_committed_state() {
    check(
        grouped(Some(window(10, 10, 5, 30)), PerEpoch, None),
        "1 1 @1\n 2 5 @12\n commit\n restart\n table\n 1 1 @4\n 2 1 @5\n commit\n 1 1 @33\n commit\n restart\n table",
        expect![[r#"
            1 [0] {"N":1,"S":1} @1
            2 [10] {"N":1,"S":5} @12
            table ["1 1 1 0 10 1", "2 1 5 10 20 12"]
            1 [0] {"N":2,"S":2} @4
            2 [0] {"N":1,"S":1} @5
            1 [30] {"N":1,"S":1} @33
            table ["1 1 1 30 40 33", "2 1 5 10 20 12"]
        "#]],
    );
}

#[test]
fn look_up_by_key_and_window() {
    let mut driver = Driver::new(grouped(Some(window(10, 10, 100, 200)), PerEpoch, None));
    driver.run("1 1 @1\n 2 5 @12\n 1 7 @25\n commit\n 1 9 @26");
    let table = driver.table.unwrap();
    let get = |key: Option<i64>, window| lines(&table.get(&[ScalarValue::Int64(key)], window).unwrap());
    let mut said = String::new();
    for (key, window) in
        [(Some(1), None), (Some(1), Some((5, 20))), (Some(1), Some((9, 3))), (Some(3), None), (None, None)]
    {
        said += &format!("{key:?} {window:?}: {:?}\n", get(key, window));
    }
    expect![[r#"
        Some(1) None: ["1 1 1 0 10 1", "1 1 7 20 30 25"]
        Some(1) Some((5, 20)): ["1 1 7 20 30 25"]
        Some(1) Some((9, 3)): []
        Some(3) None: []
        None None: []
    "#]]
    .assert_eq(&said);
    assert!(table.get(&[ScalarValue::Int32(Some(1))], None).is_err());
    assert!(table.get(&[], None).is_err());
    assert_eq!(table.snapshot((i64::MIN, i64::MAX)).num_rows(), 3);
}

#[test]
fn a_snapshot_stays_as_it_was() {
    let mut driver = Driver::new(grouped(None, PerEpoch, None));
    driver.run("1 1 @1\n commit");
    let held = driver.table.as_ref().unwrap().snapshot((i64::MIN, i64::MAX));
    driver.run("1 1 @1\n 2 1 @1\n commit");
    let rows: Vec<String> = held.scan(10).flat_map(|b| lines(&b.unwrap())).collect();
    assert_eq!(rows, ["1 1 1 1"]);
    assert_eq!(driver.rows(), ["1 2 2 1", "2 1 1 1"]);
}

/// Count, sum and largest time by window and key; and stream time.
#[derive(Clone, Default)]
struct Model {
    groups: BTreeMap<(i64, i64), (i64, i64, i64)>,
    now: i64,
}

impl Model {
    fn take(&mut self, spec: Option<WindowSpec>, k: i64, v: i64, time: i64) {
        self.now = self.now.max(time);
        let starts: Vec<i64> = match spec {
            None => vec![0],
            Some(w) => (0..=time)
                .filter(|s| s % w.advance_ms == 0 && s + w.size_ms > time)
                .filter(|s| s + w.size_ms + w.grace_ms > self.now)
                .collect(),
        };
        for start in starts {
            let group = self.groups.entry((start, k)).or_insert((0, 0, 0));
            *group = (group.0 + 1, group.1 + v, group.2.max(time));
        }
    }

    fn rows(&self, spec: Option<WindowSpec>) -> Vec<String> {
        let kept = |start: i64| spec.is_none_or(|w| start + w.retention_ms > self.now);
        let groups = self.groups.iter().filter(|((start, _), _)| kept(*start));
        let mut rows: Vec<String> = groups
            .map(|((start, k), (n, s, time))| match spec {
                None => format!("{k} {n} {s} {time}"),
                Some(w) => format!("{k} {n} {s} {start} {} {time}", start + w.size_ms),
            })
            .collect();
        rows.sort();
        rows
    }
}

fn random_epochs(seed: u64, spec: Option<WindowSpec>, emit: EmitMode) {
    let rng = &mut SmallRng::seed_from_u64(seed);
    let mut driver = Driver::new(grouped(spec, emit, None));
    let (mut committed, mut running, mut sealed) = (Model::default(), Model::default(), None);
    let mut clock = 0;
    for step in 0..60 {
        match rng.random_range(0..10) {
            0..5 => {
                let mut script = String::new();
                for _ in 0..rng.random_range(1..40) {
                    clock += rng.random_range(0..3);
                    let time = (clock - rng.random_range(0..25)).max(0);
                    let (k, v) = (rng.random_range(0..20), rng.random_range(-5..6));
                    script += &format!("{k} {v} @{time}\n");
                    running.take(spec, k, v, time);
                }
                driver.run(&script);
            }
            5 | 6 if sealed.is_none() => {
                driver.run("seal");
                sealed = Some(running.clone());
            }
            5..8 => {
                if let Some(model) = sealed.take() {
                    driver.run("publish");
                    committed = model;
                }
            }
            8 => {
                driver.run("rollback");
                (running, sealed) = (committed.clone(), None);
            }
            _ => {
                driver.run("rollback\n restart");
                (running, sealed) = (committed.clone(), None);
            }
        }
        let rows = committed.rows(spec);
        assert_eq!(driver.rows(), rows, "seed {seed} step {step}");
        assert_eq!(driver.task.counters().state_rows, rows.len(), "seed {seed} step {step}");
    }
}

#[test]
fn state_equals_a_naive_model() {
    for seed in 0..20 {
        random_epochs(seed, None, PerEpoch);
        random_epochs(seed, None, EveryChange);
        random_epochs(seed, Some(window(10, 10, 7, 40)), PerEpoch);
        random_epochs(seed, Some(window(10, 4, 3, 13)), EveryChange);
    }
}

/// As the runtime does it: when a pass is complete, what lies before its start is deleted.
#[test]
fn the_changelog_can_be_cut_behind_a_complete_pass() {
    let rng = &mut SmallRng::seed_from_u64(7);
    let mut driver = Driver::new(grouped(None, PerEpoch, None));
    let mut model = Model::default();
    let mut changelog: Vec<Vec<u8>> = Vec::new();
    let (mut pass, mut pass_start, mut longest) = (None, 0, 0);
    for epoch in 0..120 {
        let mut script = String::new();
        for _ in 0..500 {
            // Early epochs fill the table, later ones touch a tenth of it.
            let k = rng.random_range(0..if epoch < 60 { 30_000 } else { 3_000 });
            script += &format!("{k} 1 @{epoch}\n");
            model.take(None, k, 1, epoch);
        }
        driver.run(&script);
        driver.task.end_epoch().unwrap();
        driver.task.take_output();
        let sealed = driver.task.seal().unwrap();
        if rng.random_range(0..5) == 0 {
            // A failed transaction: everything comes again.
            driver.task.rollback();
            driver.run(&script);
            driver.task.end_epoch().unwrap();
            driver.task.take_output();
            let again = driver.task.seal().unwrap();
            assert_eq!(again.pass, sealed.pass);
            assert_eq!(again.blocks, sealed.blocks);
        }
        if pass != Some(sealed.pass) {
            let start = changelog.len();
            if pass.is_some() {
                changelog[..pass_start].fill(Vec::new());
            }
            (pass, pass_start) = (Some(sealed.pass), start);
        }
        changelog.extend(sealed.blocks);
        driver.task.commit();
        longest = longest.max(changelog.iter().map(Vec::len).sum::<usize>());
    }
    assert!(pass > Some(3), "{pass:?}");
    driver.changelog = changelog.iter().filter(|block| !block.is_empty()).cloned().collect();
    driver.restart();
    assert_eq!(driver.rows(), model.rows(None));
    let state: usize = {
        // All groups written once.
        let whole = driver.task.counters().state_rows * 20;
        whole.max(1)
    };
    assert!(longest < 5 * state, "{longest} bytes of changelog for {state} bytes of state");
}

/// Every window once, complete, however epochs, rollbacks and restarts fall.
#[test]
fn final_windows_equal_a_naive_model() {
    let spec = window(10, 10, 5, 60);
    for seed in 0..20 {
        let rng = &mut SmallRng::seed_from_u64(seed);
        let mut driver = Driver::new(grouped(Some(spec), EmitMode::Final, None));
        let (mut model, mut clock) = (Model::default(), 0);
        let mut expected = String::new();
        let mut emitted = String::new();
        for _ in 0..40 {
            let mut script = String::new();
            let before = model.now;
            for _ in 0..rng.random_range(1..20) {
                clock += if rng.random_range(0..50) == 0 { 300 } else { rng.random_range(0..3) };
                let time = (clock - rng.random_range(0..12)).max(0);
                let k = rng.random_range(0..4);
                script += &format!("{k} 1 @{time}\n");
                model.take(Some(spec), k, 1, time);
            }
            driver.log.clear();
            if rng.random_range(0..4) == 0 {
                // What an epoch that fails has emitted is never written.
                driver.run(&format!("{script} seal\n rollback"));
                driver.log.clear();
            }
            driver.run(&format!("{script} commit"));
            emitted += &driver.log;
            if rng.random_range(0..6) == 0 {
                driver.run("restart");
            }
            let closed = |start: i64| before < start + 15 && start + 15 <= model.now;
            for ((start, k), (n, s, time)) in model.groups.iter().filter(|((start, _), _)| closed(*start)) {
                expected += &format!("{k} [{start}] {{\"N\":{n},\"S\":{s}}} @{time}\n");
            }
        }
        assert_eq!(emitted, expected, "seed {seed}");
    }
}
