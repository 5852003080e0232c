//! A process that is killed where it is told to be: before a chosen instruction, or at a chosen call of the kernel.
//!
//! The victim marks the beginning and the end of its operation with a signal to itself, which the tracer sees and takes
//! away. Between the two marks the tracer has it go from instruction to instruction, or from system call to system call.
//! So the product that is killed is the product that is shipped: there is no code in it that knows of this.

#![allow(unsafe_code, reason = "ptrace, waiting for a thread and a signal to oneself have no safe wrapper")]

use std::io::{Error, Write};
use std::marker::PhantomData;
use std::{fs, ptr, thread};

use libc::{c_int, c_uint, pid_t};
use rustix::process::Signal;

use super::scene::Ready;
use crate::support::process::Process;

const MARK: c_int = libc::SIGUSR2;
/// Added to the number of the signal at a stop for a system call, with the option for it.
const AT_CALL: c_int = 0x80;
/// Stops for system calls look different from others, and no victim outlives its tracer.
const OPTIONS: usize = (libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL) as usize;

/// A place in an operation: after so many stops at system calls (each stops twice, before and behind it) and so many
/// instructions from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub(crate) stops: usize,
    pub(crate) steps: usize,
}

/// Why a victim stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Step,
    Call,
    Mark,
}

/// A process whose acting thread stands still, at a point of its operation.
///
/// It stays in the thread that has seized it: the kernel takes orders from that one alone.
pub(crate) struct Victim<'w> {
    process: Option<Process>,
    thread: pid_t,
    /// What is to happen when it has fallen asleep.
    alarm: Option<Box<dyn FnOnce() + 'w>>,
    stays_in_its_thread: PhantomData<*const ()>,
}

impl<'w> Victim<'w> {
    /// Seizes a process that has named its acting thread and waits for "go", and lets it run to the beginning of its
    /// operation.
    pub(crate) fn begin(mut process: Process, thread: pid_t) -> Victim<'w> {
        seize(thread).expect("seizing it was allowed before");
        process.tell("go");
        let mut victim = Victim { process: Some(process), thread, alarm: None, stays_in_its_thread: PhantomData };
        assert_eq!(Stop::Mark, victim.halt(), "the beginning of the operation");
        victim
    }

    /// What to do, once, when it sleeps in a system call: the thing that it waits for.
    pub(crate) fn when_asleep(&mut self, alarm: impl FnOnce() + 'w) {
        self.alarm = Some(Box::new(alarm));
    }

    /// Lets it run from the beginning of its operation to a point of it, or to its end, where that comes first: how long it
    /// takes may differ a little from one process to the next. Whether it is still in the middle of it.
    pub(crate) fn run_to(&mut self, point: Point) -> bool {
        (0..point.stops).all(|_| self.go_on(libc::PTRACE_SYSCALL) != Stop::Mark)
            && (0..point.steps).all(|_| self.go_on(libc::PTRACE_SINGLESTEP) != Stop::Mark)
    }

    /// Lets it run through its operation: how often it stops at system calls.
    pub(crate) fn count_stops(&mut self) -> usize {
        self.count(libc::PTRACE_SYSCALL)
    }

    /// Lets it run through its operation: how many instructions that takes.
    pub(crate) fn count_steps(&mut self) -> usize {
        self.count(libc::PTRACE_SINGLESTEP)
    }

    fn count(&mut self, how: c_uint) -> usize {
        let mut count = 0;
        while self.go_on(how) != Stop::Mark {
            count += 1;
        }
        count
    }

    /// Lets it go on for good.
    pub(crate) fn let_go(mut self) -> Process {
        // SAFETY: as in `go_on`.
        let result =
            unsafe { libc::ptrace(libc::PTRACE_DETACH, self.thread, ptr::null_mut::<u8>(), ptr::null_mut::<u8>()) };
        assert_eq!(0, result, "letting the victim go: {}", Error::last_os_error());
        self.process.take().expect("not reaped yet")
    }

    /// Sends the signal from which nobody comes back.
    pub(crate) fn strike(&self) {
        self.process.as_ref().expect("not reaped yet").signal(Signal::KILL);
    }

    /// Waits until the kernel has cleaned up after it.
    pub(crate) fn reap(mut self) {
        bury(self.thread);
        self.process.take().expect("not reaped yet").kill();
    }

    pub(crate) fn kill(self) {
        self.strike();
        self.reap();
    }

    fn go_on(&mut self, how: c_uint) -> Stop {
        // SAFETY: the thread is seized by this one and stands still; neither request reads or writes our memory, and
        // there is no signal to deliver.
        let result = unsafe { libc::ptrace(how, self.thread, ptr::null_mut::<u8>(), ptr::null_mut::<u8>()) };
        assert_eq!(0, result, "letting the victim go on: {}", Error::last_os_error());
        self.halt()
    }

    /// Waits until it stands still.
    fn halt(&mut self) -> Stop {
        let status = loop {
            let how = if self.alarm.is_some() { libc::WNOHANG } else { 0 };
            if let Some(status) = wait_for(self.thread, how).expect("news of the victim") {
                break status;
            }
            match self.alarm.take_if(|_| is_asleep(self.thread)) {
                Some(alarm) => alarm(),
                None => thread::yield_now(),
            }
        };
        assert!(libc::WIFSTOPPED(status), "the victim has ended by itself, with {status:#x}; what it met is above");
        match libc::WSTOPSIG(status) {
            MARK => Stop::Mark,
            libc::SIGTRAP => Stop::Step,
            signal if signal == libc::SIGTRAP | AT_CALL => Stop::Call,
            signal => panic!("the victim was sent signal {signal}"),
        }
    }
}

