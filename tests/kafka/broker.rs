//! A real Kafka for tests and benchmarks: one broker in KRaft mode, on a free port, in a directory of its own.
//!
//! Its jars come from Maven Central by `pom.xml` beside this file, once per target directory. Where no JDK or no
//! Maven is found, [`Broker::start`] says "skipped: …" and returns None.
//!
//! The broker dies with the process that started it, also when that is killed.

#![allow(dead_code)] // Each includer uses a part of it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, OnceLock};
use std::time::{Duration, Instant};

use crate::child;

/// What `kafka-storage format` and `start` both want; any 16 bytes in base64 do.
const CLUSTER_ID: &str = "cml2ZXJtaWxsLXRlc3RzMA";
/// How long a broker may take to answer. It takes about 5 s on an idle machine.
const START_WAIT: Duration = Duration::from_secs(120);
/// A modest heap: it serves small tests beside other work.
const HEAP_MIB: u32 = 512;
/// Another process may take a port between our look and the broker's bind.
const PORT_TRIES: usize = 5;

/// A running broker, or one that was stopped and can be started again.
pub struct Broker {
    dir: tempfile::TempDir,
    port: u16,
    heap_mib: u32,
    child: Option<Child>,
}

/// The broker that all tests of this process share. Tests keep apart by topic names.
pub fn shared() -> Option<&'static Broker> {
    static SHARED: LazyLock<Option<Broker>> = LazyLock::new(Broker::start);
    SHARED.as_ref()
}

impl Broker {
    /// Starts a broker, or says why not and returns None.
    pub fn start() -> Option<Broker> {
        Broker::start_with_heap(HEAP_MIB)
    }

    /// As [`Broker::start`], with so many MiB for the broker's heap.
    pub fn start_with_heap(heap_mib: u32) -> Option<Broker> {
        for (program, name) in [("java", "JDK"), ("mvn", "Maven")] {
            if !runs(program) {
                println!("skipped: no {name}");
                return None;
            }
        }
        jars();
        for _ in 0..PORT_TRIES {
            let [port, controller] = free_ports();
            let dir = data_dir();
            configure(dir.path(), port, controller);
            let mut broker = Broker { dir, port, heap_mib, child: None };
            broker.format();
            if broker.try_start() {
                return Some(broker);
            }
        }
        panic!("the broker did not start");
    }

