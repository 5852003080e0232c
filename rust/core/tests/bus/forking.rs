//! The other side of `fork`: processes that fork, and what their children try.

#![allow(unsafe_code, reason = "fork has no safe wrapper")]

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use billiards_video::{Error, Name, Reader, ReaderOptions, Reason, Reservation, Stamp, State, Writer, WriterOptions};
use rustix::process::Pid;

use crate::support::place::name;
use crate::support::process::{heard, say};
use crate::support::roles::{reader_options, writer_options};
use crate::support::{pattern, publish, read, small};

pub(crate) fn crowd_names() -> Vec<Name> {
    (0..100).map(|number| Name::new(&format!("cam{number}")).unwrap()).collect()
}

/// Forks a child that does something and ends by `_exit`, as a child of `os.fork` may: no destructor of the parent's
/// frames runs but those that it runs itself. Gives its pid.
fn fork(task: impl FnOnce()) -> Pid {
    // SAFETY: the child runs `task` alone and ends without returning. It has one thread of its parent's; the parent's others
    // wait for lines and hold no lock that the task needs.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        let code = i32::from(catch_unwind(AssertUnwindSafe(task)).is_err());
        // SAFETY: ends the process.
        unsafe { libc::_exit(code) };
    }
    Pid::from_raw(pid).unwrap()
}

fn fork_and_wait(task: impl FnOnce()) {
    let pid = fork(task);
    let status = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty()).unwrap().unwrap().1;
    say(if status.exit_status() == Some(0) { "child ended well" } else { "child failed, see above" });
}

fn fork_and_leave() {
    fork(|| {
        // From the child: until it runs for the first time it has not let go of anything.
        say(&format!("child {}", std::process::id()));
        loop {
            std::thread::sleep(std::time::Duration::from_secs(60)); // until it is killed, whoever else ends
        }
    });
}

fn is_forked<T>(result: &Result<T, Error>) {
    if !matches!(result, Err(Error::Forked)) {
        let _ = writeln!(std::io::stderr(), "a child's handle did not raise");
        panic!();
    }
}

fn raises(reader: &Reader) {
    is_forked(&reader.newest());
    is_forked(&reader.wait(None));
    is_forked(&reader.wait_newer_with(None, &mut || false));
    is_forked(&reader.geometry());
    is_forked(&reader.state());
    is_forked(&reader.epoch());
    is_forked(&reader.path());
    is_forked(&reader.counters());
    is_forked(&reader.status());
    is_forked(&reader.is_observer());
    is_forked(&reader.writer_alive());
    is_forked(&reader.writer_pid());
}

pub(crate) fn writer(directory: &Path) {
    let options = WriterOptions { max_buffers: 4, ..writer_options(directory) };
    let mut slot = Some(Writer::create(&name(), small(), options).unwrap());
    publish(slot.as_mut().unwrap());
    say("writes");
    while let Some(line) = heard() {
        match line.as_str() {
            "publish" => {
                publish(slot.as_mut().unwrap());
                say("published");
            }
            "short child" => fork_and_wait(|| {
                let mut writer = slot.take().unwrap();
                is_forked(&writer.loan());
                is_forked(&writer.write(&pattern::frame(small().frame_bytes(), 0, 0), &Stamp::default()));
                is_forked(&writer.tend());
                is_forked(&writer.reshape(small()));
                is_forked(&writer.set_status(b"the child's"));
                assert!(writer.resume().is_none());
                writer.set_state(State::Failed, Reason::InternalError);
                writer.add_captured(1000);
                writer.close(State::Ended, Reason::EndOfSource);
                // What is the child's own works: it attaches anew, and is refused as any other process is.
                let reader = Reader::attach(&name(), reader_options(directory)).unwrap();
                assert_eq!((State::Live, 0), (reader.state().unwrap().0, reader.counters().unwrap().captured));
                assert_eq!(0, read(&reader).info().frame_number);
                let again = Writer::create(&name(), small(), writer_options(directory));
                assert!(matches!(again, Err(Error::NameInUse { .. })));
            }),
            "long child" => fork_and_leave(),
            _ => panic!("{line}"),
        }
    }
}

pub(crate) fn crowd(directory: &Path) {
    let create = |name| Writer::create(name, small(), writer_options(directory)).unwrap();
    let _writers: Vec<Writer> = crowd_names().iter().map(create).collect();
    say("writes");
    heard();
    fork_and_leave();
    heard();
}

pub(crate) fn reservation(directory: &Path) {
    let mut slot = Some(Reservation::take(&name(), writer_options(directory)).unwrap());
    say("reserved");
    while let Some(line) = heard() {
        match line.as_str() {
            "short child" => fork_and_wait(|| is_forked(&slot.take().unwrap().publish(small()))),
            "long child" => fork_and_leave(),
            _ => panic!("{line}"),
        }
    }
}

pub(crate) fn reader(directory: &Path) {
    let mut handle = Some(Reader::attach(&name(), reader_options(directory)).unwrap());
    let epoch = handle.as_ref().unwrap().epoch().unwrap();
    let mut held = Vec::new();
    let mut line = Some("hold".to_owned());
    while let Some(command) = line {
        match command.as_str() {
            "hold" => {
                held.push(read(handle.as_ref().unwrap()));
                say(&format!("holds {}", held.last().unwrap().info().frame_number));
            }
            "check" => {
                for frame in &held {
                    pattern::check(frame, epoch, frame.info().frame_number);
                }
                say("intact");
            }
            "short child" => fork_and_wait(|| {
                raises(handle.as_ref().unwrap());
                held.clear();
                drop(handle.take());
                let own = Reader::attach(&name(), reader_options(directory)).unwrap();
                drop(read(&own));
            }),
            "long child" => fork_and_leave(),
            _ => panic!("{command}"),
        }
        line = heard();
    }
}

pub(crate) fn observer(directory: &Path) {
    let options = ReaderOptions { observe: true, ..reader_options(directory) };
    let reader = Reader::attach(&name(), options).unwrap();
    say(&format!("reads {}", read(&reader).info().frame_number));
    heard();
    fork_and_wait(|| raises(&reader));
}
