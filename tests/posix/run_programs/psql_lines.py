"""psql and a PostgreSQL server: scripts, errors, copies, waits for locks."""
import subprocess

import servers
from both_ways import until

NEEDS = ["psql"]

SCRIPT = """
    create temp table animals (id int primary key, name text, legs int);
    \\copy animals from pstdin with (format csv)
1,spider,8
2,"cat, black",4
3,,
\\.
    \\echo -- as a table
    select * from animals order by id;
    \\x on
    select * from animals where legs is not null order by id;
    \\x off
    \\copy (select id, name from animals order by id) to animals.csv with (format csv, header)
    \\! wc -l < animals.csv
    select format('select %s as squared', id * id) from animals order by id \\gexec
    select count(*) as many from animals \\gset
    \\if :many
        \\echo :many of them
    \\endif
    \\o | tr a-z A-Z
    select name from animals where id = 1;
    \\o
    begin; savepoint s; insert into animals values (1); rollback to s; commit;
    \\d animals
    copy animals to stdout;
    do $$ begin raise notice 'noticed'; raise warning 'warned'; end $$;
    \\i no_such_file
    select no_such_column from animals;
    set statement_timeout = 50; select pg_sleep(10);
    select 'after it';
"""
TAKE_LOCK = "select 'has it' from pg_advisory_lock(1);\n"
LOCKED = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%advisory_lock(1)%'"


class Psql:
    def __init__(self, host, port):
        self.command = ["psql", "-X", "-h", host, "-p", str(port), "-U", "brio", "-d", "postgres"]

    def __call__(self, *arguments):
        return [*self.command, *arguments]

    def asked(self, query):
        return subprocess.run(self("-Atc", query), stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


class LockHolder:
    """Another client, which has an advisory lock until somebody waits for it. Each run has its turn."""

    def __init__(self, psql):
        self.psql = psql
        self.take()

    def take(self):
        self.holder = subprocess.Popen(self.psql("-At"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.holder.stdin.write(TAKE_LOCK)
        self.holder.stdin.flush()
        assert self.holder.stdout.readline() == "has it\n"

    def give_when_wanted(self):
        until(lambda: self.psql.asked(LOCKED) == "1")
        self.end()
        self.take()

    def end(self):
        self.holder.communicate()


def compare_waits(both, psql):
    holder = LockHolder(psql)
    both.same(psql("-Atc", TAKE_LOCK), meanwhile=holder.give_when_wanted, says="has it")
    holder.end()
    both.waits(*psql("-c", "select pg_sleep(0.05)"))


def compare_with(both, psql):
    both.same(psql("-Atc", "select generate_series(1, 3)"), says="1\n2\n3\n")
    both.same(psql(), stdin=SCRIPT, says="after it")
    both.same(psql("-v", "ON_ERROR_STOP=1"), stdin="select 1/0;\nselect 'never';\n", status=3, says="division by zero")
    both.same(psql("-c", "select 1/0"), status=1, says="division by zero")
    both.same(psql("--single-transaction", "-c", "create table t ()", "-c", "select * from u"), status=1, says="u")
    both.same(psql("-Atc", "select repeat('x', 1000), generate_series(1, 5000)"), says="|5000\n")
    both.same(psql("-qc", "copy (select generate_series(1, 20000)) to stdout"), says="20000\n")


def compare(both):
    with servers.postgresql() as (port, directory):
        for host in (directory, "127.0.0.1"):
            compare_with(both, Psql(host, port))
        psql = Psql("localhost", port)
        compare_waits(both, psql)
        both.same(psql("-l"), says="template0")
        both.same(psql("-d", "nowhere"), status=2, says="does not exist")
    both.same(psql("-c", "select 1"), status=2, says="Connection refused")
