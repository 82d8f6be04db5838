//! A list of topic, partition and offset, as librdkafka wants and gives them.

use std::ffi::CStr;
use std::ptr::NonNull;

use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaRespErr;

use super::{Failure, c_string, check};

/// An owned list.
pub struct PartitionList(NonNull<rd::rd_kafka_topic_partition_list_t>);

// SAFETY: plain memory with one owner.
unsafe impl Send for PartitionList {}

/// One entry of a list, borrowed.
pub struct Entry<'a> {
    pub topic: &'a str,
    pub partition: i32,
    /// Negative where there is none.
    pub offset: i64,
    pub error: Result<(), Failure>,
}

impl PartitionList {
    pub fn new<'a>(entries: impl IntoIterator<Item = (&'a str, i32, i64)>) -> Result<Self, Failure> {
        let out_of_memory = || Failure::new(RDKafkaRespErr::RD_KAFKA_RESP_ERR__FAIL, None);
        // SAFETY: 0 is only a hint of the size.
        let list = unsafe { rd::rd_kafka_topic_partition_list_new(0) };
        let list = PartitionList(NonNull::new(list).ok_or_else(out_of_memory)?);
        for (topic, partition, offset) in entries {
            let topic = c_string(topic)?;
            // SAFETY: the list is ours; the name is copied; the returned entry is valid until the next change.
            unsafe {
                let entry = rd::rd_kafka_topic_partition_list_add(list.as_ptr(), topic.as_ptr(), partition);
                (*entry).offset = offset;
            }
        }
        Ok(list)
    }

    pub(super) fn as_ptr(&self) -> *mut rd::rd_kafka_topic_partition_list_t {
        self.0.as_ptr()
    }

    pub fn entries(&self) -> Vec<Entry<'_>> {
        // SAFETY: the list is valid and cannot change while borrowed.
        unsafe { entries(self.as_ptr()) }
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        // SAFETY: ours, destroyed once.
        unsafe { rd::rd_kafka_topic_partition_list_destroy(self.as_ptr()) }
    }
}

/// Reads a list that librdkafka owns.
///
/// # Safety
/// `list` is null or valid and unchanged for `'a`.
pub(super) unsafe fn entries<'a>(list: *const rd::rd_kafka_topic_partition_list_t) -> Vec<Entry<'a>> {
    // SAFETY: by contract; `elems` has `cnt` entries, each with a NUL-terminated topic.
    unsafe {
        let Some(list) = list.as_ref() else { return Vec::new() };
        if list.cnt <= 0 || list.elems.is_null() {
            return Vec::new();
        }
        std::slice::from_raw_parts(list.elems, list.cnt as usize).iter().map(|e| entry(e)).collect()
    }
}

/// # Safety
/// The entry's topic is a NUL-terminated string valid for `'a`.
pub(super) unsafe fn entry<'a>(raw: &rd::rd_kafka_topic_partition_t) -> Entry<'a> {
    // SAFETY: by contract. Topic names are ASCII; one that is not matches nothing.
    let topic = unsafe { CStr::from_ptr(raw.topic) }.to_str().unwrap_or_default();
    Entry { topic, partition: raw.partition, offset: raw.offset, error: check(raw.err, None) }
}
