//! Processes that see another file system: a small tmpfs, a read-only one.

use std::path::Path;
use std::process::{Command, Stdio};

use super::process::Process;

/// Starts a role where `options` (of `mount -t tmpfs -o`) are mounted over a directory. `None` where the system allows no
/// such namespace, neither to root nor to others: what it would have shown is then not tested, which is said.
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
    let probe = command(directory, options).arg("true").stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        use std::io::Write;
        let _unheard =
            writeln!(std::io::stderr(), "NOT TESTED, no mount namespaces here: {role} on a tmpfs of {options}");
        return None;
    }
    let mut command = command(directory, options);
    command.arg(std::env::current_exe().expect("this binary")).envs(environment.iter().copied());
    Some(Process::run(command, role, arguments))
}

fn command(directory: &Path, options: &str) -> Command {
    let mut command = Command::new("unshare");
    let script = r#"mount -t tmpfs -o "$1" tmpfs "$2" && shift 2 && exec "$@""#;
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", options]).arg(directory);
    command
}
