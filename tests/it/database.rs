//! PostgreSQL as a source, against a real server that the test makes in a temporary folder and runs as a user without rights.

use crate::dsl::World;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The server refuses to run as root, so that a test that does hands it to this user (nobody on most systems).
const NOBODY: u32 = 65_534;

const PASSWORD: &str = "hunter-2-and-more";

/// A running server; it ends with the test.
struct Server {
    data: tempfile::TempDir,
    port: u16,
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// A program of the server: on the path, or where Debian puts it.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join(name));
    let of_debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let of_debian = of_debian.map(|version| version.path().join("bin").join(name));
    // A wrapper on the path may want a user's settings; the server's own program wants none.
    of_debian.chain(on_path).find(|program| program.exists()).unwrap_or_default()
}

fn call(command: &mut Command) -> Output {
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let answer = command.stdin(Stdio::null()).output().unwrap();
    assert!(answer.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&answer.stderr));
    answer
}

impl Server {
    fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path();
        std::fs::write(folder.join("password"), PASSWORD).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        certificate(folder);
        if is_root() {
            for path in
                [folder.to_owned(), folder.join("password"), folder.join("server.key"), folder.join("server.crt")]
            {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let cluster = folder.join("cluster");
        call(
            Command::new(program("initdb"))
                .current_dir(folder)
                .args(["-D", "cluster", "-U", "owner", "--auth=scram-sha-256", "--pwfile=password", "-E", "UTF8"])
                .args(["--locale=C", "--no-sync"]),
        );
        for name in ["server.key", "server.crt"] {
            call(Command::new("cp").arg("-p").arg(folder.join(name)).arg(&cluster));
        }
        let server = Server { data, port };
        server.control("start");
        server
    }

    fn control(&self, what: &str) {
        let folder = self.data.path();
        let options = format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1 -c ssl=on -c fsync=off -c log_statement=all",
            self.port,
            folder.display()
        );
        call(
            Command::new(program("pg_ctl"))
                .current_dir(folder)
                .args(["-D", "cluster", "-l", "log", "-w", "-m", "immediate", "-o", &options, what])
                .stdout(Stdio::null()),
        );
    }

    fn url(&self, user: &str, more: &str) -> String {
        format!("postgres://{user}:{PASSWORD}@127.0.0.1:{}/postgres{more}", self.port)
    }

    /// Runs statements as the owner.
    fn execute(&self, sql: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) =
                tokio_postgres::connect(&self.url("owner", "?sslmode=disable"), tokio_postgres::NoTls).await.unwrap();
            let connection = tokio::spawn(connection);
            client.batch_execute(sql).await.unwrap();
            drop(client);
            connection.await.unwrap().unwrap();
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.control("stop");
    }
}

