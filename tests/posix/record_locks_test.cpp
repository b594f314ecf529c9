// flock, lockf, fcntl(F_SETLKW), fcntl(F_OFD_SETLKW).

#include "posix/fibers.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;

descriptor open_again(int fd) {
    return descriptor(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDWR));
}

struct flock range(short type, off_t start = 0, off_t size = 0) {
    struct flock lock = {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = start;
    lock.l_len = size;
    return lock;
}
int set_lock(int fd, int command, short type, off_t start = 0, off_t size = 0) {
    struct flock lock = range(type, start, size);
    return ::fcntl(fd, command, &lock);
}

bool is_in_call(const std::string& file, long number) {
    std::ifstream call(file);
    long found = -1;
    return call >> found && found == number;
}
/// A test that waits for ever is ended by its time limit.
void until_in_call(const std::string& file, long number) {
    while (!is_in_call(file, number)) brio::sleep(1ms);
}
/// Until a thread of this process, a helper, is in the call.
void until_a_thread_is_in_call(long number) {
    for (;; brio::sleep(1ms))
        for (const auto& task : std::filesystem::directory_iterator("/proc/self/task"))
            if (is_in_call(task.path() / "syscall", number)) return;
}

/// A child that locks byte `first`, tells, and when it gets a letter waits for byte `second`; then it
/// ends with 0, or with the error.
class locking_child {
public:
    locking_child(int fd, off_t first, off_t second) : letters_(make_pipe()), ready_(make_pipe()) {
        pid_ = ::fork();
        if (pid_ == 0) live(fd, first, second);
        EXPECT_EQ(read_all(ready_.first, 1), "r");
    }
    locking_child(const locking_child&) = delete;
    locking_child& operator=(const locking_child&) = delete;
    ~locking_child() {
        ::kill(pid_, SIGKILL);
        ::syscall(SYS_wait4, pid_, nullptr, 0, nullptr);
    }
    void go_on() const { EXPECT_EQ(::write(letters_.second, "g", 1), 1); }
    int error() {
        int status = 0;
        EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
        return WEXITSTATUS(status);
    }
    /// Until its second wait is in the kernel.
    void until_it_waits() const {
        until_in_call("/proc/" + std::to_string(pid_) + "/syscall", SYS_fcntl);
    }

private:
    [[noreturn]] void live(int fd, off_t first, off_t second) const {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        char letter = 'r';
        struct flock lock = range(F_WRLCK, first, 1);
        if (::syscall(SYS_fcntl, fd, F_SETLK, &lock) != 0) ::_exit(100);
        ::syscall(SYS_write, int(ready_.second), &letter, 1);
        ::syscall(SYS_read, int(letters_.first), &letter, 1);
        lock = range(F_WRLCK, second, 1);
        ::_exit(::syscall(SYS_fcntl, fd, F_SETLKW, &lock) == 0 ? 0 : errno);
    }
    two_ends letters_;
    two_ends ready_;
    pid_t pid_ = -1;
};

}  // namespace

TEST(record_locks, that_are_free_are_taken_at_once) {
    const descriptor file = make_file("letters");
    brio::run([&] {
        bool other_ran = false;
        auto other = brio::create_task([&] { other_ran = true; });
        EXPECT_EQ(::flock(file, LOCK_EX), 0);
        EXPECT_EQ(::flock(file, LOCK_SH), 0);
        EXPECT_EQ(::flock(file, LOCK_UN), 0);
        EXPECT_EQ(::lockf(file, F_LOCK, 10), 0);
        EXPECT_EQ(::lockf(file, F_TEST, 10), 0);
        EXPECT_EQ(::lockf(file, F_ULOCK, 10), 0);
        EXPECT_EQ(set_lock(file, F_SETLKW, F_WRLCK), 0);
        EXPECT_EQ(set_lock(file, F_SETLKW, F_UNLCK), 0);
        EXPECT_EQ(set_lock(file, F_OFD_SETLKW, F_RDLCK), 0);
        EXPECT_FALSE(other_ran);
        other.await();
    });
}

