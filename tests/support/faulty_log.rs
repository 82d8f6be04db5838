//! A log whose writers and readers fail now and then, as a broker's do: to be laid around a real one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rivermill::log::{
    Guarantee, Log, LogError, NewRecord, OffsetAt, OnRecords, Reader, Result, TopicInfo, TopicPartition,
    TopicSpec, Waker, Writer,
};

/// What goes wrong, and how often it did.
pub struct Faults {
    on: AtomicBool,
    commands_fail: AtomicBool,
    random: Mutex<SmallRng>,
    happened: Mutex<BTreeMap<&'static str, u64>>,
}

impl Faults {
    pub fn new(seed: u64) -> Arc<Faults> {
        let random = Mutex::new(SmallRng::seed_from_u64(seed));
        let (on, commands_fail) = (AtomicBool::new(true), AtomicBool::new(false));
        Arc::new(Faults { on, commands_fail, random, happened: Mutex::default() })
    }

    /// From now on nothing goes wrong any more.
    pub fn stop(&self) {
        self.on.store(false, Ordering::Release);
    }

    /// Whether nothing can be written to the command log.
    pub fn fail_commands(&self, fail: bool) {
        self.commands_fail.store(fail, Ordering::Release);
    }

    /// How often each fault has happened.
    pub fn happened(&self) -> BTreeMap<&'static str, u64> {
        self.happened.lock().clone()
    }

    /// One of the faults, with these chances in ten thousand.
    fn strike(&self, faults: &[(&'static str, u32)]) -> Option<&'static str> {
        if !self.on.load(Ordering::Acquire) {
            return None;
        }
        let mut at = self.random.lock().random_range(0..10_000);
        for (fault, chance) in faults {
            if at < *chance {
                *self.happened.lock().entry(fault).or_default() += 1;
                return Some(fault);
            }
            at -= chance;
        }
        None
    }
}

/// The log around the log. Only what persistent queries read and write fails.
pub struct FaultyLog {
    pub inner: Arc<dyn Log>,
    pub faults: Arc<Faults>,
}

impl FaultyLog {
    fn is_query(name: &str) -> bool {
        name.contains("CTAS_") || name.contains("CSAS_")
    }
}

impl Log for FaultyLog {
    fn create_topic(&self, topic: &TopicSpec) -> Result<()> {
        self.inner.create_topic(topic)
    }

    fn delete_topic(&self, name: &str) -> Result<()> {
        self.inner.delete_topic(name)
    }

    fn topic(&self, name: &str) -> Result<Option<TopicInfo>> {
        self.inner.topic(name)
    }

    fn topics(&self) -> Result<Vec<TopicInfo>> {
        self.inner.topics()
    }

    fn offset(&self, at: &TopicPartition, offset: OffsetAt) -> Result<i64> {
        self.inner.offset(at, offset)
    }

    fn delete_records(&self, at: &TopicPartition, before: i64) -> Result<()> {
        self.inner.delete_records(at, before)
    }

    fn committed(&self, group: &str, partitions: &[TopicPartition]) -> Result<Vec<Option<i64>>> {
        self.inner.committed(group, partitions)
    }

    fn reader(&self, group: &str, from: &[(TopicPartition, i64)]) -> Result<Box<dyn Reader>> {
        let inner = self.inner.reader(group, from)?;
        if !Self::is_query(group) {
            return Ok(inner);
        }
        Ok(Box::new(FaultyReader { inner, faults: self.faults.clone(), waker: None }))
    }

    fn writer(&self, guarantee: &Guarantee) -> Result<Box<dyn Writer>> {
        let inner = self.inner.writer(guarantee)?;
        let (faults, state) = (self.faults.clone(), State::Good);
        let exactly_once = match guarantee {
            Guarantee::ExactlyOnce { transactional_id } if transactional_id.ends_with("-commands") => {
                return Ok(Box::new(CommandWriter { inner, faults }));
            }
            Guarantee::ExactlyOnce { transactional_id } if !Self::is_query(transactional_id) => {
                return Ok(inner);
            }
            Guarantee::ExactlyOnce { .. } => true,
            Guarantee::AtLeastOnce => false,
        };
        Ok(Box::new(FaultyWriter { inner, faults, exactly_once, state }))
    }
}

struct FaultyReader {
    inner: Box<dyn Reader>,
    faults: Arc<Faults>,
    waker: Option<Waker>,
}

impl Reader for FaultyReader {
    fn poll(&mut self, max: usize, on_records: &mut OnRecords<'_>) -> Result<usize> {
        match self.faults.strike(&[("poll unavailable", 50), ("poll lost", 20), ("poll short", 1000)]) {
            Some("poll unavailable") => Err(LogError::Unavailable("poll".into())),
            Some("poll lost") => Err(LogError::Other("the reader is lost".into())),
            Some(_) => {
                let read = self.inner.poll(1.max(max / 2000), on_records);
                // A reader tells of more only once it has given all.
                if let Some(waker) = &self.waker {
                    waker();
                }
                read
            }
            None => self.inner.poll(max, on_records),
        }
    }

    fn set_waker(&mut self, waker: Waker) {
        self.waker = Some(waker.clone());
        self.inner.set_waker(waker);
    }

    fn seek(&mut self, partition: usize, offset: i64) -> Result<()> {
        self.inner.seek(partition, offset)
    }

    fn positions(&self) -> Result<Vec<i64>> {
        self.inner.positions()
    }

    fn ends(&self) -> Vec<Option<i64>> {
        self.inner.ends()
    }
}

struct FaultyWriter {
    inner: Box<dyn Writer>,
    faults: Arc<Faults>,
    exactly_once: bool,
    state: State,
}

#[derive(PartialEq)]
enum State {
    Good,
    /// The transaction can only be rolled back.
    Failed,
    /// A new writer must be opened.
    Lost,
}

impl FaultyWriter {
    fn check(&self) -> Result<()> {
        match self.state {
            State::Good => Ok(()),
            State::Failed => Err(LogError::Abortable("it failed before".into())),
            State::Lost => Err(LogError::Other("the writer is lost".into())),
        }
    }

    fn fail(&mut self, fault: &str) -> LogError {
        match fault {
            "append unavailable" | "commit unavailable" => {
                self.state = State::Failed;
                LogError::Unavailable(fault.into())
            }
            "commit abortable" => {
                self.state = State::Failed;
                LogError::Abortable(fault.into())
            }
            _ => {
                let _ = self.inner.abort();
                self.state = State::Lost;
                LogError::Other(fault.into())
            }
        }
    }
}

impl Writer for FaultyWriter {
    fn begin(&mut self) -> Result<()> {
        self.check()?;
        if self.faults.strike(&[("begin unavailable", 200)]).is_some() {
            return Err(LogError::Unavailable("begin".into()));
        }
        self.inner.begin()
    }

    fn append(
        &mut self,
        to: &TopicPartition,
        records: &mut dyn Iterator<Item = NewRecord<'_>>,
    ) -> Result<()> {
        self.check()?;
        // Rare: an epoch may append a thousand times.
        if let Some(fault) = self.faults.strike(&[("append unavailable", 3), ("append lost", 1)]) {
            return Err(self.fail(fault));
        }
        self.inner.append(to, records)
    }

    fn commit(&mut self, group: &str, positions: &[(TopicPartition, i64)]) -> Result<()> {
        self.check()?;
        let faults = [("commit abortable", 1200), ("commit unavailable", 1200), ("commit lost", 400)];
        if let Some(fault) = self.faults.strike(&faults) {
            // Without transactions what was sent may well have arrived, and only the answer is lost.
            if !self.exactly_once {
                let _ = self.inner.commit(group, &[]);
            }
            return Err(self.fail(fault));
        }
        self.inner.commit(group, positions)
    }

    fn abort(&mut self) -> Result<()> {
        if self.state == State::Lost {
            return self.check();
        }
        self.state = State::Good;
        self.inner.abort()
    }
}

struct CommandWriter {
    inner: Box<dyn Writer>,
    faults: Arc<Faults>,
}

impl Writer for CommandWriter {
    fn begin(&mut self) -> Result<()> {
        self.inner.begin()
    }

    fn append(
        &mut self,
        to: &TopicPartition,
        records: &mut dyn Iterator<Item = NewRecord<'_>>,
    ) -> Result<()> {
        self.inner.append(to, records)
    }

    fn commit(&mut self, group: &str, positions: &[(TopicPartition, i64)]) -> Result<()> {
        match self.faults.commands_fail.load(Ordering::Acquire) {
            true => Err(LogError::Unavailable("no broker answers".into())),
            false => self.inner.commit(group, positions),
        }
    }

    fn abort(&mut self) -> Result<()> {
        self.inner.abort()
    }
}
