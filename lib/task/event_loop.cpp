// The loop as a user sees it: callbacks, run_until_complete, and the handle for other threads.

#include "scheduler/mailbox.hpp"
#include "task/loop_core.hpp"

#include <brio/error.hpp>
#include <brio/event_loop.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

namespace brio::inline v0 {
namespace detail {
namespace {

/// call_soon and call_at. Two hold it: the user's handle, and the queue (ready or timers) until it
/// has run, was dropped, or was cancelled while it waited for its time.
class queued_callback final : public timer, public callback_core {
public:
    queued_callback(scheduler& loop, std::unique_ptr<callback_body> body) noexcept
        : timer(kind::callback, &turn), loop_(loop), body_(std::move(body)) {}

    void soon() noexcept {
        retain();
        loop_.append(*this);
    }
    void at(time_point when) {
        loop_.arm(*this, when);
        retain();
        when_ = when;
    }

    void cancel() noexcept override {
        if (cancelled_) return;
        cancelled_ = true;
        const std::unique_ptr<callback_body> unused = std::move(body_);
        if (!armed()) return;
        loop_.disarm(*this);
        release();
    }
    [[nodiscard]] bool cancelled() const noexcept override { return cancelled_; }
    [[nodiscard]] std::optional<time_point> when() const noexcept override { return when_; }

private:
    static void turn(ready_node& node, fate what) {
        auto& self = static_cast<queued_callback&>(node);
        const std::unique_ptr<callback_body> body = std::move(self.body_);
        if (what == fate::run && body != nullptr) call(self.loop_, *body);
        self.release();
    }
    static void call(scheduler& loop, callback_body& body);

