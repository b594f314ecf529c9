"""bash: pipelines, traps, jobs, what reads and what ends scripts."""

NEEDS = ["bash"]

SCRIPTS = {
    "pipelines": """
        seq 1 20000 | sort -rn | head -n 3 | tr '\\n' ' '
        yes | head -n 2; echo "${PIPESTATUS[*]}"
        set -o pipefail; (exit 3) | cat; echo $?
        diff <(seq 3) <(seq 4) | tee copy; cat copy | wc -l
        for i in {1..30}; do echo $(echo $i | cat); done | paste -sd+""",
    "traps": """
        trap 'echo on USR1' USR1; trap 'echo at the end $?' EXIT
        kill -USR1 $$; (kill -USR1 $$); (exit 3) & wait $!; echo waited $?
        sleep 10 & sleeper=$!  # until it is that, it is a bash, which says good-bye
        (until grep -q sleep /proc/$sleeper/comm && grep -q "^State:.S" /proc/$$/status; do :; done; kill -USR1 $$) &
        wait $sleeper; echo waited $?; kill $sleeper; wait
        trap 'echo error on line $LINENO' ERR; false; f() { trap 'echo return' RETURN; }; f
        exit 4""",
    "jobs": """
        for i in 1 2 3; do (sleep 0.0$i; exit $i) & pids[i]=$!; done
        for i in 3 1 2; do wait ${pids[i]}; echo $i $?; done
        sleep 10 & kill -TERM $!; wait $!; echo $?
        (exit 6) & wait -n; echo $?
        coproc cat; echo there >&${COPROC[1]}; read -u ${COPROC[0]} line; echo $line and back
        jobs; wait -n 99999""",
    "reads": """
        mkfifo silent; exec 6<>silent; read -t 0.05 line <&6; echo $?
        read -t 5 -n 3 line < <(printf abcdef); echo $? $line
        while IFS=: read -r a b; do echo "$b-$a"; done <<END
one:two
three:four $((6 * 7))
END
        mapfile -t all < <(seq 5); echo ${#all[@]} ${all[4]}
        cat <<<'a string'; exec 5<<<'kept open'; cat <&5; read -t 0 </dev/null; echo $?
        read a; echo "[$a]"; cat""",
    "statuses": """
        no_such_command; echo $?; /etc/passwd; echo $?; { (kill -KILL $BASHPID); } 2>/dev/null; echo $?
        timeout 0.05 sleep 5; echo $?; { bash -c 'kill -TERM $$'; } 2>/dev/null; echo $?
        set -e; (exit 0) && false || echo handled
        cat no_such_file; echo not reached""",
    "sockets": """
        exec 3<>/dev/tcp/127.0.0.1/1; echo $?
        mkfifo p; echo through >p & read line <p; echo $line; wait""",
}


def compare(both):
    both.same(["bash", "-c", SCRIPTS["pipelines"]], says="20000 19999 19998 y\ny\n141 0\n3\n")
    both.same(["bash", "-c", SCRIPTS["traps"]], status=4, says="at the end 4")
    both.same(["bash", "-c", SCRIPTS["jobs"]], status=127, says="there and back")
    both.same(["bash", "-c", SCRIPTS["reads"]], stdin="one\ntwo\nthree\n", says="four 42-three")
    both.same(["bash", "-c", SCRIPTS["statuses"]], status=1, says="127\n126\n137\n124\n143\nhandled\n")
    both.same(["bash", "-c", SCRIPTS["sockets"]], says="through")
    both.same(["bash"], stdin="echo from stdin\nread line\nthe line\necho $line\nexit 5\n", status=5, says="the line")
    both.same(["bash", "-c", "kill -TERM $$; sleep 5"], status=-15)
    both.same(["sh", "-c", "echo a | cat; trap 'echo end' 0; exit 9"], status=9, says="end")
    both.waits("bash", "-c", "sleep 0.05; true")
