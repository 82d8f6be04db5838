//! The requests about topics, offsets and groups. Each waits for its answer, at most as long as said.

use std::ffi::c_int;
use std::ptr::{NonNull, null_mut};
use std::time::Duration;

use rd::rd_kafka_admin_op_t as Op;
use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaRespErr;

use super::list::{self, PartitionList};
use super::{Client, Failure, c_string, check, millis, string, take_error};

/// A topic as the brokers describe it.
pub struct Topic {
    pub name: String,
    pub partitions: i32,
    pub replicas: i16,
}

/// The name that was asked for and what there is.
pub type Described = (String, Result<Topic, Failure>);

/// Topic, partition, and the offset, negative where there is none.
type GroupOffset = (String, i32, Result<i64, Failure>);

/// Where `list_offset` looks: what librdkafka puts into the offset field of its request.
pub const EARLIEST: i64 = -2;
pub const LATEST: i64 = -1;
/// The record with the largest timestamp.
pub const MAX_TIMESTAMP: i64 = -3;

impl Client {
    /// `replicas` -1 is the broker's default.
    pub fn create_topic(
        &self,
        name: &str,
        partitions: i32,
        replicas: i32,
        config: &[(String, String)],
        wait: Duration,
    ) -> Result<(), Failure> {
        let name = c_string(name)?;
        let mut text = [0; 512];
        // SAFETY: NUL-terminated name, buffer as long as said.
        let topic = unsafe {
            rd::rd_kafka_NewTopic_new(name.as_ptr(), partitions, replicas, text.as_mut_ptr(), text.len())
        };
        let topic = NonNull::new(topic).ok_or_else(|| {
            let text = super::buffer(&text);
            Failure::new(RDKafkaRespErr::RD_KAFKA_RESP_ERR__INVALID_ARG, Some(text))
        })?;
        let topic = Owned(topic, rd::rd_kafka_NewTopic_destroy);
        for (key, value) in config {
            let (key, value) = (c_string(key)?, c_string(value)?);
            // SAFETY: the topic is ours; both strings are copied.
            let code = unsafe { rd::rd_kafka_NewTopic_set_config(topic.ptr(), key.as_ptr(), value.as_ptr()) };
            check(code, None)?;
        }
        let event = self.request(Op::RD_KAFKA_ADMIN_OP_CREATETOPICS, wait, |rk, options, queue| {
            // SAFETY: an array of one; librdkafka copies what it needs before it returns.
            unsafe { rd::rd_kafka_CreateTopics(rk, &mut topic.ptr(), 1, options, queue) }
        })?;
        // SAFETY: the event is a result of this kind (checked by `request`); the array belongs to it.
        unsafe {
            let mut count = 0;
            let results = rd::rd_kafka_CreateTopics_result_topics(event.ptr(), &mut count);
            topic_results(results, count)
        }
    }

    pub fn delete_topic(&self, name: &str, wait: Duration) -> Result<(), Failure> {
        let name = c_string(name)?;
        // SAFETY: NUL-terminated, copied.
        let topic =
            owned(unsafe { rd::rd_kafka_DeleteTopic_new(name.as_ptr()) }, rd::rd_kafka_DeleteTopic_destroy)?;
        let event = self.request(Op::RD_KAFKA_ADMIN_OP_DELETETOPICS, wait, |rk, options, queue| {
            // SAFETY: an array of one; librdkafka copies what it needs before it returns.
            unsafe { rd::rd_kafka_DeleteTopics(rk, &mut topic.ptr(), 1, options, queue) }
        })?;
        // SAFETY: as in `create_topic`.
        unsafe {
            let mut count = 0;
            let results = rd::rd_kafka_DeleteTopics_result_topics(event.ptr(), &mut count);
            topic_results(results, count)
        }
    }

