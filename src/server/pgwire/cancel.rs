//! Who may be cancelled: the sessions that are open, by process id and secret.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use parking_lot::Mutex;
use rand::Rng;
use tokio::sync::Notify;

/// One entry for each open session, so bounded by the limit on connections.
#[derive(Default)]
pub struct Registry {
    next: AtomicI32,
    open: Mutex<HashMap<i32, (i32, Arc<CancelFlag>)>>,
}

/// A session's place in the registry; dropped, it leaves.
pub struct Registration {
    pub pid: i32,
    pub secret: i32,
    pub flag: Arc<CancelFlag>,
    registry: Arc<Registry>,
}

/// Set by a cancel request, looked at by the session. A request that arrives between two statements is forgotten, as in
/// Postgres: it was meant for one that has ended.
#[derive(Default)]
pub struct CancelFlag {
    running: AtomicBool,
    requested: AtomicBool,
    notify: Notify,
}

impl Registry {
    pub fn register(self: &Arc<Self>) -> Registration {
        let secret = rand::rng().random();
        let flag = Arc::new(CancelFlag::default());
        let mut open = self.open.lock();
        let pid = loop {
            let pid = self.next.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            if pid > 0 && !open.contains_key(&pid) {
                break pid;
            }
        };
        open.insert(pid, (secret, flag.clone()));
        Registration { pid, secret, flag, registry: self.clone() }
    }

    /// A cancel request. Nothing tells the asker whether it met anyone.
    pub fn cancel(&self, pid: i32, secret: &[u8]) {
        let open = self.open.lock();
        if let Some((own, flag)) = open.get(&pid)
            && own.to_be_bytes() == secret
            && flag.running.load(Ordering::Acquire)
        {
            flag.requested.store(true, Ordering::Release);
            flag.notify.notify_one();
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.open.lock().remove(&self.pid);
    }
}

impl CancelFlag {
    /// A statement begins.
    pub fn begin(&self) {
        if !self.running.swap(true, Ordering::AcqRel) {
            self.requested.store(false, Ordering::Release);
        }
    }

    /// The client is told that the session is ready for another.
    pub fn end(&self) {
        self.running.store(false, Ordering::Release);
    }

    /// Whether a cancel was asked for; asking takes it.
    pub fn take(&self) -> bool {
        self.requested.swap(false, Ordering::AcqRel)
    }

    /// Returns once a cancel is asked for. Dropping it loses nothing.
    pub async fn wait(&self) {
        loop {
            if self.running.load(Ordering::Acquire) && self.take() {
                return;
            }
            self.notify.notified().await;
        }
    }
}
