//! Writing: records go to librdkafka, which sends them in batches; a commit waits for all of them.
//!
//! A failed delivery is noticed by the next call and ends the transaction as [`LogError::Abortable`]. A writer
//! that was fenced learns it from the broker: at its next commit or abort at the latest, since beginning a
//! transaction and appending to it ask nobody.
//!
//! The outcome of a commit whose answer is lost is not guessed: librdkafka takes the same commit again, and only
//! after [`COMMIT_WAIT`] is the writer given up. Opening a new writer under the same id then settles it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::raw::list::PartitionList;
use super::raw::producer::{Producer, TopicHandle};
use super::raw::{Client, Failure, Kind};
use super::settings::Role;
use super::{REQUEST_WAIT, RETRY_PAUSE, Shared, error, require_partition};
use crate::log::{Guarantee, LogError, NewRecord, Result, TopicPartition, Writer};

/// How long opening a transactional writer may take; it ends what an earlier one left open.
const INIT_WAIT: Duration = Duration::from_secs(15);
/// How long a commit may take, all retries together; and how long `append` waits for room.
const COMMIT_WAIT: Duration = Duration::from_secs(60);
/// How long one request of a commit waits before it is looked at again.
const STEP_WAIT: Duration = Duration::from_secs(10);
/// How long an abort may take; after that the transaction times out at the broker.
const ABORT_WAIT: Duration = Duration::from_secs(30);
/// How long a writer that is dropped in the middle of a transaction tries to end it.
const DROP_WAIT: Duration = Duration::from_secs(2);
/// Most topics that a writer keeps handles for; when it is more, all are made anew.
const TOPICS_MAX: usize = 1024;
/// Delivery reports are looked at every so many records, which keeps librdkafka's queue of them short.
const SERVE_EVERY: usize = 1024;

pub(super) struct KafkaWriter {
    shared: Arc<Shared>,
    /// Before the producer, whose handle they hold.
    topics: HashMap<Arc<str>, Topic>,
    producer: Producer,
    transactional: bool,
    state: State,
}

struct Topic {
    handle: TopicHandle,
    partitions: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// `begin` was called.
    Open,
    /// The transaction was found to be lost and was aborted already; the caller has yet to say so.
    Aborted,
}

impl KafkaWriter {
    pub fn open(shared: &Arc<Shared>, guarantee: &Guarantee) -> Result<Self> {
        let mut settings = shared.settings.of(Role::Producer);
        if let Guarantee::ExactlyOnce { transactional_id } = guarantee {
            settings.push(("transactional.id".into(), transactional_id.clone()));
        }
        let client = Client::new(Kind::Producer, &settings).map_err(error::refused)?;
        let writer = KafkaWriter {
            shared: Arc::clone(shared),
            topics: HashMap::new(),
            producer: Producer::new(client),
            transactional: matches!(guarantee, Guarantee::ExactlyOnce { .. }),
            state: State::Idle,
        };
        if let Guarantee::ExactlyOnce { transactional_id } = guarantee {
            let doing = format!("opening a writer with transactional id \"{transactional_id}\"");
            let result = retry(INIT_WAIT, |wait| writer.producer.init_transactions(wait));
            result.map_err(|e| shared.context(&doing, "").error(e))?;
        }
        Ok(writer)
    }

    /// The topic's handle; asks for the topic when it is new, or has fewer partitions than wanted.
    fn topic(&mut self, to: &TopicPartition) -> Result<&Topic> {
        let known = self.topics.get(&to.topic).is_some_and(|t| (0..t.partitions).contains(&to.partition));
        if !known {
            let found = self.shared.topic(&to.topic)?;
            let found = found.ok_or_else(|| LogError::UnknownTopic(to.topic.to_string()))?;
            require_partition(to, found.partitions)?;
            let doing = format!("writing to topic \"{}\"", to.topic);
            let handle = self.producer.topic(&to.topic);
            let handle = handle.map_err(|e| self.shared.context(&doing, &to.topic).error(e))?;
            if self.topics.len() >= TOPICS_MAX {
                self.topics.clear();
            }
            self.topics.insert(Arc::clone(&to.topic), Topic { handle, partitions: found.partitions });
        }
        self.topics.get(&to.topic).ok_or_else(|| LogError::UnknownTopic(to.topic.to_string()))
    }

    /// A delivery that failed, as an error.
    fn delivered(&self) -> Result<()> {
        match self.producer.failed_delivery() {
            None => Ok(()),
            Some((to, failure)) => {
                let doing = format!("writing to {to}");
                Err(self.shared.context(&doing, "").transaction_error(failure))
            }
        }
    }

