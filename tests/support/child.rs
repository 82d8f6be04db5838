//! Child processes that end with this one, also when this one is killed.

use std::process::{Child, Command};
use std::sync::LazyLock;
use std::sync::mpsc::{Sender, channel};

/// Starts it from a thread that lives as long as this process: the signal below is sent when the thread that forked
/// ends, and tests run on threads of their own.
pub fn spawn(mut command: Command) -> Child {
    type Job = (Command, Sender<Child>);
    static SPAWNER: LazyLock<Sender<Job>> = LazyLock::new(|| {
        let (sender, jobs) = channel::<Job>();
        std::thread::spawn(move || {
            for (mut command, answer) in jobs {
                let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
                let _ = answer.send(child);
            }
        });
        sender
    });
    die_with_parent(&mut command);
    let (answer, child) = channel();
    SPAWNER.send((command, answer)).expect("the spawner runs");
    child.recv().expect("the program is there")
}

/// Has the child killed when this process ends, however it ends.
#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    // SAFETY: prctl is async-signal-safe and touches only the new process.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent(_command: &mut Command) {}