    scheduler& loop_;
    std::unique_ptr<callback_body> body_;
    std::optional<time_point> when_;
    bool cancelled_ = false;
};

void queued_callback::call(scheduler& loop, callback_body& body) {
    call_reporting(static_cast<loop_core&>(loop), body);
}

/// call_soon_threadsafe: the mailbox owns it, then the ready queue.
struct posted_callback final : ready_node {
    explicit posted_callback(std::unique_ptr<callback_body> b) noexcept
        : ready_node(kind::callback, &turn), body(std::move(b)) {}
    static void turn(ready_node& node, fate what) {
        const std::unique_ptr<posted_callback> self(static_cast<posted_callback*>(&node));
        if (what == fate::run)
            call_reporting(static_cast<loop_core&>(*this_scheduler()), *self->body);
    }
    std::unique_ptr<callback_body> body;
};

time_point required(deadline when, const char* call) {
    if (!when.get()) throw std::invalid_argument(std::string(call) + ": the deadline is none");
    return *when.get();
}

}  // namespace

void call_reporting(loop_core& loop, callback_body& body) noexcept {
    try {
        body.run();
    } catch (...) {
        loop.report({"exception in a callback", std::current_exception(), {}});
    }
}
}  // namespace detail

callback_handle event_loop::call_soon_body(detail::callback_body* body) {
    std::unique_ptr<detail::callback_body> owned(body);
    require_open("call_soon");
    auto* const callback = new detail::queued_callback(core_, std::move(owned));
    callback->soon();
    return callback_handle(callback);
}

callback_handle event_loop::call_at_body(deadline when, detail::callback_body* body) {
    std::unique_ptr<detail::callback_body> owned(body);
    require_open("call_at");
    const time_point at = detail::required(when, "call_at");
    auto* const callback = new detail::queued_callback(core_, std::move(owned));
    callback_handle handle(callback);
    callback->at(at);
    return handle;
}

callback_handle event_loop::call_later_body(delay d, detail::callback_body* body) {
    std::unique_ptr<detail::callback_body> owned(body);
    require_open("call_later");
    if (!d.get()) throw std::invalid_argument("call_later: the delay is none");
    return call_at_body(detail::after(core_.now(), *d.get()), owned.release());
}

// -------------------------------------------------------------------------- descriptors and signals

namespace {
using direction = detail::descriptor_callbacks::direction;

void require_descriptor(int fd, const char* call) {
    if (::fcntl(fd, F_GETFD) < 0)
        throw std::system_error(errno, std::system_category(),
                                std::string(call) + " of descriptor " + std::to_string(fd));
}
}  // namespace

void event_loop::add_reader_body(int fd, detail::callback_body* body) {
    std::unique_ptr<detail::callback_body> owned(body);
    require_open("add_reader");
    require_descriptor(fd, "add_reader");
    core_.descriptors().set(fd, direction::read, std::move(owned));
}
void event_loop::add_writer_body(int fd, detail::callback_body* body) {
    std::unique_ptr<detail::callback_body> owned(body);
    require_open("add_writer");
    require_descriptor(fd, "add_writer");
    core_.descriptors().set(fd, direction::write, std::move(owned));
}
bool event_loop::remove_reader(int fd) {
    if (is_closed()) return false;
    require_open("remove_reader");
    return core_.descriptors().remove(fd, direction::read);
}
bool event_loop::remove_writer(int fd) {
    if (is_closed()) return false;
    require_open("remove_writer");
    return core_.descriptors().remove(fd, direction::write);
}

void event_loop::add_signal_handler_body(int signal, detail::callback_body* body) {
    std::unique_ptr<detail::callback_body> owned(body);
    require_open("add_signal_handler");
    (void)core_.io();  // what it throws comes before anything has changed
    core_.signals().set(signal, std::move(owned));
}
bool event_loop::remove_signal_handler(int signal) {
    if (is_closed()) return false;
    require_open("remove_signal_handler");
    return core_.signals().remove(signal);
}

time_point event_loop::time() const noexcept {
    return core_.now();
}
void event_loop::stop() {
    core_.stop();
}
void event_loop::run_forever() {
    core_.run_forever();
}
void event_loop::run_once(delay timeout) {
    core_.run_once(std::max(timeout.get().value_or(duration::max()), duration::zero()));
}
int event_loop::fd() {
    require_open("fd");
    if (core_.virtual_clock()) throw usage_error("fd: a loop on a virtual clock has none");
    return core_.descriptor_for_host();
}
bool event_loop::is_running() const noexcept {
    return core_.running();
}
bool event_loop::is_closed() const noexcept {
    return core_.closed();
}
void event_loop::set_handler_body(handler* h) {
    core_.set_handler(h);
}
void event_loop::call_exception_handler(const exception_report& report) {
    core_.report(report);
}
void event_loop::default_exception_handler(const exception_report& report) {
    core_.report_by_default(report);
}
void event_loop::set_debug(bool on) noexcept {
    core_.set_debug(on);
}
bool event_loop::get_debug() const noexcept {
    return core_.debug();
}
void event_loop::set_slow_callback_duration(delay d) {
    core_.set_slow_step(d.get().value_or(duration::max()));
}
duration event_loop::slow_callback_duration() const noexcept {
    return core_.slow_step();
}
void event_loop::require_open(const char* call) {
    core_.require_open(call);
}
void event_loop::require_able_to_run(const char* call) {
    core_.require_able_to_run(call);
}

std::string_view event_loop::reactor_name() const noexcept {
    return core_.has_reactor() ? core_.io().name() : "none";
}
std::string_view event_loop::reactor_reason() const noexcept {
    return core_.reactor_reason();
}

void event_loop::run_until_done(const any_future& f, bool own_task) {
    detail::future_core& core = f.core();
    core.require_on(core_, "run_until_complete");
    const callback_id stopper = f.add_done_callback([this](const any_future&) { stop(); });
    try {
        core_.run_forever();
    } catch (...) {
        f.remove_done_callback(stopper);
        if (own_task) core.mark_retrieved();
        throw;
    }
    f.remove_done_callback(stopper);
    if (!core.done())
        throw usage_error("run_until_complete: the loop was stopped before the " + core.describe() +
                          " was done");
}

event_loop& get_running_loop() {
    return detail::require_loop("get_running_loop").facade();
}

event_loop* running_loop_or_null() noexcept {
    detail::scheduler* const s = detail::this_scheduler();
    return s == nullptr ? nullptr : &static_cast<detail::loop_core*>(s)->facade();
}

// ------------------------------------------------------------------------------------ other threads

namespace {
detail::mailbox& box(void* m) noexcept {
    return *static_cast<detail::mailbox*>(m);
}
}  // namespace

loop_handle::loop_handle(event_loop& loop) noexcept : mailbox_(&loop.core().box()) {
    box(mailbox_).retain();
}
loop_handle::loop_handle(const loop_handle& other) noexcept : mailbox_(other.mailbox_) {
    box(mailbox_).retain();
}
loop_handle& loop_handle::operator=(const loop_handle& other) noexcept {
    box(other.mailbox_).retain();
    box(mailbox_).release();
    mailbox_ = other.mailbox_;
    return *this;
}
loop_handle::~loop_handle() {
    box(mailbox_).release();
}

bool loop_handle::is_closed() const noexcept {
    return box(mailbox_).closed();
}

void loop_handle::post(detail::callback_body* body, const char* call) const {
    auto* const callback =
        new detail::posted_callback(std::unique_ptr<detail::callback_body>(body));
    detail::scheduler* const here = detail::this_scheduler();
    if (here != nullptr && &here->box() == mailbox_) return here->append_posted(*callback);
    if (box(mailbox_).post(*callback)) return;
    detail::posted_callback::turn(*callback, detail::ready_node::fate::drop);
    throw usage_error(std::string(call) + ": the loop is closed");
}

}  // namespace brio::inline v0
