//! A producer: records on topic handles, delivery errors gathered, transactions.

use std::ffi::{CString, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rd::rd_kafka_vtype_t as Tag;
use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaRespErr;

use super::list::PartitionList;
use super::{Client, Failure, c_string, millis, string, take_error};
use crate::log::NewRecord;

/// What the delivery callback found: the first error since the last [`Producer::forget_failures`].
#[derive(Default)]
pub struct Deliveries {
    failed: AtomicBool,
    first: Mutex<Option<(String, Failure)>>,
}

pub(super) extern "C" fn on_delivery(
    _rk: *mut rd::rd_kafka_t,
    message: *const rd::rd_kafka_message_t,
    opaque: *mut c_void,
) {
    // A panic must not cross into C.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the opaque of a producer is its `Deliveries`, which outlives the handle (`Client`); the message
        // and its topic are valid for the time of this call.
        let (deliveries, message) = unsafe { (&*opaque.cast::<Deliveries>(), &*message) };
        if message.err == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return;
        }
        let mut first = deliveries.first.lock();
        if first.is_none() {
            // SAFETY: as above.
            let topic = unsafe { string(rd::rd_kafka_topic_name(message.rkt)) };
            *first = Some((format!("{topic}-{}", message.partition), Failure::new(message.err, None)));
        }
        deliveries.failed.store(true, Ordering::Release);
    }));
}

pub struct Producer {
    client: Arc<Client>,
}

/// A topic to write to. Holds its producer's handle.
pub struct TopicHandle {
    rkt: NonNull<rd::rd_kafka_topic_t>,
    _client: Arc<Client>,
}

// SAFETY: topic handles are reference-counted and locked inside librdkafka.
unsafe impl Send for TopicHandle {}

impl Drop for TopicHandle {
    fn drop(&mut self) {
        // SAFETY: ours, destroyed once, before its client.
        unsafe { rd::rd_kafka_topic_destroy(self.rkt.as_ptr()) }
    }
}