    pub fn delete_records(
        &self,
        topic: &str,
        partition: i32,
        before: i64,
        wait: Duration,
    ) -> Result<(), Failure> {
        let before = PartitionList::new([(topic, partition, before)])?;
        // SAFETY: the list is valid and copied.
        let request = owned(
            unsafe { rd::rd_kafka_DeleteRecords_new(before.as_ptr()) },
            rd::rd_kafka_DeleteRecords_destroy,
        )?;
        let event = self.request(Op::RD_KAFKA_ADMIN_OP_DELETERECORDS, wait, |rk, options, queue| {
            // SAFETY: an array of one; librdkafka copies what it needs before it returns.
            unsafe { rd::rd_kafka_DeleteRecords(rk, &mut request.ptr(), 1, options, queue) }
        })?;
        // SAFETY: the event is of this kind; the list belongs to it and it lives to the end of this block.
        unsafe {
            let result = rd::rd_kafka_event_DeleteRecords_result(event.ptr());
            list::entries(rd::rd_kafka_DeleteRecords_result_offsets(result))
                .into_iter()
                .try_for_each(|e| e.error)
        }
    }

    /// One answer a name, in the order asked. Creates no topic, whatever the broker's settings.
    pub fn describe_topics(&self, names: &[&str], wait: Duration) -> Result<Vec<Described>, Failure> {
        let names = names.iter().map(|n| c_string(n)).collect::<Result<Vec<_>, _>>()?;
        let mut pointers: Vec<_> = names.iter().map(|n| n.as_ptr()).collect();
        // SAFETY: as many strings as said, all copied.
        let topics = owned(
            unsafe { rd::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len()) },
            rd::rd_kafka_TopicCollection_destroy,
        )?;
        let event = self.request(Op::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, wait, |rk, options, queue| {
            // SAFETY: the collection is valid and copied.
            unsafe { rd::rd_kafka_DescribeTopics(rk, topics.ptr(), options, queue) }
        })?;
        // SAFETY: the event is of this kind; everything read here belongs to it and it lives to the end.
        unsafe {
            let mut count = 0;
            let result = rd::rd_kafka_event_DescribeTopics_result(event.ptr());
            let topics = slice(rd::rd_kafka_DescribeTopics_result_topics(result, &mut count), count);
            Ok(topics.iter().map(|topic| description(*topic)).collect())
        }
    }

    /// All topics of the cluster.
    pub fn all_topics(&self, wait: Duration) -> Result<Vec<Topic>, Failure> {
        let mut metadata: *const rd::rd_kafka_metadata = std::ptr::null();
        // SAFETY: the handle is valid; on success we own `metadata` and destroy it below.
        let code = unsafe { rd::rd_kafka_metadata(self.rk(), 1, null_mut(), &mut metadata, millis(wait)) };
        check(code, None)?;
        // SAFETY: `topics` has `topic_cnt` entries, `partitions` of each `partition_cnt`; read before the destroy.
        unsafe {
            let all = (*metadata).topics.cast_const();
            let topics = slice(all, (*metadata).topic_cnt.max(0) as usize)
                .iter()
                .filter(|t| t.err == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR)
                .map(|t| Topic {
                    name: string(t.topic),
                    partitions: t.partition_cnt,
                    replicas: slice(t.partitions.cast_const(), t.partition_cnt.max(0) as usize)
                        .first()
                        .map_or(0, |p| p.replica_cnt as i16),
                })
                .collect();
            rd::rd_kafka_metadata_destroy(metadata);
            Ok(topics)
        }
    }

    /// Looks one offset up as a `read_committed` reader sees it: [`EARLIEST`], [`LATEST`], [`MAX_TIMESTAMP`] or a
    /// timestamp (ms). Gives the offset, -1 where no record has that timestamp or a later one, and for the two
    /// kinds of timestamps that of the record.
    pub fn list_offset(
        &self,
        topic: &str,
        partition: i32,
        at: i64,
        wait: Duration,
    ) -> Result<(i64, i64), Failure> {
        let what = PartitionList::new([(topic, partition, at)])?;
        let event = self.request(Op::RD_KAFKA_ADMIN_OP_LISTOFFSETS, wait, |rk, options, queue| {
            // SAFETY: the options are valid until `request` returns; the list is copied.
            unsafe {
                let _ = take_error(rd::rd_kafka_AdminOptions_set_isolation_level(
                    options,
                    rd::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED,
                ));
                rd::rd_kafka_ListOffsets(rk, what.as_ptr(), options, queue)
            }
        })?;
        // SAFETY: the event is of this kind; everything read here belongs to it and it lives to the end.
        unsafe {
            let mut count = 0;
            let result = rd::rd_kafka_event_ListOffsets_result(event.ptr());
            let infos = slice(rd::rd_kafka_ListOffsets_result_infos(result, &mut count), count);
            let Some(info) = infos.first() else { return Err(no_answer()) };
            let timestamp = rd::rd_kafka_ListOffsetsResultInfo_timestamp(*info);
            let entry = rd::rd_kafka_ListOffsetsResultInfo_topic_partition(*info).as_ref();
            let entry = list::entry(entry.ok_or_else(no_answer)?);
            entry.error.map(|()| (entry.offset, timestamp))
        }
    }

    /// Sets the committed offsets of a group that has no members.
    pub fn set_group_offsets(
        &self,
        group: &str,
        offsets: &PartitionList,
        wait: Duration,
    ) -> Result<(), Failure> {
        let group = c_string(group)?;
        // SAFETY: both are valid and copied.
        let request = owned(
            unsafe { rd::rd_kafka_AlterConsumerGroupOffsets_new(group.as_ptr(), offsets.as_ptr()) },
            rd::rd_kafka_AlterConsumerGroupOffsets_destroy,
        )?;
        let event =
            self.request(Op::RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, wait, |rk, options, queue| {
                // SAFETY: an array of one; librdkafka copies what it needs before it returns.
                unsafe { rd::rd_kafka_AlterConsumerGroupOffsets(rk, &mut request.ptr(), 1, options, queue) }
            })?;
        // SAFETY: the event is of this kind; everything read here belongs to it and it lives to the end.
        unsafe {
            let mut count = 0;
            let result = rd::rd_kafka_event_AlterConsumerGroupOffsets_result(event.ptr());
            group_results(rd::rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &mut count), count)?
                .into_iter()
                .try_for_each(|(_, _, offset)| offset.map(drop))
        }
    }

    /// Sends a request and waits for its event. A result that is an error as a whole is returned as that error.
    fn request(
        &self,
        op: Op,
        wait: Duration,
        send: impl FnOnce(*mut rd::rd_kafka_t, *mut rd::rd_kafka_AdminOptions_t, *mut rd::rd_kafka_queue_t),
    ) -> Result<Owned<rd::rd_kafka_event_t>, Failure> {
        // SAFETY: the handle is valid; both objects are ours and outlive the call.
        let (queue, options) = unsafe {
            (
                owned(rd::rd_kafka_queue_new(self.rk()), rd::rd_kafka_queue_destroy)?,
                owned(rd::rd_kafka_AdminOptions_new(self.rk(), op), rd::rd_kafka_AdminOptions_destroy)?,
            )
        };
        let mut text = [0; 512];
        // SAFETY: valid options, a buffer as long as said. The operation timeout, which only some requests have,
        // makes the broker wait until the change is in effect; the others refuse it, which changes nothing.
        unsafe {
            let (buffer, size) = (text.as_mut_ptr(), text.len());
            let code =
                rd::rd_kafka_AdminOptions_set_request_timeout(options.ptr(), millis(wait), buffer, size);
            check(code, None)?;
            let within = millis(wait) / 2;
            rd::rd_kafka_AdminOptions_set_operation_timeout(options.ptr(), within, buffer, size);
        }
        send(self.rk(), options.ptr(), queue.ptr());
        // The request has its own timeout; the second more is for the way back.
        let wait: c_int = millis(wait).saturating_add(1000);
        // SAFETY: the queue is valid; the event is ours.
        let event = unsafe { rd::rd_kafka_queue_poll(queue.ptr(), wait) };
        let event = owned(event, rd::rd_kafka_event_destroy)
            .map_err(|_| Failure::new(RDKafkaRespErr::RD_KAFKA_RESP_ERR__TIMED_OUT, None))?;
        // SAFETY: the event is valid.
        unsafe {
            let code = rd::rd_kafka_event_error(event.ptr());
            check(code, Some(string(rd::rd_kafka_event_error_string(event.ptr()))))?;
        }
        Ok(event)
    }
}

