//! A directory of a test's own, in memory, gone at its end.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use billiards_video::{Directories, Error, Geometry, Name, Reader, ReaderOptions, Writer, WriterOptions};

use super::size::sized;
use super::{SOON, small};

/// The name under which every test publishes.
pub(crate) const NAME: &str = "cam";

/// A test's own directory.
#[derive(Debug)]
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Place {
        watch();
        Place::below(Path::new("/dev/shm"))
    }

    pub(crate) fn below(parent: &Path) -> Place {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("billiards_video-test-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Place(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The path of a file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The frames file.
    pub(crate) fn frames(&self) -> PathBuf {
        self.file(NAME)
    }

    /// The one file whose name ends so.
    pub(crate) fn ending(&self, suffix: &str) -> PathBuf {
        let found: Vec<String> = self.files().into_iter().filter(|name| name.ends_with(suffix)).collect();
        assert_eq!(1, found.len(), "files that end in {suffix}: {found:?}");
        self.file(&found[0])
    }

    /// The names of everything in it.
    pub(crate) fn files(&self) -> Vec<String> {
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(&self.0).unwrap().flatten().map(name).collect();
        names.sort();
        names
    }

    pub(crate) fn writer_options(&self) -> WriterOptions {
        WriterOptions { directories: Directories::only(&self.0), ..WriterOptions::default() }
    }

    pub(crate) fn reader_options(&self) -> ReaderOptions {
        ReaderOptions { timeout: SOON, directories: Directories::only(&self.0), ..ReaderOptions::default() }
    }

    /// A writer of small frames.
    pub(crate) fn writer(&self) -> Writer {
        self.writer_of(small())
    }

    pub(crate) fn writer_of(&self, geometry: Geometry) -> Writer {
        self.try_writer(geometry, self.writer_options()).unwrap()
    }

    /// A writer of small frames in at most so many buffers.
    pub(crate) fn writer_with(&self, max_buffers: u8) -> Writer {
        self.try_writer(small(), WriterOptions { max_buffers, ..self.writer_options() }).unwrap()
    }

    #[allow(clippy::unused_self, reason = "reads like its neighbours")]
    pub(crate) fn try_writer(&self, geometry: Geometry, options: WriterOptions) -> Result<Writer, Error> {
        Writer::create(&name(), geometry, options)
    }

    /// What keeps a writer of small frames from starting here.
    pub(crate) fn refusal(&self) -> Error {
        self.try_writer(small(), self.writer_options()).expect_err("the writer should be refused")
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::attach(&name(), self.reader_options()).unwrap()
    }

    pub(crate) fn observer(&self) -> Reader {
        let reader = Reader::attach(&name(), ReaderOptions { observe: true, ..self.reader_options() }).unwrap();
        assert!(reader.is_observer().unwrap());
        reader
    }

    /// What keeps a reader from attaching, within a short time-out.
    pub(crate) fn reader_refusal(&self) -> Error {
        let timeout = Duration::from_millis(50);
        Reader::attach(&name(), ReaderOptions { timeout, ..self.reader_options() }).expect_err("nothing to read")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _test_has_failed_already = fs::remove_dir_all(&self.0);
    }
}

/// Ends this process when its tests take too long all together: a test that hangs is a failure too.
fn watch() {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        let limit = Duration::from_secs(sized(300, 3 * 3600));
        thread::spawn(move || {
            thread::sleep(limit);
            let _unheard = writeln!(std::io::stderr(), "a test hangs: still running after {limit:?}");
            std::process::abort();
        });
    });
}

pub(crate) fn name() -> Name {
    Name::new(NAME).unwrap()
}