    pub fn bootstrap_servers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills the broker; its data stay. As a crash of the machine: nothing is flushed or handed over.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again on the same port with the same data.
    pub fn start_again(&mut self) {
        self.stop();
        // The port is ours as long as nobody else took it; connections that linger do not hold it.
        assert!(self.try_start(), "the broker did not come back: {}", self.log_end());
    }

    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    fn format(&self) {
        let output = java(self.dir.path(), self.heap_mib)
            .args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"])
            .arg(self.dir.path().join("server.properties"))
            .output()
            .expect("java runs");
        assert!(output.status.success(), "StorageTool: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// False if it ended by itself, as it does when a port was lost.
    fn try_start(&mut self) -> bool {
        let out = File::options().create(true).append(true).open(self.dir.path().join("broker.log"));
        let out = out.expect("a file for the broker's log");
        let mut command = java(self.dir.path(), self.heap_mib);
        command
            .arg("kafka.Kafka")
            .arg(self.dir.path().join("server.properties"))
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a second handle"))
            .stderr(out);
        self.child = Some(child::spawn(command));
        let until = Instant::now() + START_WAIT;
        while Instant::now() < until {
            let exited = self.child.as_mut().and_then(|c| c.try_wait().ok().flatten());
            if exited.is_some() {
                self.child = None;
                return false;
            }
            if answers(self.port) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the broker does not answer: {}", self.log_end());
    }

    fn log_end(&self) -> String {
        let log = fs::read_to_string(self.dir.path().join("broker.log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

fn runs(program: &str) -> bool {
    let version = if program == "java" { "-version" } else { "--version" };
    Command::new(program)
        .arg(version)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// A JVM with Kafka on its class path.
fn java(dir: &Path, heap_mib: u32) -> Command {
    let mut command = Command::new("java");
    command
        .args(["-Xms256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=4"])
        .arg(format!("-Xmx{heap_mib}m"))
        .arg(format!("-Dlog4j2.configurationFile={}", dir.join("log4j2.properties").display()))
        .arg("-cp")
        .arg(format!("{}/*", jars().display()));
    command
}

/// The directory with Kafka's jars, filled by the first caller of all processes.
fn jars() -> &'static Path {
    static JARS: OnceLock<PathBuf> = OnceLock::new();
    JARS.get_or_init(|| {
        let pom = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/pom.xml");
        let wanted = fs::read_to_string(&pom).expect("tests/kafka/pom.xml");
        let dir = target_dir().join("kafka-jars");
        fs::create_dir_all(&dir).expect("a directory for the jars");
        let lock = File::create(dir.join("lock")).expect("a lock file");
        lock.lock().expect("the lock");
        // The marker holds the pom it was filled by, so another version fetches anew.
        let marker = dir.join("complete");
        let jars = dir.join("lib");
        if fs::read_to_string(&marker).is_ok_and(|filled_by| filled_by == wanted) {
            return jars;
        }
        let _ = fs::remove_dir_all(&jars);
        let output = Command::new("mvn")
            .args(["-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-f"])
            .arg(&pom)
            .arg(format!("-DoutputDirectory={}", jars.display()))
            .output()
            .expect("mvn runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "Kafka could not be fetched from Maven Central:\n{said}");
        fs::write(&marker, wanted).expect("the marker");
        jars
    })
}

/// The target directory: where the running executable is, two or three levels up.
fn target_dir() -> PathBuf {
    if let Some(dir) = option_env!("CARGO_TARGET_TMPDIR") {
        return dir.into();
    }
    let exe = std::env::current_exe().expect("the path of this program");
    let target = exe.ancestors().find(|dir| dir.join("CACHEDIR.TAG").exists());
    target.map_or_else(std::env::temp_dir, |dir| dir.join("tmp"))
}

/// A directory for a broker's data, named for this process. The shared broker is never dropped, so what ended
/// processes left is removed here.
fn data_dir() -> tempfile::TempDir {
    let base = target_dir().join("kafka-data");
    fs::create_dir_all(&base).expect("a directory for the brokers' data");
    if Path::new("/proc/self").exists() {
        for entry in fs::read_dir(&base).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let pid = name.to_string_lossy().split('-').next().and_then(|pid| pid.parse::<u32>().ok());
            if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
    let prefix = format!("{}-", std::process::id());
    tempfile::Builder::new().prefix(&prefix).tempdir_in(base).expect("a directory for the broker")
}

/// Two different ports that were free a moment ago.
fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"));
    listeners.map(|l| l.local_addr().expect("a bound port").port())
}

/// Nothing is deleted for its age: the event times of tests are long ago.
fn configure(dir: &Path, port: u16, controller: u16) {
    let data = dir.join("data");
    let properties = format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={}
num.partitions=1
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.initial.task.delay.ms=500
log.retention.ms=-1
socket.request.max.bytes=209715200
",
        data.display()
    );
    fs::write(dir.join("server.properties"), properties).expect("the broker's settings");
    let log = "rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c: %m%n
";
    fs::write(dir.join("log4j2.properties"), log).expect("the broker's log settings");
}

/// Whether the broker answers a request for its API versions (version 0, the smallest request there is).
fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        // Size; API key 18, version 0; correlation id 7; client id "t".
        socket.write_all(&[0, 0, 0, 11, 0, 18, 0, 0, 0, 0, 0, 7, 0, 1, b't'])?;
        let mut answer = [0; 10];
        socket.read_exact(&mut answer)?;
        // Size; the correlation id; no error.
        Ok(answer[4..] == [0, 0, 0, 7, 0, 0])
    };
    ask().unwrap_or(false)
}
