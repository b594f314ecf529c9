"""sqlite3: a database in a file, and processes that want it at the same time."""

NEEDS = ["sqlite3"]

SCRIPT = """
create table t (id integer primary key, name text, size real);
insert into t (name, size) values ('one', 1.5), ('two', null), ('three''s', 1e9);
.mode box
select * from t;
.mode csv
.headers on
select id, name from t order by id desc;
.output names.txt
select name from t;
.output stdout
.shell cat names.txt
select nothing from t;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
    insert into t (name) select 'n' || i from n;
select count(*), sum(id) from t;
pragma integrity_check;
"""
RESULT = ["sqlite3", "db", "select name, count(*) from t group by name"]

# Both write at the same time, and wait for one another.
TWO_WRITERS = """
    sqlite3 db 'create table t (name text)'
    for who in a b; do
        (echo .timeout 30000; for n in {1..40}; do echo "insert into t values ('$who');"; done) | sqlite3 db &
    done
    wait; sqlite3 db 'select name, count(*) from t group by name'; rm db"""

# One has the lock until the other one is about to want it.
LOCKED = """
    sqlite3 db 'create table t (name text)'; mkfifo begun wanted
    printf '%s\\n' 'begin exclusive;' '.shell echo >begun' '.shell read go <wanted' "insert into t values ('first');" \
        'commit;' | sqlite3 db &
    read go <begun
    sqlite3 -cmd '.timeout 20' db "insert into t values ('too soon')"; echo $?
    printf '%s\\n' '.timeout 30000' '.shell echo >wanted' "insert into t values ('second');" | sqlite3 db; echo $?
    wait; sqlite3 db 'select * from t'"""


def compare(both):
    create = ["sqlite3", "db", "create table t (name text); insert into t values ('kept')"]
    both.same(["sqlite3", "db"], ["sqlite3", "db", ".dump"], says="COMMIT;")
    both.same(["sqlite3", "db"], stdin=SCRIPT, status=1, says="20003,")
    both.same(create, ["sqlite3", "db", ".dump"], says="INSERT INTO t VALUES('kept')")
    both.same(create, ["sqlite3", "-bail", "db"], stdin="select 1;\nselect * from u;\nselect 2;\n", status=1,
              says="no such table: u")
    both.same(create, ["sqlite3", "db", "pragma journal_mode=wal; insert into t values ('wal')"], RESULT, says="wal|1")
    both.same(["sqlite3", "no/such/place"], stdin="select 1; create table t(a);\n", status=1, says="unable to open")
    both.same(["bash", "-c", TWO_WRITERS], says="a|40\nb|40\n")
    both.same(["bash", "-c", LOCKED], says="\nfirst\nsecond\n")
    both.waits("sqlite3", "db", ".shell sleep 0.02")