TEST(record_locks, refuse_what_libcs_refuse) {
    const descriptor file = make_file("letters");
    const descriptor other = open_again(file);
    ASSERT_EQ(::flock(other, LOCK_EX), 0);
    expect_same([&] { return ::flock(file, LOCK_SH | LOCK_NB); }, "LOCK_NB");
    expect_same([&] { return ::flock(file, 0); }, "no operation");
    expect_same([&] { return ::flock(file, 77); }, "a wrong operation");
    expect_same([] { return ::flock(-1, LOCK_EX); }, "no descriptor");
    ASSERT_EQ(set_lock(other, F_OFD_SETLK, F_WRLCK), 0);
    expect_same([&] { return ::lockf(file, F_TLOCK, 0); }, "F_TLOCK");
    expect_same([&] { return ::lockf(file, F_TEST, 0); }, "F_TEST");
    expect_same([&] { return ::lockf(file, 77, 0); }, "a wrong command");
    expect_same([] { return ::lockf(-1, F_LOCK, 0); }, "no descriptor");
    expect_same([&] { return set_lock(file, F_SETLKW, 77); }, "a wrong type");
    expect_same([&] { return set_lock(file, F_SETLKW, F_WRLCK, -5); }, "a wrong start");
    expect_same([&] { return ::fcntl(file, F_SETLKW, nowhere()); }, "EFAULT");
    expect_same([&] { return ::fcntl(file, F_OFD_SETLKW, nullptr); }, "EFAULT");
    const descriptor reader(::open("/dev/null", O_RDONLY));
    expect_same([&] { return set_lock(reader, F_SETLKW, F_WRLCK); }, "not open for writing");
}

TEST(record_locks, find_deadlocks_between_processes) {
    const descriptor file = make_file("letters");
    // The other one waits for us when we begin to wait for it.
    {
        ASSERT_EQ(set_lock(file, F_SETLK, F_WRLCK, 0, 1), 0);
        locking_child child(file, 1, 0);
        brio::run([&] {
            child.go_on();
            child.until_it_waits();
            EXPECT_EQ(observe([&] { return set_lock(file, F_SETLKW, F_WRLCK, 1, 1); }),
                      (observed{-1, EDEADLK}));
        });
        ASSERT_EQ(set_lock(file, F_SETLK, F_UNLCK), 0);
        EXPECT_EQ(child.error(), 0);
    }
    // And the other way round: a fiber that waits is seen by it.
    ASSERT_EQ(set_lock(file, F_SETLK, F_WRLCK, 0, 1), 0);
    locking_child child(file, 1, 0);
    brio::run([&] {
        auto waiting = brio::create_task([&] { return set_lock(file, F_SETLKW, F_WRLCK, 1, 1); });
        until_a_thread_is_in_call(SYS_fcntl);
        EXPECT_FALSE(waiting.done());
        child.go_on();
        EXPECT_EQ(child.error(), EDEADLK);
        EXPECT_EQ(waiting.await(), 0);
    });
}

