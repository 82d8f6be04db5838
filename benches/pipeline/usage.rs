//! What a process has used, as Linux tells it in /proc.

use std::fs;
use std::time::{Duration, Instant};

/// Clock ticks a second in /proc: fixed by the kernel's interface, not by the machine.
const TICKS: u64 = 100;

/// A process from some moment on.
pub struct Usage {
    pid: u32,
    began: Instant,
    cpu: Duration,
}

/// What it used between two moments.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    pub wall: Duration,
    /// User and system time of all its threads.
    pub cpu: Duration,
}

impl Usage {
    pub fn of(pid: u32) -> Usage {
        Usage { pid, began: Instant::now(), cpu: cpu(pid) }
    }

    pub fn of_this() -> Usage {
        Usage::of(std::process::id())
    }

    pub fn so_far(&self) -> Used {
        Used { wall: self.began.elapsed(), cpu: cpu(self.pid).saturating_sub(self.cpu) }
    }
}

fn cpu(pid: u32) -> Duration {
    let stat =
        fs::read_to_string(format!("/proc/{pid}/stat")).expect("this runs on Linux, and the process runs");
    // The second field is a name in parentheses, which may hold blanks; 14 and 15 are user and system time.
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 1_000 / TICKS)
}

/// Resident memory now, in bytes.
pub fn rss(pid: u32) -> u64 {
    status(pid, "VmRSS:")
}

/// The most resident memory that the process ever had, in bytes.
pub fn rss_peak(pid: u32) -> u64 {
    status(pid, "VmHWM:")
}

fn status(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of that name");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1_024
}
