//! One pool of worker threads for all queries.
//!
//! A query is a [`Job`]: a step that never blocks, run again whenever somebody wakes it. A job runs on one worker
//! at a time; a wake while it runs makes it run once more. The queue holds a job at most once, so its length is
//! bounded by the number of queries.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

/// What a step wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// To run again soon, behind the others.
    Again,
    /// To sleep until woken.
    Wait,
    /// To sleep until woken, or until this moment.
    At(Instant),
    /// Never to run again.
    Done,
}

const IDLE: u8 = 0;
const QUEUED: u8 = 1;
const RUNNING: u8 = 2;
const RUNNING_WOKEN: u8 = 3;
const DONE: u8 = 4;

/// Something that the pool runs step by step.
pub struct Job {
    step: Box<dyn Fn() -> Next + Send + Sync>,
    state: AtomicU8,
    /// The earliest timer that is set for it, so that timers do not pile up.
    timer: Mutex<Option<Instant>>,
    pool: Weak<Shared>,
}

impl Job {
    /// Has the step run once more, if it is not queued already.
    pub fn wake(self: &Arc<Self>) {
        let queued = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| match state {
            IDLE => Some(QUEUED),
            RUNNING => Some(RUNNING_WOKEN),
            _ => None,
        });
        if queued == Ok(IDLE)
            && let Some(pool) = self.pool.upgrade()
        {
            pool.push(self.clone());
        }
    }
}

/// Worker threads and a timer thread. Dropping it stops them after their current step.
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    ready: Condvar,
    timers: Mutex<Timers>,
    timer_changed: Condvar,
    sequence: AtomicU64,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Arc<Job>>,
    stopped: bool,
}

#[derive(Default)]
struct Timers {
    heap: BinaryHeap<Reverse<Timer>>,
    stopped: bool,
}

struct Timer {
    at: Instant,
    sequence: u64,
    job: Weak<Job>,
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.sequence) == (other.at, other.sequence)
    }
}
impl Eq for Timer {}
impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Timer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

impl Pool {
    /// Starts `workers` threads, at least one. Errors: the system gives no more threads.
    pub fn new(workers: usize) -> std::io::Result<Pool> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            ready: Condvar::new(),
            timers: Mutex::default(),
            timer_changed: Condvar::new(),
            sequence: AtomicU64::new(0),
        });
        let mut threads = Vec::with_capacity(workers + 1);
        for i in 0..workers.max(1) {
            let shared = shared.clone();
            let thread = std::thread::Builder::new().name(format!("worker-{i}"));
            threads.push(thread.spawn(move || shared.work())?);
        }
        let timer = shared.clone();
        threads.push(std::thread::Builder::new().name("timer".into()).spawn(move || timer.keep_time())?);
        Ok(Pool { shared, threads })
    }

    /// Makes a job and runs it for the first time.
    pub fn spawn(&self, step: impl Fn() -> Next + Send + Sync + 'static) -> Arc<Job> {
        let job = Arc::new(Job {
            step: Box::new(step),
            state: AtomicU8::new(IDLE),
            timer: Mutex::new(None),
            pool: Arc::downgrade(&self.shared),
        });
        job.wake();
        job
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.queue.lock().stopped = true;
        self.shared.timers.lock().stopped = true;
        self.shared.ready.notify_all();
        self.shared.timer_changed.notify_all();
        for thread in self.threads.drain(..) {
            // The last owner may be a job that a worker runs: a thread cannot wait for itself.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

impl Shared {
    fn push(&self, job: Arc<Job>) {
        self.queue.lock().jobs.push_back(job);
        self.ready.notify_one();
    }

    fn work(&self) {
        loop {
            let job = {
                let mut queue = self.queue.lock();
                loop {
                    if queue.stopped {
                        return;
                    }
                    match queue.jobs.pop_front() {
                        Some(job) => break job,
                        None => self.ready.wait(&mut queue),
                    }
                }
            };
            self.run(job);
        }
    }

    fn run(&self, job: Arc<Job>) {
        job.state.store(RUNNING, Ordering::Release);
        let next = (job.step)();
        match next {
            Next::Done => {
                job.state.store(DONE, Ordering::Release);
                return;
            }
            Next::Again => {
                job.state.store(QUEUED, Ordering::Release);
                self.push(job);
                return;
            }
            Next::At(at) => self.set_timer(at, &job),
            Next::Wait => {}
        }
        if job.state.compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Acquire).is_err() {
            job.state.store(QUEUED, Ordering::Release);
            self.push(job);
        }
    }

    fn set_timer(&self, at: Instant, job: &Arc<Job>) {
        let mut set = job.timer.lock();
        if set.is_some_and(|earlier| earlier <= at) {
            return;
        }
        *set = Some(at);
        drop(set);
        let timer =
            Timer { at, sequence: self.sequence.fetch_add(1, Ordering::Relaxed), job: Arc::downgrade(job) };
        self.timers.lock().heap.push(Reverse(timer));
        self.timer_changed.notify_one();
    }

    fn keep_time(&self) {
        let mut timers = self.timers.lock();
        while !timers.stopped {
            let now = Instant::now();
            match timers.heap.peek().map(|Reverse(timer)| timer.at) {
                None => self.timer_changed.wait(&mut timers),
                Some(at) if at > now => {
                    self.timer_changed.wait_until(&mut timers, at);
                }
                Some(at) => {
                    let Some(Reverse(timer)) = timers.heap.pop() else { continue };
                    if let Some(job) = timer.job.upgrade() {
                        job.timer.lock().take_if(|set| *set <= at);
                        job.wake();
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn runs_again_until_done() {
        let pool = Pool::new(2).unwrap();
        let (send, receive) = channel();
        let count = AtomicUsize::new(0);
        pool.spawn(move || {
            if count.fetch_add(1, Ordering::Relaxed) < 9 {
                return Next::Again;
            }
            send.send(()).unwrap();
            Next::Done
        });
        receive.recv_timeout(Duration::from_secs(60)).unwrap();
    }

    #[test]
    fn wakes_and_timers_run_a_waiting_job() {
        let pool = Pool::new(1).unwrap();
        let (send, receive) = channel();
        let count = AtomicUsize::new(0);
        let job = pool.spawn(move || {
            let n = count.fetch_add(1, Ordering::Relaxed);
            send.send(n).unwrap();
            if n == 1 { Next::At(Instant::now() + Duration::from_millis(1)) } else { Next::Wait }
        });
        assert_eq!(receive.recv_timeout(Duration::from_secs(60)), Ok(0));
        job.wake();
        assert_eq!(receive.recv_timeout(Duration::from_secs(60)), Ok(1));
        assert_eq!(receive.recv_timeout(Duration::from_secs(60)), Ok(2), "by its timer");
    }
}
