//! The embedded log passes the suite, all cases in one log as on a broker, and each again after a restart.

use std::sync::Arc;

use rivermill::log::Log;
use rivermill::log::embedded::EmbeddedLog;

#[path = "../support/log_suite.rs"]
mod log_suite;

#[test]
fn passes_the_suite() {
    let dir = tempfile::tempdir().unwrap();
    let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(dir.path()).unwrap());
    log_suite::run_all(&log, &|name| name.replace('_', "-"));
}

#[test]
fn passes_the_suite_over_what_was_there() {
    let dir = tempfile::tempdir().unwrap();
    for (name, case) in log_suite::CASES {
        let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(dir.path()).unwrap());
        case(&log, name);
    }
}

/// What is acknowledged is there after a restart, topics and positions too.
#[test]
fn survives_a_restart() {
    use log_suite::{append, committed, create, read, transactional};
    use rivermill::log::TopicPartition;

    let dir = tempfile::tempdir().unwrap();
    let at = TopicPartition::new("t", 1);
    for round in 1..=3 {
        let log: Arc<dyn Log> = Arc::new(EmbeddedLog::open(dir.path()).unwrap());
        if round == 1 {
            create(&log, "t", 2);
        }
        let mut writer = transactional(&log, "w");
        writer.begin().unwrap();
        append(&mut writer, "t", 1, &[format!("round {round}")]).unwrap();
        writer.commit("g", &[(at.clone(), round)]).unwrap();
        // Left open: gone with the restart.
        writer.begin().unwrap();
        append(&mut writer, "t", 1, &["never"]).unwrap();
        assert_eq!(read(&log, "t", 1, round as usize).len(), round as usize);
        assert_eq!(committed(&log, "g", &at), Some(round));
        assert_eq!(log.topics().unwrap().len(), 1);
    }
}
