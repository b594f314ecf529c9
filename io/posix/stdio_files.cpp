#include "posix/stdio_files.hpp"

#include "posix/deadlines.hpp"
#include "posix/libc_stdio.hpp"
#include "posix/parking.hpp"
#include "posix/real.hpp"
#include "posix/threads.hpp"
#include "thread/blocking_call.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits.h>
#include <new>
#include <optional>
#include <vector>

namespace brio::inline v0::detail::posix {

namespace {

constinit thread_local file_claim* claims = nullptr;  // the latest first
constinit std::atomic<int> suspensions{0};

/// Another thread holds libc's lock, a plain one or another loop's: a helper waits.
void wait_for_other_threads(fiber& self, FILE* file) noexcept {
    struct waiting {
        FILE* file;
        void operator()() const noexcept {
            libc_stdio().flockfile(file);
            libc_stdio().funlockfile(file);
        }
    };
    const int before = errno;
    const not_cut_short whole(self);
    try {
        run_in(waiting_pool(), "FILE", waiting{file});
    } catch (const std::exception&) {  // no memory, no thread: late is better than not at all
        waiting{file}();
    }
    errno = before;
}

void wait_for_other_fibers(fiber& self, const FILE* file) noexcept {
    while (is_claimed(&self, file)) parked(self, file, "FILE").wait();
}

}  // namespace

file_claim::file_claim(fiber& self, FILE* file) noexcept : fiber_(self), file_(file) {
    while (file_ != nullptr && !has_lock_) {
        wait_for_other_fibers(self, file);
        has_lock_ = libc_stdio().ftrylockfile(file) == 0;
        if (!has_lock_) wait_for_other_threads(self, file);
    }
    enter();
}

file_claim::~file_claim() {
    if (has_lock_) libc_stdio().funlockfile(file_);
    leave();
}

void file_claim::enter() noexcept {
    next_ = claims;
    claims = this;
}

void file_claim::leave() noexcept {
    file_claim** at = &claims;
    while (*at != nullptr && *at != this) at = &(*at)->next_;
    if (*at != nullptr) *at = next_;  // else this is the child of a fork inside
    if (file_ != nullptr) unpark(file_, INT_MAX);
}

void file_claim::before_fclose() noexcept {
    while (end_kept_claim(fiber_, file_)) {
    }
    if (has_lock_) libc_stdio().funlockfile(file_);
    has_lock_ = false;
}

suspension_in_file::suspension_in_file(const fiber& self, direction d) noexcept : claim_(claims) {
    while (&claim_->fiber_ != &self) claim_ = claim_->next_;
    claim_->is_reading_ = d == direction::reading;
    claim_->is_writing_ = d == direction::writing;
    suspensions.fetch_add(1);
}

suspension_in_file::~suspension_in_file() {
    claim_->is_reading_ = claim_->is_writing_ = false;
    suspensions.fetch_sub(1);
}

bool suspension_in_file::anywhere() noexcept {
    return suspensions.load() != 0;
}

bool may_suspend_in(const fiber& self, const FILE* file) noexcept {
    for (const file_claim* c = claims; c != nullptr; c = c->next_)
        if (&c->fiber_ == &self) return c->file_ == file || c->file_ == nullptr;
    return false;
}

bool is_being_written(const FILE* file) noexcept {
    for (const file_claim* c = claims; c != nullptr; c = c->next_)
        if (c->file_ == file && c->is_writing_) return true;
    return false;
}

bool has_claimed_files(const fiber& self) noexcept {
    for (const file_claim* c = claims; c != nullptr; c = c->next_)
        if (&c->fiber_ == &self && (!c->is_kept_ || c->is_reading_ || c->is_writing_)) return true;
    return false;
}

bool is_claimed(const fiber* except, const FILE* file) noexcept {
    for (const file_claim* c = claims; c != nullptr; c = c->next_)
        if (c->file_ == file && &c->fiber_ != except) return true;
    return false;
}

void keep_claim(fiber& self, FILE* file) noexcept {
    (new file_claim(self, file))->is_kept_ = true;
}

bool end_kept_claim(const fiber& self, const FILE* file) noexcept {
    for (const file_claim* c = claims; c != nullptr; c = c->next_) {
        if (c->file_ != file || &c->fiber_ != &self || !c->is_kept_) continue;
        delete c;
        return true;
    }
    return false;
}

void files_after_fork() noexcept {
    claims = nullptr;
    suspensions.store(0);
}

// ---------------------------------------------------------------------------------- fflush(NULL)

namespace {

/// libc's list of FILEs. Nobody suspends while one lives.
class file_list {
public:
    file_list() { libc_stdio()._IO_list_lock(); }
    file_list(const file_list&) = delete;
    file_list& operator=(const file_list&) = delete;
    ~file_list() { libc_stdio()._IO_list_unlock(); }
    template <class F>
    void for_each(F visit) const {
        const stdio_functions& libc = libc_stdio();
        for (FILE* at = libc._IO_iter_begin(); at != nullptr; at = libc._IO_iter_next(at))
            visit(at);
    }
};

std::vector<FILE*> files_with_output() {
    std::vector<FILE*> found;
    file_list().for_each([&](FILE* file) {
        if (__fpending(file) != 0) found.push_back(file);
    });
    return found;
}

enum class try_result { closed, busy, locked };

/// Takes libc's lock of `file` without waiting, when it is still open.
try_result try_lock(const fiber* self, FILE* file) {
    try_result result = try_result::closed;
    file_list().for_each([&](FILE* open) {
        if (open != file) return;
        const bool free = !is_claimed(self, file) && libc_stdio().ftrylockfile(file) == 0;
        result = free ? try_result::locked : try_result::busy;
    });
    return result;
}

/// Precondition: try_lock() has it locked.
int flush_locked(fiber* self, FILE* file) {
    const struct unlocking {
        FILE* file;
        ~unlocking() { libc_stdio().funlockfile(file); }
    } at_end{file};
    std::optional<file_claim> claim;
    if (self != nullptr) claim.emplace(*self, file);
    return libc_stdio().fflush(file);
}

/// Waits a little for who has `file`, which may be closed meanwhile. False: the caller cannot wait.
bool pause_for(fiber* self, const FILE* file) {
    if (self == nullptr && is_claimed(nullptr, file)) return false;
    std::optional<not_cut_short> whole;
    if (self != nullptr) {
        wait_for_other_fibers(*self, file);
        whole.emplace(*self);
    }
    if (self != nullptr) {
        nap(*self);
        return true;
    }
    const timespec little = {0, 1'000'000};
    real.nanosleep(&little, nullptr);
    return true;
}

int flush_open(fiber* self, FILE* file) {
    for (;;) {
        const try_result tried = try_lock(self, file);
        if (tried == try_result::closed) return 0;
        if (tried == try_result::locked) return flush_locked(self, file);
        if (!pause_for(self, file)) return failure<int>();
    }
}

}  // namespace

int flush_all_files() {
    const landing when_left;
    fiber* const self = served_fiber();
    int result = 0;
    try {
        for (FILE* const file : files_with_output()) {
            if (flush_open(self, file) != 0) result = EOF;
            if (jump_is_due()) break;
        }
    } catch (const std::bad_alloc&) {
        errno = ENOMEM;
        return EOF;
    }
    return result;
}

}  // namespace brio::inline v0::detail::posix
