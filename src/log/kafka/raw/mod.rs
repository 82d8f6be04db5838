//! The only unsafe code of the crate: librdkafka behind safe types.
//!
//! rdkafka's own wrappers are not used here: they copy or allocate per record, wait in slices of 100 ms, and
//! have no calls for `read_committed` ends or the offsets of a foreign group. What is wrapped is small:
//!
//! - [`Client`]: a handle and its life; settings in, log lines out to `tracing`.
//! - [`list::PartitionList`]: topic, partition, offset triples.
//! - [`consumer::Consumer`]: manual assignment, batches of borrowed messages, a wake-up.
//! - [`producer::Producer`]: records on topic handles, transactions.
//! - [`admin`]: the requests about topics and groups.
//!
//! librdkafka itself may be called from any thread; all its handles are reference-counted inside.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::panic::catch_unwind;
use std::ptr::NonNull;
use std::sync::Arc;

use rdkafka::bindings as rd;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};

pub mod admin;
pub mod consumer;
pub mod list;
pub mod producer;

use producer::Deliveries;

/// An error as librdkafka tells it.
#[derive(Debug, Clone)]
pub struct Failure {
    pub code: RDKafkaErrorCode,
    pub text: String,
    /// The handle is finished.
    pub fatal: bool,
    /// The same call may be made again.
    pub retriable: bool,
    /// The running transaction must be aborted.
    pub requires_abort: bool,
}

impl Failure {
    fn new(code: RDKafkaRespErr, text: Option<String>) -> Self {
        // SAFETY: rd_kafka_err2str returns a static string for every code.
        let text = text.unwrap_or_else(|| unsafe { string(rd::rd_kafka_err2str(code)) });
        Self { code: code.into(), text, fatal: false, retriable: false, requires_abort: false }
    }
}

/// What a handle is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Consumer,
    Producer,
}

/// A setting that librdkafka refused.
#[derive(Debug)]
pub struct Refused {
    pub name: String,
    pub text: String,
}

/// A librdkafka handle with its threads and connections. Destroyed when dropped.
pub struct Client {
    rk: NonNull<rd::rd_kafka_t>,
    /// What the delivery callback writes to; lives until the handle is destroyed.
    deliveries: Arc<Deliveries>,
}

// SAFETY: librdkafka's handles are thread-safe as a whole (its introduction, "Threads and callbacks"), and
// `Deliveries` is Sync.
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

impl Client {
    /// Makes a handle. No connection is made yet, so a broker that is down is no error.
    pub fn new(kind: Kind, settings: &[(String, String)]) -> Result<Client, Refused> {
        let conf = Conf::new(settings)?;
        let deliveries = Arc::new(Deliveries::default());
        let mut text = [0; 512];
        let native = match kind {
            Kind::Consumer => rd::rd_kafka_type_t::RD_KAFKA_CONSUMER,
            Kind::Producer => rd::rd_kafka_type_t::RD_KAFKA_PRODUCER,
        };
        // SAFETY: `conf` is a valid configuration that no handle owns yet. The opaque pointer stays valid as long
        // as the handle: the Arc is dropped after the handle is destroyed (see `Drop`). rd_kafka_new takes the
        // configuration only if it succeeds.
        let rk = unsafe {
            if kind == Kind::Producer {
                rd::rd_kafka_conf_set_opaque(conf.0.as_ptr(), Arc::as_ptr(&deliveries) as *mut c_void);
                rd::rd_kafka_conf_set_dr_msg_cb(conf.0.as_ptr(), Some(producer::on_delivery));
            }
            rd::rd_kafka_new(native, conf.0.as_ptr(), text.as_mut_ptr(), text.len())
        };
        match NonNull::new(rk) {
            Some(rk) => {
                std::mem::forget(conf);
                Ok(Client { rk, deliveries })
            }
            None => Err(Refused { name: String::new(), text: buffer(&text) }),
        }
    }

    fn rk(&self) -> *mut rd::rd_kafka_t {
        self.rk.as_ptr()
    }

    /// The error that finished this handle, if one did.
    pub fn fatal(&self) -> Option<Failure> {
        let mut text = [0; 512];
        // SAFETY: the handle is valid and the buffer as long as said.
        let code = unsafe { rd::rd_kafka_fatal_error(self.rk(), text.as_mut_ptr(), text.len()) };
        (code != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR)
            .then(|| Failure { fatal: true, ..Failure::new(code, Some(buffer(&text))) })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: the handle is valid, and whatever hangs on it (queues, topics) was dropped before: those types
        // hold their client. No consumer group is joined, so there is nothing to close first.
        unsafe { rd::rd_kafka_destroy_flags(self.rk(), rd::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE) }
    }
}

