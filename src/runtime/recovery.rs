//! Opening a persistent query: topics, writer, positions, and its state from the changelog.
//!
//! The order matters. The writer comes first: it fences an older incarnation and rolls its open transaction
//! back, so that positions and changelog stand still when they are read.

use std::collections::HashMap;
use std::sync::Arc;

use super::config::QueryConfig;
use super::epoch::Committer;
use super::persistent::{Environment, QueryError};
use super::pipeline::Pipeline;
use super::read::read_to_end;
use crate::catalog::QueryDef;
use crate::engine::EngineError;
use crate::engine::topology::{OperatorSpec, StageOutput, Topology};
use crate::log::{Guarantee, Log, LogError, OffsetAt, Reader, TopicPartition, TopicSpec};

/// A query ready to run.
pub struct Opened {
    pub pipeline: Pipeline,
    pub reader: Box<dyn Reader>,
    pub committer: Committer,
    pub inputs: Vec<TopicPartition>,
    /// Where to read on, an input partition each.
    pub positions: Vec<i64>,
    /// It never committed: the positions are those of `auto.offset.reset`.
    pub fresh: bool,
}

/// Opens a query. Blocks; `go_on` says whether it is still wanted.
pub fn open(
    environment: &Environment,
    def: &QueryDef,
    topology: &Topology,
    config: &QueryConfig,
    go_on: &dyn Fn() -> bool,
) -> Result<Opened, QueryError> {
    let log = &environment.log;
    let group = environment.names.group(&def.id);
    let changelog = environment.names.changelog_topic(&def.id);
    // One partition for each task with state: those of one stage, then those of the next.
    let has_state = |o: &OperatorSpec| {
        matches!(o, OperatorSpec::Aggregate(_) | OperatorSpec::Undo(_) | OperatorSpec::TableFilter(_))
    };
    let stages = topology.stages.iter().filter(|stage| stage.operators.iter().any(has_state)).count();
    let changelogs = i32::try_from(stages).unwrap_or(i32::MAX).saturating_mul(def.partitions);
    let stateful = changelogs > 0;
    if stateful {
        let replicas = environment.config.internal_replicas;
        ensure_topic(log.as_ref(), &changelog_spec(&changelog, changelogs, replicas))?;
    }
    let writer = log.writer(&if config.exactly_once {
        Guarantee::ExactlyOnce { transactional_id: environment.names.transactional_id(&def.id) }
    } else {
        Guarantee::AtLeastOnce
    })?;
    let topic = topology.source.source.topic.as_str();
    let info = log.topic(topic)?.ok_or_else(|| LogError::UnknownTopic(topic.to_owned()))?;
    if info.partitions != def.partitions {
        return Err(QueryError::Engine(EngineError::internal(format!(
            "topic \"{topic}\" had {} partitions when the query was made, and has {} now",
            def.partitions, info.partitions
        ))));
    }
    let inputs: Vec<TopicPartition> = (0..def.partitions).map(|p| TopicPartition::new(topic, p)).collect();
    let committed = log.committed(&group, &inputs)?;
    let fresh = committed.iter().all(Option::is_none);
    let start = if config.from_earliest || !fresh { OffsetAt::Earliest } else { OffsetAt::Latest };
    let mut positions = Vec::with_capacity(inputs.len());
    for (at, committed) in inputs.iter().zip(committed) {
        positions.push(match committed {
            Some(offset) => offset,
            None => log.offset(at, start)?,
        });
    }
    let mut pipeline = Pipeline::new(topology, def.partitions)?;
    if stateful {
        restore(log.as_ref(), &group, &changelog, &mut pipeline, changelogs, go_on)?;
    }
    let from: Vec<_> = inputs.iter().cloned().zip(positions.iter().copied()).collect();
    let reader = log.reader(&group, &from)?;
    let sink_topic = topology.stages.last().and_then(|s| match &s.output {
        StageOutput::Sink(sink) => Some(sink.topic.clone()),
        _ => None,
    });
    let committer = Committer {
        writer,
        log: Arc::clone(log),
        group,
        sink_topic: sink_topic.ok_or_else(|| EngineError::internal("a persistent query without a sink"))?,
        changelog_topic: changelog.into(),
        processing_log_topic: environment.names.processing_log_topic().into(),
        passes: HashMap::new(),
    };
    Ok(Opened { pipeline, reader, committer, inputs, positions, fresh })
}

fn restore(
    log: &dyn Log,
    group: &str,
    changelog: &str,
    pipeline: &mut Pipeline,
    partitions: i32,
    go_on: &dyn Fn() -> bool,
) -> Result<(), QueryError> {
    let mut from = Vec::with_capacity(partitions as usize);
    for partition in 0..partitions {
        let at = TopicPartition::new(changelog, partition);
        let start = log.offset(&at, OffsetAt::Earliest)?;
        from.push((at, start));
    }
    let mut failed = None;
    read_to_end(log, group, &from, go_on, &mut |partition, records| {
        for block in records.iter().filter_map(|r| r.value) {
            if failed.is_none() {
                failed = pipeline.restore(partition, block).err();
            }
        }
    })?;
    failed.map_or(Ok(()), |e| Err(e.into()))
}

/// A changelog is shortened by its query, never by time or size.
fn changelog_spec(name: &str, partitions: i32, replicas: Option<i16>) -> TopicSpec {
    let config = [
        ("cleanup.policy", "delete"),
        ("retention.ms", "-1"),
        ("retention.bytes", "-1"),
        ("max.message.bytes", "16777216"),
    ];
    TopicSpec {
        name: name.to_owned(),
        partitions,
        replicas,
        config: config.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
    }
}

/// Creates a topic unless it is there.
pub fn ensure_topic(log: &dyn Log, spec: &TopicSpec) -> Result<(), LogError> {
    if log.topic(&spec.name)?.is_some() {
        return Ok(());
    }
    match log.create_topic(spec) {
        Ok(()) | Err(LogError::TopicExists(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
