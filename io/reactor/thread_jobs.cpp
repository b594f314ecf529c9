#include "reactor/thread_jobs.hpp"

#include "reactor/direct_call.hpp"
#include "thread/worker_pool.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/uio.h>
#include <utility>

namespace brio::inline v0 {
namespace detail {

struct thread_jobs::running final : job {
    running(thread_jobs& o, operation& op, std::uint32_t d)
        : job(&run_job), owner(o), target(op), call(op), done(d) {
        skip_done_bytes();
    }

    /// The rest of the transfer, as parts.
    void skip_done_bytes() {
        using code = operation::code;
        if (done == 0) return;
        const bool is_vector = call.what == code::readv || call.what == code::writev;
        if (is_vector) {
            const auto* first = static_cast<const iovec*>(call.address);
            parts.assign(first, first + call.length);
        } else {
            parts.push_back({call.address, call.length});
            call.what = call.what == code::read ? code::readv : code::writev;
        }
        std::size_t skip = done;
        for (iovec& part : parts) {
            const std::size_t here = std::min(skip, part.iov_len);
            part = {static_cast<char*>(part.iov_base) + here, part.iov_len - here};
            skip -= here;
        }
        call.address = parts.data();
        call.length = static_cast<std::uint32_t>(parts.size());
        if (call.offset != UINT64_MAX) call.offset += done;
    }

    static void run_job(job& j) noexcept {
        auto& self = static_cast<running&>(j);
        mailbox& bell = self.owner.bell_;
        self.result = blocking_call_of(self.call);
        running* head = self.owner.finished_.load(std::memory_order_relaxed);
        do {
            self.next_finished = head;
        } while (
            !self.owner.finished_.compare_exchange_weak(head, &self, std::memory_order_release));
        bell.ring();
        bell.release();
    }

    thread_jobs& owner;
    operation& target;
    operation call;
    std::vector<iovec> parts;
    std::uint32_t done;  // bytes transferred before
    int result = 0;
    running* next_finished = nullptr;
};

thread_jobs::thread_jobs(mailbox& bell) noexcept : bell_(bell) {}
thread_jobs::~thread_jobs() = default;

void thread_jobs::start(operation& op, std::uint32_t done) {
    jobs_.push_back(std::make_unique<running>(*this, op, done));
    bell_.retain();
    try {
        file_pool().submit(*jobs_.back());
    } catch (...) {
        bell_.release();
        jobs_.pop_back();
        throw;
    }
}

bool thread_jobs::withdraw(const operation& op, int& result) noexcept {
    running& j = *jobs_[place_of(op)];
    if (!file_pool().withdraw(j)) return false;
    bell_.release();
    j.result = -ECANCELED;
    result = result_of(j);
    remove(j);
    return true;
}

operation& thread_jobs::target_of(running& j) noexcept {
    return j.target;
}

int thread_jobs::result_of(const running& j) noexcept {
    if (j.done == 0) return j.result;
    return static_cast<int>(j.done) + std::max(j.result, 0);
}

std::size_t thread_jobs::place_of(const operation& op) const noexcept {
    std::size_t i = 0;
    while (&jobs_[i]->target != &op) ++i;
    return i;
}

thread_jobs::running* thread_jobs::remove(running& j) noexcept {
    running* const after = j.next_finished;
    std::swap(jobs_[place_of(j.target)], jobs_.back());
    jobs_.pop_back();
    return after;
}

void thread_jobs::abandon() noexcept {
    for (auto& j : jobs_) static_cast<void>(j.release());
    jobs_.clear();
}

}  // namespace detail
}  // namespace brio::inline v0
