//! How far the kernel itself protects world-writable directories: `fs.protected_*`, set for a while.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// The settings, and the highest value of each.
const SETTINGS: [(&str, u32); 4] =
    [("protected_regular", 2), ("protected_fifos", 2), ("protected_hardlinks", 1), ("protected_symlinks", 1)];

/// Sets each file to its value, says so, waits for the end of its input, and sets them back: whatever became of who started
/// it. One at a time on this machine.
const SET_FOR_A_WHILE: &str = r#"
trap '' HUP INT PIPE TERM
cd /proc/sys/fs && exec 8<protected_regular && flock 8 || exit 1
for setting in "$@"; do
    file=${setting%=*}
    before="$before $file=$(cat $file)" || exit 1
done
for setting in "$@"; do echo ${setting#*=} >${setting%=*} || failed=1; done
[ "$failed" ] || { echo set; cat >/dev/null; }
for setting in $before; do echo ${setting#*=} >${setting%=*}; done
"#;

/// The protection of world-writable directories is at one level until this is dropped.
#[derive(Debug)]
pub(crate) struct Protection(Child);

impl Protection {
    /// Sets it: 0 is off, 2 is all there is. `None` where the system does not let us, which is said.
    pub(crate) fn set(level: u32) -> Option<Protection> {
        let settings = SETTINGS.map(|(file, highest)| format!("{file}={}", level.min(highest)));
        let mut child = Command::new("sh")
            .process_group(0) // what is meant for the tests' group is not for this one
            .args(["-c", SET_FOR_A_WHILE, "sh"])
            .args(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut said = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut said).expect("its answer");
        if said != "set\n" {
            let _gone = child.wait();
            let _unheard =
                writeln!(std::io::stderr(), "NOT TESTED, it may not be set here: fs.protected_* at level {level}");
            return None;
        }
        Some(Protection(child))
    }
}

impl Drop for Protection {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _set_back = self.0.wait();
    }
}
