"""redis-cli and a Redis server: arguments, scripts on standard input, waits that another client ends."""
import subprocess

import servers
from both_ways import until

NEEDS = ["redis-cli"]

SCRIPT = """
    set greeting "hello there"
    get greeting
    rpush list a b c
    lrange list 0 -1
    incr greeting
    no_such_command
    eval "return {1, 'two', {3}, redis.status_reply('FINE')}" 0
    eval "return redis.error_reply('broken')" 0
    multi
    incr count
    exec
    debug sleep 0.02
    get nothing
"""


def asked(port, *command):
    done = subprocess.run(["redis-cli", "-p", str(port), *command], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def compare_waits(both, port, cli):
    def one_is(state):
        until(lambda: f"{state}:1" in asked(port, "info", "clients").split())

    def push():
        one_is("blocked_clients")
        asked(port, "rpush", "queue", "pushed")

    def publish():
        until(lambda: asked(port, "publish", "news", "something") == "1\n")
        asked(port, "client", "kill", "type", "pubsub")

    both.same(cli("blpop", "queue", "30"), meanwhile=push, says="queue\npushed\n")
    both.same(cli("subscribe", "news"), meanwhile=publish, status=1, says="something")
    both.same(cli("blpop", "queue", "0.05"), says="\n")
    both.waits(*cli("blpop", "queue", "0.05"))


def compare(both):
    with servers.redis() as port:
        def cli(*arguments):
            return ["redis-cli", "-p", str(port), *arguments]

        flush = cli("flushall")
        both.same(cli("ping"), says="PONG\n")
        both.same(cli("-h", "localhost", "echo", "by name"), says="by name\n")
        both.same(flush, cli(), stdin=SCRIPT, says="hello there\n")
        both.same(flush, cli("-e", "incr", "a", "b"), status=1, says="ERR")
        both.same(flush, cli("-x", "set", "text"), cli("get", "text"), says="\n")
        both.same(flush, cli("-r", "5", "-i", "0.01", "incr", "count"), says="4\n5\n")
        both.same(cli("--pipe"), stdin="".join(f"SET key{n} {n}\r\n" for n in range(2000)), says="replies: 2000")
        both.same(cli("--scan", "--pattern", "no-such-*"))
        both.same(flush, cli("set", "one", "1"), cli("--json", "--no-auth-warning", "-3", "hello", "9"))
        both.same(flush, cli("--csv", "lrange", "list", "0", "-1"))
        compare_waits(both, port, cli)
    both.same(cli("ping"), status=1, says="Connection refused")
