//! A consumer without a group: partitions assigned by hand, messages taken in batches from its one queue.

use std::cell::Cell;
use std::ffi::{CStr, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{NonNull, null_mut};
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaRespErr;

use super::list::PartitionList;
use super::{Client, Failure, check, millis, string, take_error};
use crate::log::Waker;

/// Most messages that one batch holds, whatever is asked: 8 bytes each.
const BATCH_MESSAGES_MAX: usize = 10_000;

/// The offsets that the group of this client committed, written into `at`, negative where there are none.
///
/// The admin request for any group's offsets (rd_kafka_ListConsumerGroupOffsets) is not used: where a broker is not
/// the coordinator yet, or any more, librdkafka 2.12 looks for the client's own group to ask who is, and crashes in a
/// client without one.
pub fn committed(client: &Client, at: &PartitionList, wait: Duration) -> Result<(), Failure> {
    // SAFETY: handle and list are valid; the results are written into the list, which is ours.
    check(unsafe { rd::rd_kafka_committed(client.rk(), at.as_ptr(), millis(wait)) }, None)
}

pub struct Consumer {
    /// The callback's own waker: the queue holds a pointer to it while it is some. Before `client`, as are the
    /// two below: fields are dropped in order, and the queue must go before its handle.
    waker: Option<Box<Waker>>,
    queue: NonNull<rd::rd_kafka_queue_t>,
    /// Reused by each batch; empty between calls.
    messages: Vec<*mut rd::rd_kafka_message_t>,
    client: Client,
}

// SAFETY: the queue is as thread-safe as its handle, the vector is empty between calls, the waker is Send + Sync.
unsafe impl Send for Consumer {}

impl Consumer {
    pub fn new(client: Client) -> Result<Self, Failure> {
        // SAFETY: the handle is valid. Its events go to the consumer's queue, so that one queue is all there is.
        let queue = unsafe {
            check(rd::rd_kafka_poll_set_consumer(client.rk()), None)?;
            rd::rd_kafka_queue_get_consumer(client.rk())
        };
        let queue = NonNull::new(queue).ok_or_else(|| {
            let text = "a reader needs a group name".to_string();
            Failure::new(RDKafkaRespErr::RD_KAFKA_RESP_ERR__UNKNOWN_GROUP, Some(text))
        })?;
        Ok(Consumer { waker: None, queue, messages: Vec::new(), client })
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Replaces the assignment.
    pub fn assign(&self, at: &PartitionList) -> Result<(), Failure> {
        // SAFETY: handle and list are valid; the list is copied.
        check(unsafe { rd::rd_kafka_assign(self.client.rk(), at.as_ptr()) }, None)
    }

    /// Takes partitions out of the assignment and puts them back at other places.
    pub fn reassign(&self, at: &PartitionList) -> Result<(), Failure> {
        // SAFETY: handle and list are valid; the list is copied.
        unsafe {
            take_error(rd::rd_kafka_incremental_unassign(self.client.rk(), at.as_ptr()))?;
            take_error(rd::rd_kafka_incremental_assign(self.client.rk(), at.as_ptr()))
        }
    }

    /// Moves partitions that are being fetched. What was fetched before is of an older version to librdkafka and
    /// is never handed out.
    pub fn seek(&self, at: &PartitionList, wait: Duration) -> Result<(), Failure> {
        // SAFETY: handle and list are valid; the results are written into the list, which is ours.
        unsafe { take_error(rd::rd_kafka_seek_partitions(self.client.rk(), at.as_ptr(), millis(wait))) }?;
        at.entries().into_iter().try_for_each(|e| e.error)
    }

    /// The next offset of each partition of `at`, written into it: behind the last message or control record
    /// that was taken from the queue, negative before the first.
    pub fn positions(&self, at: &PartitionList) -> Result<(), Failure> {
        // SAFETY: handle and list are valid; the offsets are written into the list.
        check(unsafe { rd::rd_kafka_position(self.client.rk(), at.as_ptr()) }, None)
    }

    /// The high watermark that the last fetch told; no request is made.
    pub fn high_watermark(&self, topic: &CStr, partition: i32) -> Option<i64> {
        let (mut low, mut high) = (0, 0);
        // SAFETY: valid handle, NUL-terminated name, two places to write to.
        let code = unsafe {
            rd::rd_kafka_get_watermark_offsets(
                self.client.rk(),
                topic.as_ptr(),
                partition,
                &mut low,
                &mut high,
            )
        };
        (code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0).then_some(high)
    }

    /// Takes at most `max` messages, without waiting. They are destroyed when the batch is dropped.
    pub fn batch(&mut self, max: usize) -> Batch<'_> {
        let max = max.min(BATCH_MESSAGES_MAX);
        self.messages.clear();
        self.messages.reserve(max);
        // SAFETY: the queue is valid and the vector has room for `max` pointers; the first `count` are set, and
        // are ours from now on.
        unsafe {
            let first = self.messages.as_mut_ptr();
            let count = rd::rd_kafka_consume_batch_queue(self.queue.as_ptr(), 0, first, max);
            self.messages.set_len(usize::try_from(count).unwrap_or(0).min(max));
        }
        Batch { messages: &mut self.messages }
    }

    /// Sets what is called when the queue goes from empty to not empty, on a thread of librdkafka.
    pub fn set_waker(&mut self, waker: Waker) {
        let waker = Box::new(waker);
        let opaque = (&raw const *waker).cast_mut().cast::<c_void>();
        // SAFETY: `opaque` points into the box, which stays where it is until the callback is replaced or taken
        // away (here and in `drop`). librdkafka calls it under the queue's lock and replaces it under the same
        // lock, so the old one is not running any more when this returns.
        unsafe { rd::rd_kafka_queue_cb_event_enable(self.queue.as_ptr(), Some(on_event), opaque) }
        let waker = self.waker.insert(waker);
        // What is there already makes no event.
        // SAFETY: the queue is valid.
        if unsafe { rd::rd_kafka_queue_length(self.queue.as_ptr()) } > 0 {
            waker();
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // SAFETY: the queue is valid and destroyed once, before its handle; after the first call nobody holds
        // the waker's pointer.
        unsafe {
            rd::rd_kafka_queue_cb_event_enable(self.queue.as_ptr(), None, null_mut());
            rd::rd_kafka_queue_destroy(self.queue.as_ptr());
        }
    }
}

extern "C" fn on_event(_rk: *mut rd::rd_kafka_t, opaque: *mut c_void) {
    // SAFETY: the pointer given to rd_kafka_queue_cb_event_enable, which outlives the callback (`set_waker`).
    let waker = unsafe { &*opaque.cast::<Waker>() };
    // A panic must not cross into C.
    let _ = catch_unwind(AssertUnwindSafe(|| waker()));
}

/// Messages taken from the queue, in its order.
pub struct Batch<'a> {
    messages: &'a mut Vec<*mut rd::rd_kafka_message_t>,
}

impl Batch<'_> {
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = Message<'_>> + Clone {
        // SAFETY: the pointers are valid and ours until the batch is dropped.
        self.messages.iter().map(|m| Message { raw: unsafe { &**m }, headers: Cell::new(None) })
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        for message in self.messages.drain(..) {
            // SAFETY: ours, destroyed once. Also reached when the caller's callback panics.
            unsafe { rd::rd_kafka_message_destroy(message) }
        }
    }
}

