// wait, waitpid, wait3, wait4, waitid.

#include "posix/fibers.hpp"

#include <brio/posix.hpp>

#include <csignal>
#include <functional>
#include <semaphore>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;

/// A child that reads letters from a pipe: 's' stops it, any other ends it with status 7.
class child {
public:
    explicit child(bool own_group = false) : letters_(make_pipe(O_CLOEXEC)) {
        pid_ = ::fork();
        if (pid_ == 0) live(own_group);
        EXPECT_GT(pid_, 0);
        letters_.first.close();
        if (own_group) ::setpgid(pid_, pid_);
    }
    child(const child&) = delete;
    child& operator=(const child&) = delete;
    ~child() {
        if (::kill(pid_, SIGKILL) == 0) ::syscall(SYS_wait4, pid_, nullptr, 0, nullptr);
    }
    [[nodiscard]] pid_t pid() const { return pid_; }
    void send(char letter) const { EXPECT_EQ(::write(letters_.second, &letter, 1), 1); }
    void end() const { send('e'); }

private:
    [[noreturn]] void live(bool own_group) const {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (own_group) ::setpgid(0, 0);
        char letter = 0;
        while (::syscall(SYS_read, static_cast<int>(letters_.first), &letter, 1) == 1) {
            if (letter != 's') ::_exit(7);
            ::raise(SIGSTOP);
        }
        ::_exit(1);
    }
    two_ends letters_;
    pid_t pid_ = -1;
};

int pidfd_of(pid_t pid, unsigned flags = 0) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, flags));
}

/// The wait in a task: it has to suspend, until `release` lets it end.
template <class Wait, class Release>
observed suspended(Wait&& wait, Release&& release) {
    return brio::run([&] {
        auto waiting = brio::create_task([&] { return observe(wait); });
        let_others_run();
        EXPECT_FALSE(waiting.done());
        release();
        return waiting.await();
    });
}

bool has_children() {
    siginfo_t info;
    return ::syscall(SYS_waitid, P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT, nullptr) == 0;
}

class waits : public testing::Test {
protected:
    ~waits() override { EXPECT_FALSE(has_children()); }
};

}  // namespace

TEST_F(waits, for_nobody_fail_as_libcs) {
    int status = 0;
    siginfo_t info;
    expect_same([&] { return ::wait(&status); }, "wait");
    expect_same([&] { return ::wait3(&status, 0, nullptr); }, "wait3");
    expect_same([&] { return ::wait4(1, &status, 0, nullptr); }, "wait4, not a child");
    expect_same([&] { return ::waitpid(0, &status, 0); }, "waitpid, a group");
    expect_same([&] { return ::waitpid(INT_MIN, &status, 0); }, "waitpid, no group at all");
    expect_same([&] { return ::waitpid(-1, &status, WNOHANG); }, "waitpid, WNOHANG");
    expect_same([&] { return ::waitid(P_ALL, 0, &info, WEXITED); }, "waitid");
    expect_same([&] { return ::waitid(P_PGID, 1, &info, WEXITED); }, "waitid, a group");
}

