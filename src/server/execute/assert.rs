//! ASSERT TOPIC: waits until a topic is there, or gone.
//!
//! For scripts that must not go on before somebody else has made a topic. The topic is looked at again and again until
//! what is asserted is true or the time is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{SqlServer, blocking};
use crate::log::TopicInfo;
use crate::runtime::{Runtime, log_error};
use crate::server::session::{Outcome, SessionState};
use crate::sql::ast::{AssertTopic, Property, PropertyValue};
use crate::sql::{SqlError, sqlstate};

/// How often the topic is looked at.
const INTERVAL: Duration = Duration::from_millis(50);

/// The longest that a statement waits.
const TIMEOUT_MAX: Duration = Duration::from_secs(24 * 3600);

/// What a topic must be like.
#[derive(Default)]
struct Wanted {
    partitions: Option<i64>,
    replicas: Option<i64>,
}

impl SqlServer {
    /// Errors: P0004 where it did not become true in time, 22023 for properties that are not of a topic.
    pub(super) async fn assert_topic(
        &self,
        session: &SessionState,
        assert: &AssertTopic,
    ) -> Result<Outcome, SqlError> {
        let wanted = wanted(&assert.with)?;
        let runtime = self.runtime()?.clone();
        let timeout = match assert.timeout_ms {
            Some(ms) => Duration::from_millis(ms.max(0) as u64),
            None => Duration::from_millis(self.session_settings(session).assert_topic_timeout_ms()),
        };
        let deadline = Instant::now() + timeout.min(TIMEOUT_MAX);
        loop {
            let there = topic(&runtime, &assert.topic.value).await?;
            let Err(why) = check(there.as_ref(), assert, &wanted) else {
                return Ok(Outcome::command("ASSERT TOPIC"));
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(SqlError::new(sqlstate::ASSERT_FAILURE, why).at(Some(assert.topic.position)));
            }
            tokio::time::sleep(left.min(INTERVAL)).await;
        }
    }
}

async fn topic(runtime: &Arc<Runtime>, name: &str) -> Result<Option<TopicInfo>, SqlError> {
    let (runtime, name) = (runtime.clone(), name.to_owned());
    blocking(move || runtime.log().topic(&name).map_err(|e| log_error(&e))).await
}

fn wanted(with: &[Property]) -> Result<Wanted, SqlError> {
    let mut wanted = Wanted::default();
    for property in with {
        let slot = match property.name.value.as_str() {
            "PARTITIONS" => &mut wanted.partitions,
            "REPLICAS" => &mut wanted.replicas,
            name => {
                return Err(SqlError::new(
                    sqlstate::INVALID_PARAMETER,
                    format!("property {name} is not one of a topic"),
                )
                .hint("ASSERT TOPIC knows PARTITIONS and REPLICAS")
                .at(Some(property.name.position)));
            }
        };
        let number = match &property.value {
            PropertyValue::Number(text) | PropertyValue::String(text) => text.trim().parse().ok(),
            PropertyValue::Boolean(_) => None,
        };
        *slot = Some(number.filter(|n| *n > 0).ok_or_else(|| {
            SqlError::new(
                sqlstate::INVALID_PARAMETER,
                format!("property {} must be a number above zero", property.name.value),
            )
            .at(Some(property.value_position))
        })?);
    }
    Ok(wanted)
}

/// Whether it is as asserted; else what is not.
fn check(there: Option<&TopicInfo>, assert: &AssertTopic, wanted: &Wanted) -> Result<(), String> {
    let name = &assert.topic.value;
    let differs = there.and_then(|there| {
        let partitions = wanted.partitions.filter(|n| *n != i64::from(there.partitions));
        let replicas = wanted.replicas.filter(|n| *n != i64::from(there.replicas));
        match (partitions, replicas) {
            (Some(asked), _) => {
                Some(format!("topic \"{name}\" has {} partitions, not {asked}", there.partitions))
            }
            (None, Some(asked)) => {
                Some(format!("topic \"{name}\" has {} replicas, not {asked}", there.replicas))
            }
            (None, None) => None,
        }
    });
    match (assert.exists, there, differs) {
        (true, None, _) => Err(format!("topic \"{name}\" does not exist")),
        (true, Some(_), Some(differs)) => Err(differs),
        // One that differs is not the one that must not be there.
        (false, Some(_), None) => Err(format!("topic \"{name}\" exists")),
        (true, Some(_), None) | (false, None, _) | (false, Some(_), Some(_)) => Ok(()),
    }
}
