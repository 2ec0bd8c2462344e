//! Files of the table on a local disk, durable when they have their name: written beside it, synced, renamed, and the folder synced.
//!
//! A file that is there is never replaced: every name is used once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use iceberg::io::{FileMetadata, FileRead, FileWrite, InputFile, OutputFile, Storage, StorageConfig, StorageFactory};
use iceberg::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::failpoint::failpoint;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct LocalFilesFactory;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct LocalFiles;

#[typetag::serde(name = "TapedeckLocalFilesFactory")]
impl StorageFactory for LocalFilesFactory {
    fn build(&self, _: &StorageConfig) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(LocalFiles))
    }
}

/// The path of a location such as `file:///home/…`.
pub(super) fn local(location: &str) -> PathBuf {
    PathBuf::from(location.strip_prefix("file://").unwrap_or(location))
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let message = format!("{what} {}", path.display());
    move |error| Error::new(ErrorKind::Unexpected, format!("{message}: {error}")).with_source(error)
}

/// Off the async threads: a disk may take long.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new(ErrorKind::Unexpected, "work on a file broke off").with_source(error))?
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes a folder and those above it that are missing, each durably.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_folder(above)?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => sync_folder(above)?,
        }
    }
    Ok(())
}

/// A file that has no name yet. It is removed unless it gets one.
struct Unfinished {
    file: Option<File>,
    path: PathBuf,
    wanted: PathBuf,
}

impl Unfinished {
    fn create(wanted: PathBuf) -> Result<Self> {
        let folder = wanted.parent().unwrap_or(Path::new("/")).to_owned();
        make_folder(&folder).map_err(failed("making", &folder))?;
        let name = wanted.file_name().unwrap_or_default().to_string_lossy();
        let path = folder.join(format!(".{name}.{}.unfinished", uuid::Uuid::new_v4()));
        let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed("creating", &path))?;
        Ok(Self { file: Some(file), path, wanted })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let file = self.file.as_mut().ok_or_else(closed)?;
        failpoint("cold.file.write").and_then(|()| file.write_all(bytes)).map_err(failed("writing", &self.wanted))
    }

    fn finish(&mut self) -> Result<()> {
        let file = self.file.take().ok_or_else(closed)?;
        let finish = || {
            failpoint("cold.file.sync")?;
            file.sync_all()?;
            failpoint("cold.file.synced")?;
            // Nobody takes the name between the look and the renaming: there is one writer. Linking would refuse by itself, and is
            // not to be had on every disk people carry about.
            if self.wanted.try_exists()? {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::rename(&self.path, &self.wanted)?;
            failpoint("cold.file.named")?;
            sync_folder(self.wanted.parent().unwrap_or(Path::new("/")))
        };
        finish().map_err(failed("finishing", &self.wanted))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // What was not finished is read by nobody, and the clean-up of orphans finds what stays.
        let _ = fs::remove_file(&self.path);
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::DataInvalid, "the file was closed before")
}

#[async_trait]
#[typetag::serde(name = "TapedeckLocalFiles")]
impl Storage for LocalFiles {
    async fn exists(&self, path: &str) -> Result<bool> {
        let path = local(path);
        blocking(move || path.try_exists().map_err(failed("looking for", &path))).await
    }

    async fn metadata(&self, path: &str) -> Result<FileMetadata> {
        let path = local(path);
        blocking(move || Ok(FileMetadata { size: fs::metadata(&path).map_err(failed("looking at", &path))?.len() }))
            .await
    }

    async fn read(&self, path: &str) -> Result<Bytes> {
        let path = local(path);
        blocking(move || fs::read(&path).map(Bytes::from).map_err(failed("reading", &path))).await
    }

    async fn reader(&self, path: &str) -> Result<Box<dyn FileRead>> {
        let path = local(path);
        blocking(move || {
            let file = Arc::new(File::open(&path).map_err(failed("opening", &path))?);
            Ok(Box::new(Reader { file, path }) as Box<dyn FileRead>)
        })
        .await
    }

    async fn write(&self, path: &str, bytes: Bytes) -> Result<()> {
        let wanted = local(path);
        blocking(move || {
            let mut file = Unfinished::create(wanted)?;
            file.write(&bytes)?;
            file.finish()
        })
        .await
    }

    async fn writer(&self, path: &str) -> Result<Box<dyn FileWrite>> {
        let wanted = local(path);
        blocking(move || Ok(Box::new(Writer(Some(Unfinished::create(wanted)?))) as Box<dyn FileWrite>)).await
    }

    async fn delete(&self, path: &str) -> Result<()> {
        let path = local(path);
        blocking(move || match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("deleting", &path)(error)),
            _ => Ok(()),
        })
        .await
    }

    async fn delete_prefix(&self, path: &str) -> Result<()> {
        Err(Error::new(ErrorKind::FeatureUnsupported, format!("{path}: folders are not deleted as a whole")))
    }

    async fn delete_stream(&self, mut paths: BoxStream<'static, String>) -> Result<()> {
        while let Some(path) = paths.next().await {
            self.delete(&path).await?;
        }
        Ok(())
    }

    fn new_input(&self, path: &str) -> Result<InputFile> {
        Ok(InputFile::new(Arc::new(self.clone()), path.to_owned()))
    }

    fn new_output(&self, path: &str) -> Result<OutputFile> {
        Ok(OutputFile::new(Arc::new(self.clone()), path.to_owned()))
    }
}

struct Reader {
    file: Arc<File>,
    path: PathBuf,
}

#[async_trait]
impl FileRead for Reader {
    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let (file, path) = (Arc::clone(&self.file), self.path.clone());
        blocking(move || {
            let length = usize::try_from(range.end.saturating_sub(range.start))
                .map_err(|_| Error::new(ErrorKind::DataInvalid, "a range larger than memory"))?;
            let mut bytes = vec![0; length];
            read_at(&file, &mut bytes, range.start).map_err(failed("reading", &path))?;
            Ok(bytes.into())
        })
        .await
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], from: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, from)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut from: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, from)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[read..];
        from += read as u64;
    }
    Ok(())
}

struct Writer(Option<Unfinished>);

#[async_trait]
impl FileWrite for Writer {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let mut file = self.0.take().ok_or_else(closed)?;
        self.0 = Some(
            blocking(move || {
                file.write(&bytes)?;
                Ok(file)
            })
            .await?,
        );
        Ok(())
    }

    async fn close(&mut self) -> Result<()> {
        let mut file = self.0.take().ok_or_else(closed)?;
        blocking(move || file.finish()).await
    }
}