/// Something of librdkafka's and how to destroy it.
struct Owned<T>(NonNull<T>, unsafe extern "C" fn(*mut T));

impl<T> Owned<T> {
    fn ptr(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: made together with its own destructor, called once.
        unsafe { (self.1)(self.0.as_ptr()) }
    }
}

fn owned<T>(raw: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Result<Owned<T>, Failure> {
    let raw = NonNull::new(raw)
        .ok_or_else(|| Failure::new(RDKafkaRespErr::RD_KAFKA_RESP_ERR__INVALID_ARG, None))?;
    Ok(Owned(raw, destroy))
}

fn no_answer() -> Failure {
    Failure::new(RDKafkaRespErr::RD_KAFKA_RESP_ERR__BAD_MSG, Some("the broker's answer is empty".into()))
}

/// # Safety
/// `first` is null or points to `count` values that stay for `'a`.
unsafe fn slice<'a, T>(first: *const T, count: usize) -> &'a [T] {
    if first.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: by contract.
    unsafe { std::slice::from_raw_parts(first, count) }
}

/// # Safety
/// `results` points to `count` valid results.
unsafe fn topic_results(
    results: *mut *const rd::rd_kafka_topic_result_t,
    count: usize,
) -> Result<(), Failure> {
    // SAFETY: by contract.
    unsafe {
        for result in slice(results, count) {
            let text = string(rd::rd_kafka_topic_result_error_string(*result));
            check(rd::rd_kafka_topic_result_error(*result), (!text.is_empty()).then_some(text))?;
        }
    }
    Ok(())
}

/// # Safety
/// `results` points to `count` valid results.
unsafe fn group_results(
    results: *mut *const rd::rd_kafka_group_result_t,
    count: usize,
) -> Result<Vec<GroupOffset>, Failure> {
    let mut found = Vec::new();
    // SAFETY: by contract; a group's error and list belong to it.
    unsafe {
        for result in slice(results, count) {
            let error = rd::rd_kafka_group_result_error(*result);
            if !error.is_null() {
                let text = string(rd::rd_kafka_error_string(error));
                check(rd::rd_kafka_error_code(error), Some(text))?;
            }
            for entry in list::entries(rd::rd_kafka_group_result_partitions(*result)) {
                found.push((entry.topic.to_string(), entry.partition, entry.error.map(|()| entry.offset)));
            }
        }
    }
    Ok(found)
}

/// # Safety
/// `topic` is a valid description.
unsafe fn description(topic: *const rd::rd_kafka_TopicDescription_t) -> Described {
    // SAFETY: by contract; all that is read belongs to the description.
    unsafe {
        let name = string(rd::rd_kafka_TopicDescription_name(topic));
        let error = rd::rd_kafka_TopicDescription_error(topic);
        if !error.is_null() {
            let text = string(rd::rd_kafka_error_string(error));
            if let Err(failure) = check(rd::rd_kafka_error_code(error), Some(text)) {
                return (name, Err(failure));
            }
        }
        let mut count = 0;
        let partitions = slice(rd::rd_kafka_TopicDescription_partitions(topic, &mut count), count);
        let mut replicas = 0;
        if let Some(first) = partitions.first() {
            rd::rd_kafka_TopicPartitionInfo_replicas(*first, &mut replicas);
        }
        let partitions = i32::try_from(partitions.len()).unwrap_or(i32::MAX);
        (name.clone(), Ok(Topic { name, partitions, replicas: i16::try_from(replicas).unwrap_or(i16::MAX) }))
    }
}