    /// An error of a transaction's call, with the cause where the handle is finished.
    fn failed(&self, doing: &str, failure: Failure) -> LogError {
        let cause =
            if failure.fatal || failure.code == Code::Fatal { self.producer.client().fatal() } else { None };
        let failure = Failure { fatal: failure.fatal, ..cause.unwrap_or(failure) };
        self.shared.context(doing, "").transaction_error(failure)
    }

    /// Waits until nothing is in flight, sending at once what lingers. librdkafka's own flush looks every 10 ms;
    /// a commit should not take longer than the broker does.
    fn drain(&self, wait: Duration) -> Result<()> {
        let until = Instant::now() + wait;
        let mut rounds = 0_u32;
        while self.producer.in_flight() > 0 {
            self.delivered()?;
            if Instant::now() > until {
                let left = self.producer.in_flight();
                return Err(LogError::Abortable(format!(
                    "{left} records were not acknowledged in {} s (brokers: {})",
                    wait.as_secs(),
                    self.shared.settings.bootstrap_servers
                )));
            }
            // Pushing wakes all broker threads and takes a millisecond, in which they must see it: not every time.
            if rounds.is_multiple_of(25) {
                self.producer.push(Duration::from_millis(1));
            } else {
                std::thread::sleep(Duration::from_micros(200));
                self.producer.serve();
            }
            rounds = rounds.wrapping_add(1);
        }
        self.producer.serve();
        self.delivered()
    }

    fn commit_transaction(&mut self, group: &str, positions: &[(TopicPartition, i64)]) -> Result<()> {
        if !positions.is_empty() {
            let list = self.positions(group, positions)?;
            let doing = format!("committing the positions of \"{group}\"");
            let sent = retry(COMMIT_WAIT, |wait| self.producer.send_offsets(group, &list, wait));
            sent.map_err(|e| self.failed(&doing, e))?;
        }
        let committed = retry(COMMIT_WAIT, |wait| self.producer.commit_transaction(wait));
        committed.map_err(|e| match e.requires_abort || e.fatal || error::is_fenced(e.code) {
            true => self.failed("committing a transaction", e),
            // Not known to be committed, not known to be aborted.
            false => LogError::Other(format!("the outcome of a commit is not known: {}", e.text)),
        })
    }

    fn positions(&self, group: &str, positions: &[(TopicPartition, i64)]) -> Result<PartitionList> {
        let list =
            PartitionList::new(positions.iter().map(|(at, offset)| (&*at.topic, at.partition, *offset)));
        let doing = format!("committing the positions of \"{group}\"");
        list.map_err(|e| self.shared.context(&doing, "").error(e))
    }

    /// Aborts at the broker, and forgets what was not delivered.
    fn abort_transaction(&mut self, wait: Duration) -> Result<()> {
        let aborted = retry(wait, |wait| self.producer.abort_transaction(wait));
        self.forget(wait);
        aborted.map_err(|e| match self.failed("aborting a transaction", e) {
            // Nothing that can be done with this writer any more.
            LogError::Abortable(text) => LogError::Other(text),
            other => other,
        })
    }

    /// Takes the reports of what was dropped, which must not count as failures of the next transaction.
    fn forget(&self, wait: Duration) {
        let until = Instant::now() + wait;
        while self.producer.in_flight() > 0 && Instant::now() < until {
            self.producer.push(Duration::from_millis(1));
        }
        self.producer.serve();
        self.producer.forget_failures();
    }

    /// Tells a writer that was fenced from a transaction that failed for another reason: both look the same
    /// until the broker is asked to abort.
    fn settle(&mut self, error: LogError) -> LogError {
        if !self.transactional || self.state != State::Open || !matches!(error, LogError::Fenced(_)) {
            return error;
        }
        if self.producer.client().fatal().is_some() {
            return error;
        }
        match self.abort_transaction(ABORT_WAIT) {
            Ok(()) => {
                self.state = State::Aborted;
                LogError::Abortable(error.to_string())
            }
            Err(LogError::Fenced(text)) => LogError::Fenced(text),
            Err(_) => error,
        }
    }
}

impl Writer for KafkaWriter {
    fn begin(&mut self) -> Result<()> {
        if self.state != State::Idle {
            return Err(LogError::Invalid("the transaction before was neither committed nor aborted".into()));
        }
        self.producer.forget_failures();
        if self.transactional {
            self.producer.begin_transaction().map_err(|e| self.failed("beginning a transaction", e))?;
        }
        self.state = State::Open;
        Ok(())
    }