/// A certificate for 127.0.0.1 that it signs itself.
fn certificate(folder: &Path) {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "server.key", "-out", "server.crt"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::set_permissions(folder.join("server.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
}

const TABLES: &str = r#"
create schema crm;
create table crm."Customer" (
    id bigint primary key,
    name text not null,
    currency char(3),
    seats numeric(20,6),
    labels text[],
    extra jsonb,
    is_gone boolean not null default false,
    changed_at timestamptz
);
insert into crm."Customer" values
    (1, 'Ada & Söhne', 'USD', 12.500000, '{a,"b c"}', '{"k": 1.10}', false, '2026-06-01 10:00:00+02'),
    (9007199254740993, E'tab\there\\', 'JPY', 99999999999999.123456, null, null, false, '2026-06-02 00:00:00.123456+00'),
    (3, '', null, null, '{}', '[]', false, null);
create table crm.open_ticket (ticket_id text primary key, customer_id bigint, opened timestamp, priority text);
insert into crm.open_ticket values ('t-1', 1, '2026-06-03 10:00:00', 'high'), ('t-2', 1, '2026-06-04 11:00:00', null);
create role reader login password 'hunter-2-and-more';
grant usage on schema crm to reader;
grant select on all tables in schema crm to reader;
"#;

const ACCOUNT: &str = "/*---\ntitle = \"Accounts of the customers' table\"\nowner = \"data\"\n---*/\n\
    select\n    cast(id as varchar) as account_id,\n    name,\n    trim(currency) as currency,\n    extra as industry,\n    \
    labels as segment\nfrom landed.customer\n";

const TICKET: &str = "/*---\ntitle = \"Tickets\"\nowner = \"data\"\n---*/\n\
    select\n    ticket_id,\n    cast(customer_id as varchar) as account_id,\n    opened as created_at,\n    priority\nfrom landed.ticket\n";

fn job(more: &str) -> String {
    format!(
        r#"name = "books"
warehouse = "warehouse"
[company]
currency = "USD"
[sources.app]
system = "postgres"
url = {{ env = "APP_DATABASE_URL" }}
[sources.app.tables.customer]
from = "crm.Customer"
cursor = "changed_at"
deleted_flag = "is_gone"
{more}
[sources.app.tables.ticket]
from = "crm.open_ticket"
[sources.app.entities]
account = "account.sql"
ticket = "ticket.sql"
"#
    )
}

fn world(more: &str) -> World {
    let world = World::new();
    world.file("job.toml", job(more)).file("account.sql", ACCOUNT).file("ticket.sql", TICKET);
    world
}

fn run(world: &World, url: &str, as_of: &str) -> crate::dsl::Call {
    let url = ("APP_DATABASE_URL".to_owned(), url.to_owned());
    world.tailwater(&["run", "job.toml", "--as-of", as_of, "--select", "account_health"]).envs(&[url])
}

fn ask(world: &World, query: &str) -> String {
    let url = ("APP_DATABASE_URL".to_owned(), "postgres://nobody@127.0.0.1:1/none".to_owned());
    world.tailwater(&["sql", "job.toml", query, "--format", "csv"]).envs(&[url]).run().stdout
}

#[test]
fn tables_land_as_they_are_and_follow_what_changes() {
    let server = Server::start();
    server.execute(TABLES);
    let world = world("full_scan_days = 30");
    run(&world, &server.url("reader", ""), "2026-06-30").run();
    let accounts = "select account_id, account_name from account_health order by account_id";
    assert_eq!(ask(&world, accounts), "account_id,account_name\n1,Ada & Söhne\n3,\n9007199254740993,tab\there\\\n");
    server.execute(
        "update crm.\"Customer\" set name = 'Ada', changed_at = '2026-06-30 08:00:00+00' where id = 1;
         update crm.\"Customer\" set is_gone = true, changed_at = '2026-06-30 09:00:00+00' where id = 9007199254740993;
         insert into crm.\"Customer\" (id, name, changed_at) values (4, 'New', '2026-06-30 09:00:00+00');
         delete from crm.open_ticket where ticket_id = 't-2';",
    );
    run(&world, &server.url("reader", ""), "2026-06-30").run();
    let accounts = "select account_id, account_name from latest.account_health order by account_id";
    assert_eq!(ask(&world, accounts), "account_id,account_name\n1,Ada\n3,\n4,New\n");
}

#[test]
fn nothing_is_written_and_no_password_shown() {
    let server = Server::start();
    server.execute(TABLES);
    // A view that writes when it is read.
    server.execute(
        "create table crm.trace (at timestamptz);
         grant insert on crm.trace to reader;
         create function crm.leave_trace() returns text language sql volatile as
             $$ insert into crm.trace values (now()) returning at::text $$;
         create view crm.sly as select 1 as id, crm.leave_trace() as name;
         grant select on crm.sly to reader;",
    );
    let world = world("");
    let sly = job("")
        .replace("crm.Customer", "crm.sly")
        .replace("cursor = \"changed_at\"\ndeleted_flag = \"is_gone\"", "key = [\"id\"]");
    world.file("job.toml", sly);
    let answer = run(&world, &server.url("reader", ""), "2026-06-30").status(69).stderr("read-only transaction").run();
    assert!(!answer.stderr.contains(PASSWORD), "{}", answer.stderr);
    for path in crate::dsl::files_under(&world.path("warehouse")) {
        let bytes = std::fs::read(&path).unwrap();
        let shows = bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
        assert!(!shows, "{} holds the password", path.display());
    }
    world.file(
        "job.toml",
        job("").replace("{ env = \"APP_DATABASE_URL\" }", &format!("\"{}\"", server.url("reader", ""))),
    );
    world.tailwater(&["check", "job.toml"]).status(64).stderr("password").run();
}

#[test]
fn a_certificate_is_checked_where_the_address_says_so() {
    let server = Server::start();
    server.execute(TABLES);
    let world = world("");
    std::fs::copy(server.data.path().join("server.crt"), world.path("ca.pem")).unwrap();
    let trusted = format!("?sslmode=verify-full&sslrootcert={}", world.path("ca.pem").display());
    run(&world, &server.url("reader", &trusted), "2026-06-30").run();
    let other = World::new();
    certificate(&other.path(""));
    let wrong = format!("?sslmode=verify-full&sslrootcert={}", other.path("server.crt").display());
    run(&world, &server.url("reader", &wrong), "2026-06-30").status(69).stderr("does not let us in").run();
    run(&world, &server.url("stranger", ""), "2026-06-30").status(69).stderr("stranger@127.0.0.1").run();
}

#[test]
fn what_the_job_names_wrongly_is_said_with_the_right_name() {
    let server = Server::start();
    server.execute(TABLES);
    let world = world("");
    world.file("job.toml", job("").replace("changed_at", "changd_at"));
    run(&world, &server.url("reader", ""), "2026-06-30").status(64).stderr("changd_at").stderr("changed_at").run();
    world.file("job.toml", job("").replace("crm.open_ticket", "crm.closed_ticket"));
    run(&world, &server.url("reader", ""), "2026-06-30").status(64).stderr("closed_ticket").run();
}
