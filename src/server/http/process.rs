//! Figures of the process itself.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Resident memory in bytes; None where the system does not say (anything but Linux).
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// User and system time that all threads of the process have used; None where the system does not say.
pub fn cpu_time() -> Option<Duration> {
    // Fields 14 and 15, in ticks of 1/100 s on every Linux that Rust runs on; the name in field 2 may hold blanks.
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 10))
}

/// How long ago this was first asked; the server asks at its start.
pub fn uptime() -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn linux_says() {
        assert!(super::resident_bytes().is_some_and(|bytes| bytes > 100_000));
        assert!(super::cpu_time().is_some());
    }
}
