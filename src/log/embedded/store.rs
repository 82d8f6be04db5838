//! The store under the log: fjall with its keyspaces, memory bounds, format version and errors.

use std::io;
use std::path::Path;

use fjall::config::CompressionPolicy;
use fjall::{
    CompressionType, Database, Keyspace, KeyspaceCreateOptions, KvSeparationOptions, OwnedWriteBatch,
    PersistMode,
};

use super::super::{LogError, Result};
use super::keys::{FORMAT_KEY, FORMAT_VERSION};

/// The store's cache of what it read from disk.
const CACHE_BYTES: u64 = 32 << 20;
/// Blocks not yet in a table. The store holds at most five times this while the disk is behind.
const BLOCKS_MEMTABLE_BYTES: u64 = 16 << 20;
/// The same for the keyspaces with small values.
const SMALL_MEMTABLE_BYTES: u64 = 4 << 20;
/// What a restart reads again at most, and the disk space beside the data itself.
const JOURNAL_BYTES_MAX: u64 = 128 << 20;
/// One worker flushes while the other compacts.
const WORKER_THREADS: usize = 2;
/// Blocks above this size lie outside the tree, where compaction of the tree does not copy them again and again.
const SEPARATE_BYTES_MIN: u32 = 4 << 10;

/// The open store. [`super::keys`] says what is in which keyspace.
pub(super) struct Store {
    db: Database,
    pub meta: Keyspace,
    pub index: Keyspace,
    pub blocks: Keyspace,
}

impl Store {
    /// Opens or creates the store. Errors: another process has it open, its version is unknown, damage, I/O.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let place = |error: LogError| match error {
            LogError::Unavailable(text) => LogError::Unavailable(format!("{}: {text}", path.display())),
            LogError::Corrupt(text) => LogError::Corrupt(format!("{}: {text}", path.display())),
            error => error,
        };
        Self::open_inner(path).map_err(place)
    }

    fn open_inner(path: &Path) -> Result<Self> {
        // The store makes a path absolute, which is impossible for an empty one.
        if path.as_os_str().is_empty() {
            return Err(LogError::Invalid("the path of the embedded log is empty".into()));
        }
        std::fs::create_dir_all(path).map_err(io_error)?;
        let db = Database::builder(path)
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES_MAX)
            // Blocks come compressed.
            .journal_compression(CompressionType::None)
            .worker_threads(WORKER_THREADS)
            .open()
            .map_err(store_error)?;
        let small = || KeyspaceCreateOptions::default().max_memtable_size(SMALL_MEMTABLE_BYTES);
        let large = || {
            let apart = KvSeparationOptions::default()
                .compression(CompressionType::None)
                .separation_threshold(SEPARATE_BYTES_MIN);
            KeyspaceCreateOptions::default()
                .max_memtable_size(BLOCKS_MEMTABLE_BYTES)
                .data_block_compression_policy(CompressionPolicy::disabled())
                .with_kv_separation(Some(apart))
        };
        let meta = db.keyspace("meta", small).map_err(store_error)?;
        match meta.get(FORMAT_KEY).map_err(store_error)? {
            Some(version) if *version == FORMAT_VERSION.to_le_bytes() => {}
            Some(version) => {
                let version =
                    version.first_chunk().map_or("unknown".into(), |v| u32::from_le_bytes(*v).to_string());
                return Err(LogError::Corrupt(format!(
                    "the embedded log has format version {version}, this build reads version {FORMAT_VERSION}"
                )));
            }
            None if meta.first_key_value().is_some() => {
                return Err(LogError::Corrupt("the embedded log has no format version".into()));
            }
            None => {
                let mut batch = db.batch().durability(Some(PersistMode::SyncAll));
                batch.insert(&meta, FORMAT_KEY, FORMAT_VERSION.to_le_bytes());
                batch.commit().map_err(store_error)?;
            }
        }
        let index = db.keyspace("index", small).map_err(store_error)?;
        let blocks = db.keyspace("blocks", large).map_err(store_error)?;
        Ok(Self { db, meta, index, blocks })
    }

    /// A batch that is on disk, whole, once it is committed. No key may be in it twice.
    pub(super) fn batch(&self) -> OwnedWriteBatch {
        self.db.batch().durability(Some(PersistMode::SyncData))
    }
}

/// What an error of the store means to users of the log.
pub(super) fn store_error(error: fjall::Error) -> LogError {
    match error {
        fjall::Error::Io(error) | fjall::Error::Storage(fjall::LsmError::Io(error)) => io_error(error),
        fjall::Error::Locked => {
            LogError::Unavailable("the data directory is in use by another process".into())
        }
        fjall::Error::Poisoned => LogError::Unavailable(
            "an earlier write to the data directory failed, nothing more is written until a restart".into(),
        ),
        fjall::Error::InvalidVersion(version) => LogError::Corrupt(match version {
            Some(version) => {
                format!("the store has format version {version}, which this build does not read")
            }
            None => "the store has a format version that this build does not read".into(),
        }),
        fjall::Error::KeyspaceDeleted => LogError::Other("the store lost a keyspace".into()),
        error => LogError::Corrupt(format!("the store is damaged: {error}")),
    }
}

fn io_error(error: io::Error) -> LogError {
    LogError::Unavailable(match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("the disk of the data directory is full: {error}")
        }
        _ => format!("the data directory cannot be read or written: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_opening_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let first = Store::open(dir.path()).unwrap();
        let error = Store::open(dir.path()).err().unwrap().to_string();
        assert!(error.ends_with("the data directory is in use by another process"), "{error}");
        drop(first);
        Store::open(dir.path()).unwrap();
    }

    #[test]
    fn a_store_of_the_future_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let mut batch = store.batch();
        batch.insert(&store.meta, FORMAT_KEY, 2u32.to_le_bytes());
        batch.commit().unwrap();
        drop(store);
        let error = Store::open(dir.path()).err().unwrap();
        assert!(matches!(error, LogError::Corrupt(_)), "{error}");
        assert!(error.to_string().ends_with("has format version 2, this build reads version 1"), "{error}");
    }

    #[test]
    fn a_file_is_no_directory() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(Store::open(file.path()), Err(LogError::Unavailable(_))));
    }
}