impl Drop for Victim<'_> {
    fn drop(&mut self) {
        if let Some(process) = &self.process {
            process.signal(Signal::KILL);
            bury(self.thread); // so that dropping the process does not wait for ever
        }
    }
}

/// In the victim: the beginning or the end of its operation. Its tracer takes the signal away.
pub(crate) fn mark() {
    // SAFETY: sends a signal to this thread; its default action, where nobody traces it, is the process's end.
    let failed = unsafe { libc::raise(MARK) };
    assert_eq!(0, failed);
}

/// Whether processes of this one may be traced. Where not, that is said.
pub(crate) fn is_allowed() -> bool {
    let Ready { process, thread } = Ready::hear(Process::start("kills reader", &["nothing", "/"]));
    let refusal = seize(thread).err();
    process.signal(Signal::KILL);
    bury(thread);
    if let Some(error) = &refusal {
        let _unheard = writeln!(std::io::stderr(), "NOT TESTED, ptrace is refused ({error}): kills at injected points");
    }
    refusal.is_none()
}

fn seize(thread: pid_t) -> Result<(), Error> {
    let options = ptr::without_provenance_mut::<u8>(OPTIONS);
    // SAFETY: seizing neither reads nor writes our memory; the thread is one of a process that we have started and not
    // waited for, so its number is not another's.
    let result = unsafe { libc::ptrace(libc::PTRACE_SEIZE, thread, ptr::null_mut::<u8>(), options) };
    if result == 0 { Ok(()) } else { Err(Error::last_os_error()) }
}

/// Waits for a killed thread's end, if it was seized: its tracer is told first, and before that its process does not end
/// for anybody.
fn bury(thread: pid_t) {
    while let Ok(Some(status)) = wait_for(thread, 0)
        && libc::WIFSTOPPED(status)
    {}
}

/// Waits for news of a seized thread: its status, or nothing yet.
fn wait_for(thread: pid_t, how: c_int) -> Result<Option<c_int>, Error> {
    let mut status = 0;
    // SAFETY: the status is ours for the length of the call.
    match unsafe { libc::waitpid(thread, &raw mut status, libc::__WALL | how) } {
        -1 => Err(Error::last_os_error()),
        0 => Ok(None),
        _ => Ok(Some(status)),
    }
}

fn is_asleep(thread: pid_t) -> bool {
    let stat = fs::read_to_string(format!("/proc/{thread}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S"))
}
