//! The other processes of a test: this very binary again, playing one role, told and heard line by line.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

const ROLE: &str = "BILLIARDS_VIDEO_TEST_ROLE";
/// Separates what a role says from what the test harness prints.
const SAYS: &str = "\u{1}";
const PATIENCE: Duration = Duration::from_secs(30);

/// Another process. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    said: Receiver<String>,
}

impl Process {
    /// Starts a role with its arguments.
    pub(crate) fn start(role: &str, arguments: &[&str]) -> Process {
        Process::run(Command::new("/proc/self/exe"), role, arguments)
    }

    /// Starts a role through a command that runs this binary in a way of its own; only the binary's arguments are missing.
    pub(crate) fn run(mut command: Command, role: &str, arguments: &[&str]) -> Process {
        let mut words = vec![role];
        words.extend(arguments);
        let mut child = command
            .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
            .env(ROLE, words.join("\n"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test binary runs again");
        let (teller, said) = channel();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some((_, said)) = line.split_once(SAYS) {
                    let _nobody_listens_any_more = teller.send(said.to_owned());
                }
            }
        });
        Process { child, said }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it says.
    #[track_caller]
    pub(crate) fn hear(&self) -> String {
        match self.said.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("the other process says nothing"),
            Err(RecvTimeoutError::Disconnected) => panic!("the other process ended early; what it met is above"),
        }
    }

    #[track_caller]
    pub(crate) fn expect(&self, line: &str) {
        assert_eq!(line, self.hear());
    }

    /// What it has said and nobody has heard.
    pub(crate) fn unheard(&self) -> Vec<String> {
        self.said.try_iter().collect()
    }

    /// Fails if it has ended: what it met is above. For who waits for nothing that it says.
    #[track_caller]
    pub(crate) fn expect_alive(&mut self) {
        if let Some(status) = self.child.try_wait().expect("a child") {
            panic!("the other process ended early: {status}; what it met is above");
        }
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().expect("piped"), "{line}").expect("the other process listens");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a pid");
        kill_process(pid, signal).expect("it is there until it is waited for");
    }

    /// Kills it with SIGKILL and waits until the kernel has cleaned up after it. It must have been alive until then.
    #[track_caller]
    pub(crate) fn kill(mut self) {
        self.signal(Signal::KILL);
        let status = self.child.wait().expect("a child");
        assert_eq!(Some(9), status.signal(), "it had ended by itself: {status}; it said {:?}", self.unheard());
    }

    /// Lets it end by itself.
    #[track_caller]
    pub(crate) fn finish(mut self) {
        self.end();
    }

    /// Lets it end by itself, and gives the last line that it has said.
    #[track_caller]
    pub(crate) fn last_word(mut self) -> String {
        self.end();
        self.said.iter().last().expect("it said something")
    }

    #[track_caller]
    fn end(&mut self) {
        drop(self.child.stdin.take());
        let status = self.child.wait().expect("a child");
        assert!(ExitStatus::success(&status), "{status}; it said {:?}", self.unheard());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _may_have_ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// In the other process: the role and its arguments, if this is another process.
pub(crate) fn own_role() -> Option<Vec<String>> {
    env::var(ROLE).ok().map(|words| words.split('\n').map(str::to_owned).collect())
}

/// In the other process: says a line.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{SAYS}{line}").and_then(|()| out.flush()).expect("the test listens");
}

/// In the other process: what it is told, for a role that does not stop to listen. Disconnected when it is to end.
pub(crate) fn hearing() -> Receiver<String> {
    let (teller, told) = channel();
    thread::spawn(move || while heard().is_some_and(|line| teller.send(line).is_ok()) {});
    told
}

/// In the other process: the next line that it is told; `None` when it is to end.
pub(crate) fn heard() -> Option<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("the test's end of the pipe");
    (!line.is_empty()).then(|| line.trim_end().to_owned())
}