/// One message, or an event of one partition or of the whole consumer.
#[derive(Clone)]
pub struct Message<'a> {
    raw: &'a rd::rd_kafka_message_t,
    headers: Cell<Option<NonNull<rd::rd_kafka_headers_t>>>,
}

impl<'a> Message<'a> {
    /// Identifies the topic within its consumer: the address of its handle.
    pub fn topic_id(&self) -> usize {
        self.raw.rkt as usize
    }

    /// Empty where the message belongs to no topic.
    pub fn topic(&self) -> &'a str {
        if self.raw.rkt.is_null() {
            return "";
        }
        // SAFETY: the topic handle lives at least as long as the message, and so does its name.
        unsafe { CStr::from_ptr(rd::rd_kafka_topic_name(self.raw.rkt)) }.to_str().unwrap_or_default()
    }

    pub fn partition(&self) -> i32 {
        self.raw.partition
    }

    pub fn offset(&self) -> i64 {
        self.raw.offset
    }

    /// What it says where it is no record.
    pub fn error(&self) -> Result<(), RDKafkaRespErr> {
        match self.raw.err {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
            code => Err(code),
        }
    }

    pub fn failure(&self) -> Failure {
        // SAFETY: the message is valid.
        let text = unsafe { string(rd::rd_kafka_message_errstr(self.raw)) };
        Failure::new(self.raw.err, Some(text))
    }

    pub fn key(&self) -> Option<&'a [u8]> {
        // SAFETY: the key lives as long as the message.
        unsafe { bytes(self.raw.key, self.raw.key_len) }
    }

    pub fn value(&self) -> Option<&'a [u8]> {
        // SAFETY: the payload lives as long as the message.
        unsafe { bytes(self.raw.payload, self.raw.len) }
    }

    /// Milliseconds since 1970; -1 where the record has none.
    pub fn timestamp(&self) -> i64 {
        let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: valid message, a place to write to.
        unsafe { rd::rd_kafka_message_timestamp(self.raw, &mut kind) }
    }

    /// Header `index`, None behind the last. A name that is not UTF-8 is given as a replacement character.
    pub fn header(&self, index: usize) -> Option<(&'a str, Option<&'a [u8]>)> {
        let headers = match self.headers.get() {
            Some(headers) => headers,
            None => {
                let mut headers = null_mut();
                // SAFETY: valid message. The headers are parsed once, belong to it and live as long. librdkafka
                // parses them lazily inside the message, which only this thread holds.
                let code = unsafe { rd::rd_kafka_message_headers(self.raw, &mut headers) };
                if code != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                    return None;
                }
                let headers = NonNull::new(headers)?;
                self.headers.set(Some(headers));
                headers
            }
        };
        let (mut name, mut value, mut size) = (std::ptr::null(), std::ptr::null(), 0);
        // SAFETY: valid headers; name (NUL-terminated) and value belong to the message.
        unsafe {
            let code = rd::rd_kafka_header_get_all(headers.as_ptr(), index, &mut name, &mut value, &mut size);
            if code != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                return None;
            }
            let name = CStr::from_ptr(name).to_str().unwrap_or("\u{fffd}");
            Some((name, bytes(value, size)))
        }
    }
}

/// # Safety
/// `first` is null or points to `len` bytes that stay for `'a`.
unsafe fn bytes<'a>(first: *const c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: by contract.
    (!first.is_null()).then(|| unsafe { std::slice::from_raw_parts(first.cast::<u8>(), len) })
}