impl Producer {
    pub fn new(client: Client) -> Self {
        Self { client: Arc::new(client) }
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn topic(&self, name: &str) -> Result<TopicHandle, Failure> {
        let name = c_string(name)?;
        // SAFETY: valid handle and name; no topic configuration. Null: librdkafka's last error says why.
        let rkt = unsafe { rd::rd_kafka_topic_new(self.client.rk(), name.as_ptr(), std::ptr::null_mut()) };
        let rkt = NonNull::new(rkt)
            // SAFETY: takes nothing; the error is this thread's.
            .ok_or_else(|| Failure::new(unsafe { rd::rd_kafka_last_error() }, None))?;
        Ok(TopicHandle { rkt, _client: Arc::clone(&self.client) })
    }

    /// Hands one record to librdkafka, which copies it. A full queue is the error `QueueFull`.
    pub fn produce(
        &self,
        topic: &TopicHandle,
        partition: i32,
        record: &NewRecord<'_>,
    ) -> Result<(), Failure> {
        let headers = headers(record)?;
        let entries = [
            value(Tag::RD_KAFKA_VTYPE_RKT, Union { rkt: topic.rkt.as_ptr() }),
            value(Tag::RD_KAFKA_VTYPE_PARTITION, Union { i32_: partition }),
            value(Tag::RD_KAFKA_VTYPE_MSGFLAGS, Union { i: rd::RD_KAFKA_MSG_F_COPY }),
            // librdkafka takes 0 for "now"; a millisecond past 1970 is the nearest it can write.
            value(Tag::RD_KAFKA_VTYPE_TIMESTAMP, Union { i64_: record.timestamp.max(1) }),
            value(Tag::RD_KAFKA_VTYPE_KEY, memory(record.key)),
            value(Tag::RD_KAFKA_VTYPE_VALUE, memory(record.value)),
            value(
                Tag::RD_KAFKA_VTYPE_HEADERS,
                Union { headers: headers.as_ref().map_or(std::ptr::null_mut(), |h| h.0.as_ptr()) },
            ),
        ];
        // The last entry is left out where there are no headers.
        let count = entries.len() - usize::from(headers.is_none());
        // SAFETY: `count` entries whose tags say which field of the union is set; key, value and headers are valid
        // for this call, which copies them, except the headers, which it takes if it succeeds.
        let result = unsafe { take_error(rd::rd_kafka_produceva(self.client.rk(), entries.as_ptr(), count)) };
        if result.is_ok() {
            std::mem::forget(headers);
        }
        result
    }

    /// Serves delivery reports for at most `wait`, and sends what lingers.
    pub fn push(&self, wait: Duration) {
        // SAFETY: the handle is valid.
        unsafe { rd::rd_kafka_flush(self.client.rk(), millis(wait)) };
    }

    /// Serves delivery reports that are there.
    pub fn serve(&self) {
        // SAFETY: the handle is valid.
        unsafe { rd::rd_kafka_poll(self.client.rk(), 0) };
    }

    /// Records handed over and not yet acknowledged.
    pub fn in_flight(&self) -> usize {
        // SAFETY: the handle is valid.
        usize::try_from(unsafe { rd::rd_kafka_outq_len(self.client.rk()) }).unwrap_or(0)
    }

    /// Drops what was not sent yet; each such record counts as a failed delivery.
    pub fn purge_unsent(&self) {
        // SAFETY: the handle is valid.
        unsafe { rd::rd_kafka_purge(self.client.rk(), rd::RD_KAFKA_PURGE_F_QUEUE) };
    }

    /// The first failed delivery and the partition it was for.
    pub fn failed_delivery(&self) -> Option<(String, Failure)> {
        let deliveries = &self.client.deliveries;
        if deliveries.failed.load(Ordering::Acquire) { deliveries.first.lock().clone() } else { None }
    }

    pub fn forget_failures(&self) {
        *self.client.deliveries.first.lock() = None;
        self.client.deliveries.failed.store(false, Ordering::Release);
    }

    pub fn init_transactions(&self, wait: Duration) -> Result<(), Failure> {
        // SAFETY: the handle is valid.
        unsafe { take_error(rd::rd_kafka_init_transactions(self.client.rk(), millis(wait))) }
    }

    pub fn begin_transaction(&self) -> Result<(), Failure> {
        // SAFETY: the handle is valid.
        unsafe { take_error(rd::rd_kafka_begin_transaction(self.client.rk())) }
    }

    pub fn send_offsets(&self, group: &str, at: &PartitionList, wait: Duration) -> Result<(), Failure> {
        let group = Group::new(group)?;
        // SAFETY: handle, list and group are valid; both are copied.
        unsafe {
            let client = self.client.rk();
            take_error(rd::rd_kafka_send_offsets_to_transaction(
                client,
                at.as_ptr(),
                group.0.as_ptr(),
                millis(wait),
            ))
        }
    }

    pub fn commit_transaction(&self, wait: Duration) -> Result<(), Failure> {
        // SAFETY: the handle is valid.
        unsafe { take_error(rd::rd_kafka_commit_transaction(self.client.rk(), millis(wait))) }
    }

    pub fn abort_transaction(&self, wait: Duration) -> Result<(), Failure> {
        // SAFETY: the handle is valid.
        unsafe { take_error(rd::rd_kafka_abort_transaction(self.client.rk(), millis(wait))) }
    }
}

type Union = rd::rd_kafka_vu_s__bindgen_ty_1;

fn value(tag: Tag, u: Union) -> rd::rd_kafka_vu_t {
    rd::rd_kafka_vu_t { vtype: tag, u }
}

fn memory(bytes: Option<&[u8]>) -> Union {
    let (ptr, size) = bytes.map_or((std::ptr::null(), 0), |b| (b.as_ptr(), b.len()));
    // librdkafka only reads from it: the flag is F_COPY.
    Union { mem: rd::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr: ptr.cast_mut().cast(), size } }
}

struct HeaderList(NonNull<rd::rd_kafka_headers_t>);

impl Drop for HeaderList {
    fn drop(&mut self) {
        // SAFETY: not taken by a produce call, which forgets it then.
        unsafe { rd::rd_kafka_headers_destroy(self.0.as_ptr()) }
    }
}

fn headers(record: &NewRecord<'_>) -> Result<Option<HeaderList>, Failure> {
    if record.headers.is_empty() {
        return Ok(None);
    }
    // SAFETY: takes a hint of the size.
    let list = NonNull::new(unsafe { rd::rd_kafka_headers_new(record.headers.len()) }).map(HeaderList);
    let Some(list) = list else { return Ok(None) };
    for (name, value) in record.headers {
        let (bytes, size) =
            value.map_or((std::ptr::null(), 0), |v| (v.as_ptr().cast::<c_void>(), v.len() as isize));
        // SAFETY: name and value are copied, with the lengths given; a null value is a header without value.
        let code = unsafe {
            rd::rd_kafka_header_add(list.0.as_ptr(), name.as_ptr().cast(), name.len() as isize, bytes, size)
        };
        super::check(code, None)?;
    }
    Ok(Some(list))
}

/// A group's name in the form that transactions take.
struct Group(NonNull<rd::rd_kafka_consumer_group_metadata_t>);

impl Group {
    fn new(name: &str) -> Result<Self, Failure> {
        let name: CString = c_string(name)?;
        // SAFETY: NUL-terminated, copied.
        let group = unsafe { rd::rd_kafka_consumer_group_metadata_new(name.as_ptr()) };
        NonNull::new(group)
            .map(Group)
            .ok_or_else(|| Failure::new(RDKafkaRespErr::RD_KAFKA_RESP_ERR__INVALID_ARG, None))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // SAFETY: ours, destroyed once.
        unsafe { rd::rd_kafka_consumer_group_metadata_destroy(self.0.as_ptr()) }
    }
}