TEST_F(waits, refuse_wrong_arguments_as_libcs) {
    const child running;
    int status = 0;
    siginfo_t info;
    expect_same([&] { return ::waitpid(-1, &status, 0x1000'0000); }, "wrong options");
    expect_same([&] { return ::waitid(P_ALL, 0, &info, 0); }, "no options");
    expect_same([&] { return ::waitid(P_PIDFD, 9999, &info, WEXITED); }, "a free number");
    expect_same([&] { return ::waitid(P_PIDFD, id_t(-1), &info, WEXITED); }, "a negative number");
    const descriptor file(::open("/dev/null", O_RDONLY));
    expect_same([&] { return ::waitid(P_PIDFD, id_t(int(file)), &info, WEXITED); }, "a file");
}

TEST_F(waits, with_wnohang_answer_at_once) {
    const child running;
    int status = 55;
    siginfo_t info;
    expect_same([&] { return ::waitpid(running.pid(), &status, WNOHANG); }, "waitpid");
    expect_same([&] { return ::wait3(&status, WNOHANG, nullptr); }, "wait3");
    EXPECT_EQ(status, 55);
    const auto ask = [&] {
        info.si_pid = 77;
        const int result = ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG);
        return result == 0 ? info.si_pid : -1;
    };
    expect_same(ask, "waitid");
    const descriptor pidfd(pidfd_of(running.pid(), O_NONBLOCK));
    expect_same([&] { return ::waitid(P_PIDFD, id_t(int(pidfd)), &info, WEXITED); }, "EAGAIN");
}

TEST_F(waits, tell_how_a_child_has_ended_and_what_it_used) {
    int status = 0;
    rusage usage = {};
    const auto forms = std::vector<std::function<long(pid_t)>>{
        [&](pid_t) { return ::wait(&status); },
        [&](pid_t) { return ::wait3(&status, 0, &usage); },
        [&](pid_t pid) { return ::wait4(pid, &status, 0, &usage); },
        [&](pid_t pid) { return ::waitpid(pid, &status, 0); },
        [&](pid_t pid) { return ::waitpid(pid, &status, WUNTRACED | WCONTINUED); },
        [&](pid_t) { return ::waitpid(-1, &status, __WALL); },
        [&](pid_t) { return ::waitpid(0, &status, 0); },
        [&](pid_t pid) { return ::waitpid(pid, &status, __WNOTHREAD); },
        [&](pid_t) { return ::waitpid(-1, &status, __WNOTHREAD); },
    };
    for (std::size_t i = 0; i < forms.size(); ++i) {
        const child one;
        usage = {};
        EXPECT_EQ(suspended([&] { return forms[i](one.pid()); }, [&] { one.end(); }),
                  (observed{one.pid(), 0}))
            << i;
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << i;
        EXPECT_EQ(usage.ru_maxrss > 0, i == 1 || i == 2) << i;
        const child other;
        EXPECT_EQ(
            suspended([&] { return forms[i](other.pid()); }, [&] { ::kill(other.pid(), SIGTERM); }),
            (observed{other.pid(), 0}))
            << i;
        EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << i;
    }
}

TEST_F(waits, waitid_tells_what_libcs_tells) {
    const auto play = [](bool on_a_thread, siginfo_t& info) {
        const child one;
        const auto wait = [&] { return ::waitid(P_PID, id_t(one.pid()), &info, WEXITED); };
        if (on_a_thread) {
            one.end();
            EXPECT_EQ(on_thread(wait), (observed{0, 0}));
        } else {
            EXPECT_EQ(suspended(wait, [&] { one.end(); }), (observed{0, 0}));
        }
        EXPECT_EQ(info.si_pid, one.pid());
    };
    siginfo_t here;
    siginfo_t there;
    play(false, here);
    play(true, there);
    EXPECT_EQ(here.si_signo, there.si_signo);
    EXPECT_EQ(here.si_code, there.si_code);
    EXPECT_EQ(here.si_status, there.si_status);
    EXPECT_EQ(here.si_uid, there.si_uid);
    const child silent;
    EXPECT_EQ(suspended([&] { return ::waitid(P_PID, id_t(silent.pid()), nullptr, WEXITED); },
                        [&] { silent.end(); }),
              (observed{0, 0}));
}

TEST_F(waits, for_stops_and_continuations) {
    const child one;
    int status = 0;
    const auto wait = [&](int options) {
        return [&, options] { return ::waitpid(one.pid(), &status, options); };
    };
    EXPECT_EQ(suspended(wait(WUNTRACED), [&] { one.send('s'); }), (observed{one.pid(), 0}));
    EXPECT_TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    EXPECT_EQ(suspended(wait(WCONTINUED), [&] { ::kill(one.pid(), SIGCONT); }),
              (observed{one.pid(), 0}));
    EXPECT_TRUE(WIFCONTINUED(status));
    siginfo_t info;
    EXPECT_EQ(
        suspended([&] { return ::waitid(P_ALL, 0, &info, WSTOPPED); }, [&] { one.send('s'); }),
        (observed{0, 0}));
    EXPECT_EQ(info.si_code, CLD_STOPPED);
    // A stop that nobody asked for wakes nobody.
    ::kill(one.pid(), SIGCONT);
    EXPECT_EQ(suspended(wait(0),
                        [&] {
                            one.send('s');
                            while (::waitid(P_PID, id_t(one.pid()), &info,
                                            WSTOPPED | WNOWAIT | WNOHANG) == 0 &&
                                   info.si_pid == 0)
                                brio::sleep(1ms);
                            ::kill(one.pid(), SIGCONT);
                            one.end();
                        }),
              (observed{one.pid(), 0}));
    EXPECT_TRUE(WIFEXITED(status));
}

TEST_F(waits, wnowait_leaves_the_child) {
    const child one;
    siginfo_t info;
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(on_fiber([&] {
                      if (i == 0) one.end();
                      return ::waitid(P_PID, id_t(one.pid()), &info, WEXITED | WNOWAIT);
                  }),
                  (observed{0, 0}));
        EXPECT_EQ(info.si_status, 7);
    }
}

TEST_F(waits, for_a_group_leave_the_others_alone) {
    const child member(true);
    const child stranger;
    int status = 0;
    EXPECT_EQ(suspended([&] { return ::waitpid(-member.pid(), &status, 0); },
                        [&] {
                            stranger.end();
                            let_others_run();
                            member.end();
                        }),
              (observed{member.pid(), 0}));
    EXPECT_EQ(on_fiber([&] { return ::waitpid(stranger.pid(), &status, 0); }),
              (observed{stranger.pid(), 0}));
}

TEST_F(waits, by_a_pidfd_hold_the_process_and_not_the_number) {
    const child one;
    descriptor pidfd(pidfd_of(one.pid()));
    siginfo_t info;
    EXPECT_EQ(suspended([&] { return ::waitid(P_PIDFD, id_t(int(pidfd)), &info, WEXITED); },
                        [&] {
                            pidfd.close();
                            one.end();
                        }),
              (observed{0, 0}));
    EXPECT_EQ(info.si_pid, one.pid());
}

TEST_F(waits, of_two_fibers_for_any_child_each_get_one) {
    brio::run([] {
        const child first;
        const child second;
        std::vector<pid_t> seen;
        const auto wait = [&] { seen.push_back(::wait(nullptr)); };
        auto one = brio::create_task(wait);
        auto other = brio::create_task(wait);
        let_others_run();
        EXPECT_TRUE(seen.empty());
        first.end();
        while (seen.empty()) brio::sleep(1ms);
        let_others_run();
        EXPECT_THAT(seen, testing::ElementsAre(first.pid()));
        second.end();
        one.await();
        other.await();
        EXPECT_THAT(seen, testing::ElementsAre(first.pid(), second.pid()));
    });
}

TEST_F(waits, of_many_fibers_each_get_their_own) {
    brio::run([] {
        std::vector<std::unique_ptr<child>> children;
        std::vector<brio::task<pid_t>> waiting;
        for (int i = 0; i < 30; ++i) {
            children.push_back(std::make_unique<child>());
            const pid_t pid = children.back()->pid();
            waiting.push_back(brio::create_task([pid] { return ::waitpid(pid, nullptr, 0); }));
        }
        let_others_run();
        for (std::size_t i = children.size(); i-- > 0;) {
            EXPECT_FALSE(waiting[i].done());
            children[i]->end();
            EXPECT_EQ(waiting[i].await(), children[i]->pid());
        }
    });
}

TEST_F(waits, for_any_child_on_a_thread_and_on_a_fiber_share_fairly) {
    const child first;
    const child second;
    observed there = {};
    std::thread plain([&] { there = observe([] { return ::wait(nullptr); }); });
    const observed here = suspended([] { return ::wait(nullptr); },
                                    [&] {
                                        first.end();
                                        second.end();
                                    });
    plain.join();
    EXPECT_THAT((std::vector<long>{here.result, there.result}),
                testing::UnorderedElementsAre(first.pid(), second.pid()));
}

TEST_F(waits, find_out_that_somebody_else_was_faster) {
    const child one;
    EXPECT_EQ(suspended([&] { return ::waitpid(one.pid(), nullptr, 0); },
                        [&] {
                            // On the loop's own thread the fiber cannot be first.
                            one.end();
                            const brio::posix::passthrough_scope blocking;
                            EXPECT_EQ(::waitpid(one.pid(), nullptr, 0), one.pid());
                        }),
              (observed{-1, ECHILD}));
}

TEST_F(waits, of_a_process_that_ignores_sigchld_end_when_the_child_does) {
    const auto before = ::signal(SIGCHLD, SIG_IGN);
    for (const bool any : {false, true}) {
        const child one;
        EXPECT_EQ(suspended([&] { return ::waitpid(any ? -1 : one.pid(), nullptr, 0); },
                            [&] { one.end(); }),
                  (observed{-1, ECHILD}));
    }
    ::signal(SIGCHLD, before);
}

TEST_F(waits, know_whose_child_it_is_when_asked) {
    std::unique_ptr<child> of_thread;
    std::binary_semaphore born(0);
    std::binary_semaphore may_end(0);
    std::thread parent([&] {
        of_thread = std::make_unique<child>();
        born.release();
        may_end.acquire();
    });
    born.acquire();
    const child own;
    expect_same([&] { return ::waitpid(of_thread->pid(), nullptr, __WNOTHREAD); }, "not ours");
    // The other's child has ended, and is not taken for ours.
    of_thread->end();
    siginfo_t info;
    ::waitid(P_PID, id_t(of_thread->pid()), &info, WEXITED | WNOWAIT);
    EXPECT_EQ(suspended([] { return ::waitpid(-1, nullptr, __WNOTHREAD); }, [&] { own.end(); }),
              (observed{own.pid(), 0}));
    EXPECT_EQ(on_fiber([&] { return ::waitpid(of_thread->pid(), nullptr, 0); }),
              (observed{of_thread->pid(), 0}));
    may_end.release();
    parent.join();
}

TEST_F(waits, that_are_cancelled_take_no_child) {
    for (const bool any : {false, true}) {
        const child one;
        brio::run([&] {
            auto waiting = brio::create_task([&] {
                EXPECT_EQ(observe([&] { return ::waitpid(any ? -1 : one.pid(), nullptr, 0); }),
                          (observed{-1, ECANCELED}));
            });
            let_others_run();
            waiting.cancel();
            EXPECT_THROW(waiting.await(), brio::cancelled_error);
        });
        one.end();
        siginfo_t info;
        EXPECT_EQ(::waitid(P_PID, id_t(one.pid()), &info, WEXITED | WNOWAIT), 0);
    }
}
