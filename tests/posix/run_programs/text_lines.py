"""The tools that scripts are made of: sed, awk, sort, tar, find, xargs and their like, alone and in pipelines."""

NEEDS = ["bash", "sed", "awk", "sort", "tar", "gzip", "find", "xargs", "flock"]

TREE = """
    mkdir -p a/b/c; for n in {1..50}; do seq $n >a/b/f$n; done; ln -s b a/link; touch -d @1700000000 a a/b/* a/b
"""

SCRIPTS = [
    "seq 100000 | sed -n '/7$/s/^/x/p' | awk '{ n += length($0) } END { print n, NR }'",
    "seq 200000 | sort -k1.2 --parallel=2 -S 1M | cksum",
    "seq 3 | sed 'N;P;D' | tac | paste - - - | tr '\\t' ,",
    """awk 'BEGIN { while (("seq 3" | getline line) > 0) print line | "sort -r"
                    close("sort -r"); exit system("exit 4") }'
       echo $?""",
    TREE + "find a -type f -name 'f?' -exec wc -l {} + | sort -k2; find a -type l; find nowhere",
    TREE + "find a -type f -print0 | xargs -0 -n 5 -P 4 cat | sort -n | uniq -c",
    TREE + """mkdir out; tar --sort=name --owner=0 --group=0 -cf - a | tee a.tar | tar -xf - -C out
              diff -r a out/a; tar -tf a.tar; rm a.tar""",
    TREE + "tar --sort=name -czf a.tgz a && rm -r a && tar -xzf a.tgz && cat a/b/* | cksum; rm a.tgz",
    "seq 400000 | gzip -n | gzip -d | dd bs=100k status=none | cmp - <(seq 400000); echo $?",
    "seq 1000 | split -l 300 - part.; wc part.*; cat part.* | tail -n 1; shuf -n 3 --random-source=part.aa part.ab",
    """mkfifo silent; timeout 0.05 cat <>silent; echo $?
       cat no_such | grep -q x; echo ${PIPESTATUS[@]}; seq 9 | grep -c 1 | xargs expr 1 +""",
    """{ sleep 0.02; echo late; } | cat - <(echo early); flock lock echo locked
       exec 9>lock; flock 9; flock -n lock echo never; echo $?; flock lock echo again & flock -u 9; wait""",
]


def compare(both):
    for script in SCRIPTS:
        both.same(["bash", "-c", script + "\nexit 0"])
    both.same(["sed", "s/a/b/; q5"], stdin="aaa\naaa\n", status=5, says="baa")
    both.same(["awk", "{ print $2; exit 3 }"], stdin="one two\n", status=3, says="two")
    both.same(["sort", "-c"], stdin="b\na\n", status=1, says="disorder")
    both.same(["grep", "-n", "needle"], stdin="hay\nneedle\n" * 1000, says="2000:needle")
    both.same(["tar", "-xf", "none"], status=2, says="Cannot open")
    both.same(["xargs", "-n", "1", "sh", "-c", "exit 255"], stdin="a b\n", status=124, says="255")
    both.same(["dd", "bs=10", "status=none"], stdin="text " * 1000, says="text ")