/// Checks names and values of settings without making a handle.
pub fn check_settings(settings: &[(String, String)]) -> Result<(), Refused> {
    Conf::new(settings).map(drop)
}

struct Conf(NonNull<rd::rd_kafka_conf_t>);

impl Conf {
    fn new(settings: &[(String, String)]) -> Result<Conf, Refused> {
        // SAFETY: takes nothing; null only when memory is exhausted.
        let conf = NonNull::new(unsafe { rd::rd_kafka_conf_new() })
            .map(Conf)
            .ok_or_else(|| Refused { name: String::new(), text: "out of memory".into() })?;
        for (name, value) in settings {
            let refused = |text: String| Refused { name: name.clone(), text };
            let (Ok(c_name), Ok(c_value)) = (CString::new(name.as_str()), CString::new(value.as_str()))
            else {
                return Err(refused("a setting cannot contain a NUL".into()));
            };
            let mut text = [0; 512];
            // SAFETY: a valid configuration, two NUL-terminated strings, a buffer as long as said.
            let result = unsafe {
                rd::rd_kafka_conf_set(
                    conf.0.as_ptr(),
                    c_name.as_ptr(),
                    c_value.as_ptr(),
                    text.as_mut_ptr(),
                    text.len(),
                )
            };
            if result != rd::rd_kafka_conf_res_t::RD_KAFKA_CONF_OK {
                return Err(refused(buffer(&text)));
            }
        }
        // SAFETY: the callbacks are functions with the signature asked for, and use no opaque.
        unsafe {
            rd::rd_kafka_conf_set_log_cb(conf.0.as_ptr(), Some(on_log));
            rd::rd_kafka_conf_set_error_cb(conf.0.as_ptr(), None);
        }
        Ok(conf)
    }
}

impl Drop for Conf {
    fn drop(&mut self) {
        // SAFETY: not handed to a handle; `Client::new` forgets it when it is.
        unsafe { rd::rd_kafka_conf_destroy(self.0.as_ptr()) }
    }
}

/// librdkafka's log lines, on any of its threads. Connection trouble is told to the caller by the calls that
/// fail, so here it is a detail.
extern "C" fn on_log(_rk: *const rd::rd_kafka_t, level: c_int, facility: *const c_char, text: *const c_char) {
    // A panic must not cross into C.
    let _ = catch_unwind(|| {
        // SAFETY: both are NUL-terminated strings for the time of this call.
        let (facility, text) = unsafe { (string(facility), string(text)) };
        match (level, facility.as_str()) {
            (_, "FAIL" | "ERROR" | "CONFWARN") => {
                tracing::debug!(target: "rivermill::log::kafka", facility, "{text}")
            }
            (0..=3, _) => tracing::error!(target: "rivermill::log::kafka", facility, "{text}"),
            (4, _) => tracing::warn!(target: "rivermill::log::kafka", facility, "{text}"),
            (5 | 6, _) => tracing::info!(target: "rivermill::log::kafka", facility, "{text}"),
            _ => tracing::debug!(target: "rivermill::log::kafka", facility, "{text}"),
        }
    });
}

/// Takes an error object: null is success.
///
/// # Safety
/// `error` is null or an error that the caller owns.
unsafe fn take_error(error: *mut rd::rd_kafka_error_t) -> Result<(), Failure> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: valid and ours by contract; read, then destroyed once.
    unsafe {
        let failure = Failure {
            fatal: rd::rd_kafka_error_is_fatal(error) != 0,
            retriable: rd::rd_kafka_error_is_retriable(error) != 0,
            requires_abort: rd::rd_kafka_error_txn_requires_abort(error) != 0,
            ..Failure::new(rd::rd_kafka_error_code(error), Some(string(rd::rd_kafka_error_string(error))))
        };
        rd::rd_kafka_error_destroy(error);
        Err(failure)
    }
}

fn check(code: RDKafkaRespErr, text: Option<String>) -> Result<(), Failure> {
    match code {
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        code => Err(Failure::new(code, text)),
    }
}

fn c_string(text: &str) -> Result<CString, Failure> {
    CString::new(text).map_err(|_| {
        let text = "a name cannot contain a NUL".to_string();
        Failure::new(RDKafkaRespErr::RD_KAFKA_RESP_ERR__INVALID_ARG, Some(text))
    })
}

/// # Safety
/// `text` is null or a NUL-terminated string.
unsafe fn string(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: by contract.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

fn buffer(text: &[c_char]) -> String {
    let bytes: Vec<u8> = text.iter().take_while(|c| **c != 0).map(|c| *c as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A bounded wait in the unit that librdkafka takes.
fn millis(wait: std::time::Duration) -> c_int {
    c_int::try_from(wait.as_millis()).unwrap_or(c_int::MAX)
}