    fn append(
        &mut self,
        to: &TopicPartition,
        records: &mut dyn Iterator<Item = NewRecord<'_>>,
    ) -> Result<()> {
        if self.transactional && self.state != State::Open {
            return Err(match self.state {
                State::Aborted => LogError::Abortable("the transaction has failed".into()),
                _ => LogError::Invalid("appending needs a transaction: call begin first".into()),
            });
        }
        self.topic(to)?;
        let Some(topic) = self.topics.get(&to.topic) else { return Ok(()) };
        let result = append(&self.producer, topic, to.partition, records);
        self.producer.serve();
        match result {
            Ok(()) => self.delivered().map_err(|e| self.settle(e)),
            Err(Append::Full) => {
                // Why the queue does not empty is told by the first failed delivery.
                self.delivered().map_err(|e| self.settle(e))?;
                let brokers = &self.shared.settings.bootstrap_servers;
                let waited = COMMIT_WAIT.as_secs();
                Err(LogError::Abortable(format!("no record was taken for {waited} s (brokers: {brokers})")))
            }
            Err(Append::TooLarge { bytes, text }) => Err(LogError::Invalid(format!(
                "a record of {bytes} bytes for topic \"{}\" is too large: {text}",
                to.topic
            ))),
            Err(Append::Failed(e)) => {
                let error = self.failed(&format!("writing to topic \"{}\"", to.topic), e);
                Err(self.settle(error))
            }
        }
    }

    fn commit(&mut self, group: &str, positions: &[(TopicPartition, i64)]) -> Result<()> {
        if self.transactional && self.state != State::Open {
            return Err(match self.state {
                State::Aborted => LogError::Abortable("the transaction has failed".into()),
                _ => LogError::Invalid("there is no transaction to commit: call begin first".into()),
            });
        }
        let drained = self.drain(COMMIT_WAIT);
        drained.map_err(|e| self.settle(e))?;
        if self.transactional {
            let committed = self.commit_transaction(group, positions);
            committed.map_err(|e| self.settle(e))?;
        } else if !positions.is_empty() {
            let list = self.positions(group, positions)?;
            let doing = format!("committing the positions of \"{group}\"");
            let admin = &self.shared.admin;
            // Records are written, only the positions are not: doing it all again is what at-least-once means.
            let set = self.shared.retry(&doing, "", || admin.set_group_offsets(group, &list, REQUEST_WAIT));
            set.map_err(|e| match e {
                LogError::Unavailable(text) => LogError::Abortable(text),
                other => other,
            })?;
        }
        self.state = State::Idle;
        Ok(())
    }

    fn abort(&mut self) -> Result<()> {
        match self.state {
            State::Idle | State::Aborted => {}
            State::Open if self.transactional => self.abort_transaction(ABORT_WAIT)?,
            State::Open => {
                // What was sent stays written; what was not is dropped.
                self.producer.purge_unsent();
                self.forget(REQUEST_WAIT);
            }
        }
        self.state = State::Idle;
        Ok(())
    }
}

impl Drop for KafkaWriter {
    fn drop(&mut self) {
        // An open transaction would hold up every reader of its topics until it times out.
        if self.transactional && self.state == State::Open && self.producer.client().fatal().is_none() {
            let _ = self.abort_transaction(DROP_WAIT);
        }
    }
}

enum Append {
    /// librdkafka's queue stayed full.
    Full,
    TooLarge {
        bytes: usize,
        text: String,
    },
    Failed(Failure),
}

fn append(
    producer: &Producer,
    topic: &Topic,
    partition: i32,
    records: &mut dyn Iterator<Item = NewRecord<'_>>,
) -> Result<(), Append> {
    let mut until = None;
    for (at, record) in records.enumerate() {
        if at % SERVE_EVERY == SERVE_EVERY - 1 {
            producer.serve();
        }
        loop {
            match producer.produce(&topic.handle, partition, &record) {
                Ok(()) => break,
                Err(e) if e.code == Code::QueueFull => {
                    let until = *until.get_or_insert_with(|| Instant::now() + COMMIT_WAIT);
                    if Instant::now() > until || producer.failed_delivery().is_some() {
                        return Err(Append::Full);
                    }
                    producer.push(Duration::from_millis(1));
                }
                Err(e) if e.code == Code::MessageSizeTooLarge => {
                    let bytes = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
                    return Err(Append::TooLarge { bytes, text: e.text });
                }
                Err(e) => return Err(Append::Failed(e)),
            }
        }
    }
    Ok(())
}

/// Calls again what librdkafka says may be called again, in steps, until `wait` is over. A call that timed out is
/// still going on inside and is taken up where it is.
fn retry(wait: Duration, mut call: impl FnMut(Duration) -> Result<(), Failure>) -> Result<(), Failure> {
    let until = Instant::now() + wait;
    loop {
        match call(STEP_WAIT.min(wait)) {
            Err(e) if e.retriable && !e.fatal && Instant::now() < until => std::thread::sleep(RETRY_PAUSE),
            other => return other,
        }
    }
}
