#include "process/child.hpp"

#include "net/failure.hpp"
#include "reactor/raw_call.hpp"
#include "task/loop_core.hpp"

#include <brio/event_loop.hpp>
#include <brio/wait.hpp>

#include <cerrno>
#include <poll.h>
#include <sys/wait.h>
#include <utility>

namespace brio::inline v0::detail {

namespace {

constexpr int by_pidfd = 3;          // P_PIDFD, which older headers lack
constexpr int unknown_status = 255;  // asyncio's

int returncode_of(const siginfo_t& status) noexcept {
    return status.si_code == CLD_EXITED ? status.si_status : -status.si_status;
}

}  // namespace

child::child(loop_core& loop)
    : ready_node(kind::callback,
                 [](ready_node& node, fate f) { static_cast<child&>(node).look(f); }),
      loop_(loop),
      exited_(loop.facade().create_future<void>()) {}

child::handle child::start(const std::vector<std::string>& arguments,
                           const subprocess::options& how, const standard_streams& streams) {
    loop_core& loop = require_loop("create_subprocess_exec");
    static_cast<void>(loop.io());  // what throws does so before there is a process
    handle made(new child(loop));
    made->returncode_ = unknown_status;  // nothing runs yet
    made->process_ = spawn(arguments, how, streams);
    made->returncode_.reset();
    made->watch();
    return made;
}

void child::leave::operator()(child* c) const noexcept {
    c->has_handle_ = false;
    if (c->returncode_) delete c;
}

void child::watch() {
    if (process_.pidfd.get() < 0) return loop_.append(*this);
    exit_ = {.completed =
                 [](operation& done) noexcept {
                     auto& self = *static_cast<child*>(done.owner);
                     self.loop_.append(self);
                 },
             .owner = this,
             .what = operation::code::poll,
             .fd = process_.pidfd.get(),
             .flags = POLLIN};
    loop_.io().submit(exit_);
}

/// 0 or -errno; status.si_pid is 0 when it still runs.
int child::take_status(siginfo_t& status, int flags) const noexcept {
    const int pidfd = process_.pidfd.get();
    int result = -EINTR;
    while (result == -EINTR) {
        status = {};
        result = raw_call(SYS_waitid, by_pidfd, pidfd, &status, WEXITED | flags, 0);
    }
    return result;
}

void child::look(fate f) {
    siginfo_t status;
    int error = take_status(status, WNOHANG);
    if (error == 0 && status.si_pid == 0) {
        if (f == fate::run) return watch();
        error = try_signal(SIGKILL);  // another user's is left to itself
        if (error == 0) error = take_status(status, 0);
    }
    returncode_ = error == 0 ? returncode_of(status) : unknown_status;
    process_.pidfd.close();
    loop_core& loop = loop_;
    if (f == fate::run) exited_.set_result();
    if (!has_handle_) delete this;
    // Last, since the user's handler may drop the handle.
    if (f == fate::run && error != 0)
        loop.report({"somebody else has waited for a child process: its returncode is not known",
                     nullptr,
                     {}});
}

int child::wait() {
    if (!returncode_) shield(exited_).await();
    return *returncode_;
}

int child::try_signal(int number) const noexcept {
    if (returncode_) return -ESRCH;
    return raw_call(SYS_pidfd_send_signal, process_.pidfd.get(), number, 0, 0);
}

void child::send_signal(int number) const {
    const int result = try_signal(number);
    if (result < 0) throw_io_error(-result, "signal to", "process " + std::to_string(pid()));
}

}  // namespace brio::inline v0::detail
