"""perl: signals, sockets, children, select."""

NEEDS = ["perl"]

ALARMS = r"""
    use Time::HiRes qw(alarm);
    $SIG{ALRM} = sub { die "late\n" };
    pipe my $reading, my $writing;
    for my $wait (sub { sleep 10 }, sub { select(undef, undef, undef, 10) }, sub { my $line = <$reading> }) {
        eval { alarm 0.03; $wait->() }; print "over: $@";
    }
    exit 3;
"""

SOCKETS = r"""
    use IO::Socket::INET; use IO::Select;
    my $listening = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1") or die $!;
    my @children = map { my $n = $_; my $pid = fork; if (!$pid) {
        my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $listening->sockport) or die $!;
        print $s "from $n\n"; my $answer = <$s>; exit($answer eq "to $n\n" ? $n : 99);
    } $pid } 1 .. 4;
    my $all = IO::Select->new($listening); my @said;
    while (@said < 4) {
        for my $ready ($all->can_read(10)) {
            if ($ready == $listening) { $all->add(scalar $listening->accept); next; }
            my $line = <$ready>; push @said, $line; print $ready $line =~ s/from/to/r; $all->remove($ready);
        }
    }
    print sort @said;
    waitpid($_, 0), print $? >> 8, "\n" for @children;
    print defined IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => 1) ? "connected" : $!, "\n";
"""

CHILDREN = r"""
    $| = 1;
    my $pid = open my $from, "-|"; if (!$pid) { print "child\n"; exit 7 };
    print "read ", <$from>; close $from; print "status ", $? >> 8, "\n";
    print "backticks ", `echo text; exit 2`, $? >> 8, "\n";
    print "system ", system("exit 3;") >> 8, "\n";
    my $killed = fork || do { sleep 10; exit }; kill TERM => $killed;
    waitpid $killed, 0; print "signal ", $? & 127, "\n";
    print wait, "\n";
    pipe my $reading, my $writing;
    local $SIG{CHLD} = sub { print "CHLD\n" };
    fork || do { sysread $reading, my $go, 1; exit 5 };
    syswrite $writing, "x"; select(undef, undef, undef, 10); print wait > 0 ? "reaped " : "none ", $? >> 8, "\n";
    $! = 9; die "the end\n";
"""

WAITS = r"""
    pipe my $reading, my $writing; my $set = ""; vec($set, fileno $reading, 1) = 1;
    print select(my $none = $set, undef, undef, 0.02), "\n";
    syswrite $writing, "text"; print select(my $some = $set, undef, undef, 10) > 0, "\n";
    sysread $reading, my $got, 10; print "$got\n"; close $writing; print sysread($reading, $got, 10), "\n";
    print "eof\n" if eof STDIN; open my $missing, "<", "missing" or warn "missing: $!\n";
    open my $file, ">", "file" or die; print $file "x" x 100000; close $file; print -s "file", "\n";
"""


def compare(both):
    both.same(["perl", "-e", ALARMS], status=3, says="over: late\nover: late\nover: late\n")
    both.same(["perl", "-e", SOCKETS], says="from 4\n1\n2\n3\n4\nConnection refused\n")
    both.same(["perl", "-e", CHILDREN], status=9, says="reaped 5\n")
    both.same(["perl", "-e", WAITS], says="0\n1\ntext\n0\neof\n100000\n")
    both.same(["perl", "-ne", "print scalar reverse"], stdin="abc\ndef\n", says="\ncba\nfed")
    both.same(["perl", "-e", "kill KILL => $$"], status=-9)
    both.waits("perl", "-e", "select(undef, undef, undef, 0.02)")
