//! Processes that stand elsewhere: with another file system, in a container, as another user.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::process::Process;

/// Starts a role where `options` (of `mount -t tmpfs -o`) are mounted over a directory; see [`Elsewhere::start`].
pub(crate) fn with_tmpfs(directory: &Path, options: &str, role: &str, arguments: &[&str]) -> Option<Process> {
    with_tmpfs_and(directory, options, &[], role, arguments)
}

/// The same, with variables in its environment.
pub(crate) fn with_tmpfs_and(
    directory: &Path,
    options: &str,
    environment: &[(&str, &Path)],
    role: &str,
    arguments: &[&str],
) -> Option<Process> {
    let elsewhere = Elsewhere::new().tmpfs(directory, options);
    environment.iter().fold(elsewhere, |there, (key, value)| there.variable(key, value)).start(role, arguments)
}

/// Where and as whom a role is to run: at first with mounts of its own, the rest as here.
#[derive(Clone, Debug)]
pub(crate) struct Elsewhere {
    namespaces: Vec<&'static str>,
    /// Commands that set it up.
    steps: Vec<String>,
    /// What the role is started by.
    becoming: String,
    is_container: bool,
    environment: Vec<(String, String)>,
}

impl Elsewhere {
    pub(crate) fn new() -> Elsewhere {
        let is_root = rustix::process::geteuid().is_root();
        Elsewhere {
            // Root stays what it is, so that other users are there too; others are root to themselves alone.
            namespaces: if is_root { vec!["--mount"] } else { vec!["--mount", "--user", "--map-root-user"] },
            steps: Vec::new(),
            becoming: String::new(),
            is_container: false,
            environment: Vec::new(),
        }
    }

    /// In a container: processes, IPC, host name, network and control groups of its own. Of the memory that is shared here
    /// it sees `shared` alone, as its /dev/shm. Its first process is a shell, which waits for the role.
    pub(crate) fn container(shared: &Path) -> Elsewhere {
        let mut there = Elsewhere::new().bind(shared, "/dev/shm").tmpfs(Path::new("/tmp"), "size=1m");
        there.namespaces.extend([
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--ipc",
            "--uts",
            "--net",
            "--cgroup",
        ]);
        there.is_container = true;
        there
    }

    /// With a tmpfs over a directory.
    pub(crate) fn tmpfs(self, directory: &Path, options: &str) -> Elsewhere {
        self.step(format!("mount -t tmpfs -o '{options}' tmpfs '{}'", directory.display()))
    }

    /// With one directory in the place of another.
    pub(crate) fn bind(self, from: &Path, to: &str) -> Elsewhere {
        self.step(format!("mount --bind '{}' '{to}'", from.display()))
    }

    /// After one more command of a shell.
    pub(crate) fn step(mut self, step: String) -> Elsewhere {
        self.steps.push(step);
        self
    }

    /// As another user, with a group of the same number and no others but those given.
    pub(crate) fn user(mut self, user: u32, groups: &[u32]) -> Elsewhere {
        let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
        let groups =
            if groups.is_empty() { "--clear-groups".to_owned() } else { format!("--groups={}", groups.join(",")) };
        self.becoming = format!("{}setpriv --reuid={user} --regid={user} {groups} ", self.becoming);
        self
    }

    /// In a user namespace of its own, in which the user that it is so far is root, and nobody else is known.
    pub(crate) fn alone(mut self) -> Elsewhere {
        self.becoming += "unshare --user --map-root-user ";
        self
    }

    /// With a variable in its environment.
    pub(crate) fn variable(mut self, key: &str, value: &Path) -> Elsewhere {
        self.environment.push((key.to_owned(), value.to_str().expect("UTF-8").to_owned()));
        self
    }

    /// Starts a role there. `None` where the system does not allow it: what it would have shown is not tested, which is said.
    pub(crate) fn start(&self, role: &str, arguments: &[&str]) -> Option<Process> {
        let probe = self.command("/bin/true").stdin(Stdio::null()).output();
        if !probe.as_ref().is_ok_and(|probe| probe.status.success()) {
            let why =
                probe.map_or_else(|error| error.to_string(), |probe| String::from_utf8_lossy(&probe.stderr).into());
            let how = [&self.steps[..], std::slice::from_ref(&self.becoming)].concat().join("; ");
            let _unheard = writeln!(std::io::stderr(), "NOT TESTED, {}: {role} ({how})", why.trim_end());
            return None;
        }
        let binary = std::env::current_exe().expect("this binary");
        Some(Process::run(self.command(binary.to_str().expect("UTF-8")), role, arguments))
    }

    fn command(&self, program: &str) -> Command {
        // Through a descriptor: the program may lie where that user may not go, or beneath what is mounted there.
        let mut script = vec!["exec 9<\"$1\"".to_owned()];
        script.extend(self.steps.iter().cloned());
        script.push("shift".to_owned());
        let start = format!("{}/proc/self/fd/9 \"$@\"", self.becoming);
        script.push(if self.is_container { format!("{{ {start}; exit $?; }}") } else { format!("exec {start}") });
        let mut command = Command::new("unshare");
        command.args(&self.namespaces).args(["sh", "-c", &script.join(" && "), "sh", program]);
        command.env_remove("XDG_RUNTIME_DIR").envs(self.environment.iter().map(|(key, value)| (key, value)));
        command
    }
}

/// Kills a container as its runtime would: its first process, with which all others go.
pub(crate) fn kill_container(container: &Process) {
    let outer = container.pid();
    let children = fs::read_to_string(format!("/proc/{outer}/task/{outer}/children")).expect("unshare's only child");
    let first = children.trim().parse().ok().and_then(Pid::from_raw).expect("one pid");
    kill_process(first, Signal::KILL).expect("it lives");
}
