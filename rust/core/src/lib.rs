//! One camera, many processes: the newest video frame in shared memory, without copy, lock or wait.
//!
//! One [`Writer`] publishes frames under a [`Name`]; any number of [`Reader`]s, in any processes of the machine, take the
//! newest one in place. The writer never waits for a reader, no reader ever sees half a frame, and `kill -9` of either
//! costs nobody anything. It is for frames and other large values of which only the newest counts. It is not a queue: a
//! reader that is slow misses frames, and is told how many.
//!
//! Copying in and out:
//!
//! ```
//! # let directory = std::env::temp_dir().join(format!("bv-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&directory).unwrap();
//! use billiards_video::{Directories, Format, Geometry, Name, Reader, ReaderOptions, Stamp, Writer, WriterOptions};
//!
//! let name = Name::new("camera")?;
//! let directories = Directories::only(&directory); // Directories::standard() is /dev/shm and what may stand in for it
//! let options = WriterOptions { directories: directories.clone(), ..WriterOptions::default() };
//! let mut writer = Writer::create(&name, Geometry::new(4, 2, Format::Gray8)?, options)?;
//! let reader = Reader::attach(&name, ReaderOptions { directories, ..ReaderOptions::default() })?;
//!
//! writer.write(&[7; 8], &Stamp::default())?;
//! let mut pixels = [0; 8];
//! let frame = reader.newest()?.expect("a frame was published");
//! frame.copy_to(&mut pixels)?;
//! assert_eq!([7; 8], pixels);
//! # Ok::<(), billiards_video::Error>(())
//! ```
//!
//! In place, on both sides: the writer fills a [`Loan`], the reader looks at the shared buffer for as long as it keeps the
//! [`Frame`].
//!
//! ```
//! # let directory = std::env::temp_dir().join(format!("bv-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&directory).unwrap();
//! # use billiards_video::*;
//! # let name = Name::new("loans")?;
//! # let directories = Directories::only(&directory);
//! # let options = WriterOptions { directories: directories.clone(), ..WriterOptions::default() };
//! # let mut writer = Writer::create(&name, Geometry::new(4, 2, Format::Gray8)?, options)?;
//! # let reader = Reader::attach(&name, ReaderOptions { directories, ..ReaderOptions::default() })?;
//! if let Some(mut loan) = writer.loan()? {
//!     loan.pixels().fill(9); // stale bytes of an older frame until then
//!     loan.publish(&Stamp { frame_number: Some(41), ..Stamp::default() })?;
//! } // else: readers hold every buffer, the frame is dropped and counted
//!
//! let frame = reader.newest()?.expect("a frame was published");
//! assert_eq!((41, 9), (frame.info().frame_number, frame[0]));
//! # Ok::<(), billiards_video::Error>(())
//! ```
//!
//! Waiting, across restarts of the writer and changes of size, until the source ends:
//!
//! ```
//! # let directory = std::env::temp_dir().join(format!("bv-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&directory).unwrap();
//! # use billiards_video::*;
//! # let name = Name::new("waits")?;
//! # let directories = Directories::only(&directory);
//! # let options = WriterOptions { directories: directories.clone(), ..WriterOptions::default() };
//! # let mut writer = Writer::create(&name, Geometry::new(4, 2, Format::Gray8)?, options)?;
//! # let reader = Reader::attach(&name, ReaderOptions { directories, ..ReaderOptions::default() })?;
//! # let source = std::thread::spawn(move || {
//! #     writer.write(&[7; 8], &Stamp::default()).unwrap();
//! #     writer.close(State::Ended, Reason::EndOfSource);
//! # });
//! loop {
//!     match reader.wait(None) {
//!         Ok(Some(frame)) => println!("frame {}, {} missed", frame.info().frame_number, frame.info().missed),
//!         Ok(None) => unreachable!("without a time-out, a wait gives a frame or an error"),
//!         Err(Error::EndOfStream { .. }) => break,
//!         Err(error) => return Err(error),
//!     }
//! }
//! # source.join().unwrap();
//! # Ok::<(), billiards_video::Error>(())
//! ```
//!
//! # How it works
//!
//! A segment is a file in tmpfs with a header page and three or more buffers. Which buffer is the newest is one atomic
//! word; which buffers are in use is said by readers in a second file, one line each; who lives is said by the kernel,
//! through locks that die with their owners. `protocol.rs` has the argument and is explored by a model checker;
//! `docs/segment-layout.md` has every byte.
//!
//! # What is not promised
//!
//! Code that runs as the same user can kill, overwrite or truncate anything; that is not defended. Bytes of a held frame
//! do not change as long as no writer breaks the rules of [`Loan`] and [`SlotView`]. Linux only.
#[cfg(not(target_os = "linux"))]
compile_error!("billiards-video stands on Linux: tmpfs, futexes and open-file-description locks");
#[cfg(not(target_pointer_width = "64"))]
compile_error!("billiards-video maps up to 16 buffers of 2^30 bytes: this machine's addresses are too short");
#[cfg(target_endian = "big")]
compile_error!("billiards-video shares little-endian memory: this machine is big-endian");

mod attachment;
mod bell;
mod clock;
mod directories;
mod error;

mod figures;
mod files;
mod following;
mod fork;
mod frame;
mod frame_info;
mod geometry;
mod layout;
mod lease;
mod loan;
mod lock;
mod mapping;
mod name;
mod notice;
mod predecessor;
mod protocol;
mod reader;
mod reservation;
mod rhythm;
mod right;
mod roster;
mod search;
mod segment;
mod state;
mod status;
mod streaming_copy;
mod sync;
mod tend;
mod view;
mod waiting;
mod wake;
mod writer;

pub use directories::Directories;
pub use error::Error;
pub use figures::{Counters, ReaderFigures, WriterStats};
pub use frame::{BufferView, Frame};
pub use frame_info::{FrameInfo, Stamp};
pub use geometry::{Format, Geometry, MAX_SIDE};
pub use loan::{Loan, SlotAddress, SlotView};
pub use name::Name;
pub use notice::Notice;
pub use reader::{Reader, ReaderOptions};
pub use reservation::Reservation;
pub use rhythm::Anticipation;
pub use segment::Access;
pub use state::{Reason, State};
pub use writer::{Writer, WriterOptions};

/// The README's examples in Rust, which are compiled with the crate's own.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
