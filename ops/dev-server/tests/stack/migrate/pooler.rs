//! PgBouncer in front of the database: refused in transaction mode, used in session mode.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::{complaint, succeeded, Server};
use crate::harness::{is_open, wait_for};

/// PgBouncer is a package of every distribution. CI has it; elsewhere these tests say that they did not run.
fn pgbouncer() -> Option<PathBuf> {
    let found = [
        "/usr/sbin/pgbouncer",
        "/usr/bin/pgbouncer",
        "/opt/homebrew/bin/pgbouncer",
    ]
    .map(PathBuf::from)
    .into_iter()
    .find(|path| path.exists());
    assert!(
        found.is_some() || std::env::var_os("CI").is_none(),
        "pgbouncer is not installed (Debian: apt-get install pgbouncer)"
    );
    if found.is_none() {
        eprintln!("not tried: pgbouncer is not installed");
    }
    found
}

struct Bouncer {
    child: Child,
    port: u16,
}

impl Bouncer {
    fn start(server: &Server, mode: &str, more: &str) -> Option<Self> {
        let program = pgbouncer()?;
        let port = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let [_, database_port] = server.stack.ports();
        let folder = server.place.path(&format!("pgbouncer-{port}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("users"), "\"tasker\" \"tasker\"\n").unwrap();
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={database_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = plain\nauth_file = {users}\npool_mode = {mode}\nlogfile = {log}\n{more}\n",
            users = folder.join("users").display(),
            log = folder.join("log").display(),
        );
        let file = folder.join("pgbouncer.ini");
        fs::write(&file, text).unwrap();
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        let mut command = Command::new(program);
        if nix::unistd::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        let child = command
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for("pgbouncer", || is_open(port));
        Some(Self { child, port })
    }

    fn url(&self, database: &str) -> String {
        format!(
            "postgresql://tasker:tasker@127.0.0.1:{}/{database}",
            self.port
        )
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LENIENT: &str = "ignore_startup_parameters = extra_float_digits";

#[tokio::test]
async fn in_transaction_mode_it_is_refused_however_it_hands_out_connections() {
    let mut server = Server::start().await;
    server.database("pooled").await;
    let round_robin = format!("{LENIENT}\nserver_round_robin = 1\nmin_pool_size = 3");
    let transaction = "pooler in transaction mode";
    for (more, wanted) in [
        (LENIENT, transaction),
        (&round_robin, transaction),
        ("", "unsupported startup parameter"),
    ] {
        let Some(bouncer) = Bouncer::start(&server, "transaction", more) else {
            return;
        };
        let said = complaint(&server.migrate(&bouncer.url("pooled"), &[]));
        assert!(
            said.contains(wanted) && said.contains("session"),
            "{more}: {said}"
        );
    }
    server.stack.stop();
}

#[tokio::test]
async fn in_session_mode_it_works() {
    let mut server = Server::start().await;
    server.database("pooled").await;
    let Some(bouncer) = Bouncer::start(&server, "session", LENIENT) else {
        return;
    };
    succeeded(&server.migrate(&bouncer.url("pooled"), &[]));
    drop(bouncer);
    succeeded(&server.migrate(&server.url("pooled"), &["--check"]));
    server.stack.stop();
}