TEST(record_locks, of_a_cancelled_fiber_are_taken_by_nobody) {
    const descriptor file = make_file("letters");
    const descriptor other = open_again(file);
    const auto forms = std::vector<std::function<int()>>{
        [&] { return ::flock(file, LOCK_EX); },
        [&] { return ::lockf(file, F_LOCK, 0); },
        [&] { return set_lock(file, F_SETLKW, F_WRLCK); },
        [&] { return set_lock(file, F_OFD_SETLKW, F_WRLCK); },
    };
    for (std::size_t i = 0; i < 200; ++i) {
        const auto& lock = forms[i % forms.size()];
        ASSERT_EQ(::flock(other, LOCK_EX), 0);
        ASSERT_EQ(set_lock(other, F_OFD_SETLK, F_WRLCK), 0);
        observed seen = {};
        brio::run([&] {
            auto waiting = brio::create_task([&] {
                seen = observe(lock);
                if (seen.result != 0) return;
                ::flock(file, LOCK_UN);
                set_lock(file, F_SETLK, F_UNLCK);
                set_lock(file, F_OFD_SETLK, F_UNLCK);
            });
            brio::yield();
            if (i % 3 == 1) brio::sleep(1ms);
            // In every third round the lock becomes free together with the cancel.
            if (i % 3 == 2) {
                EXPECT_EQ(::flock(other, LOCK_UN), 0);
                EXPECT_EQ(set_lock(other, F_OFD_SETLK, F_UNLCK), 0);
            }
            waiting.cancel();
            EXPECT_THROW(waiting.await(), brio::cancelled_error);
        });
        EXPECT_THAT(seen, testing::AnyOf(observed{-1, ECANCELED}, observed{0, 0}));
        if (i % 3 != 2) {
            EXPECT_EQ(seen, (observed{-1, ECANCELED}));
        }
        // Nobody has it.
        ASSERT_EQ(::flock(other, LOCK_EX | LOCK_NB), 0) << i;
        ASSERT_EQ(set_lock(other, F_OFD_SETLK, F_WRLCK), 0) << i;
    }
}

TEST(record_locks, wait_no_longer_than_a_timeout) {
    const descriptor file = make_file("letters");
    const descriptor other = open_again(file);
    ASSERT_EQ(::flock(other, LOCK_EX), 0);
    brio::run([&] {
        EXPECT_THROW(brio::wait_for([&] { return ::flock(file, LOCK_EX); }, 20ms),
                     brio::timeout_error);
    });
}

TEST(record_locks, are_waited_for_by_many_fibers) {
    const descriptor file = make_file("letters");
    brio::run([&] {
        std::vector<brio::task<void>> all;
        int inside = 0;
        for (int i = 0; i < 30; ++i)
            all.push_back(brio::create_task([&] {
                const descriptor mine = open_again(file);
                ASSERT_EQ(::flock(mine, LOCK_EX), 0);
                EXPECT_EQ(inside++, 0);
                brio::sleep(1ms);
                --inside;
                ASSERT_EQ(::flock(mine, LOCK_UN), 0);
            }));
        brio::gather(all).await();
    });
}

TEST(record_locks, are_not_called_back_by_a_signal_that_the_program_has_taken) {
    const descriptor file = make_file("letters");
    const descriptor other = open_again(file);
    ASSERT_EQ(::flock(other, LOCK_EX), 0);
    // Whichever signal it is: the program sets its own action for all of them meanwhile.
    std::vector<struct sigaction> before;
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal)
        ::sigaction(signal, nullptr, &before.emplace_back());
    brio::run([&] {
        auto waiting = brio::create_task([&] {
            EXPECT_EQ(::flock(file, LOCK_EX), 0);
            ::flock(file, LOCK_UN);
        });
        until_a_thread_is_in_call(SYS_flock);
        for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) ::signal(signal, SIG_DFL);
        waiting.cancel();
        for (int i = 0; i < 10; ++i)
            brio::sleep(2ms);  // it is called back every 2 ms, or not at all
        EXPECT_FALSE(waiting.done());
        until_a_thread_is_in_call(SYS_flock);  // still, or again
        EXPECT_EQ(::flock(other, LOCK_UN), 0);
        EXPECT_THROW(waiting.await(), brio::cancelled_error);
    });
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal)
        ::sigaction(signal, &before[static_cast<std::size_t>(signal - SIGRTMIN)], nullptr);
    // What has been given back serves again.
    ASSERT_EQ(::flock(other, LOCK_EX), 0);
    brio::run([&] {
        EXPECT_THROW(brio::wait_for([&] { return ::flock(file, LOCK_EX); }, 5ms),
                     brio::timeout_error);
    });
}
