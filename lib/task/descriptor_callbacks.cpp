#include "task/descriptor_callbacks.hpp"

#include "task/loop_core.hpp"

#include <poll.h>
#include <system_error>

namespace brio::inline v0::detail {

class descriptor_callbacks::entry final : public ready_node {
public:
    entry(descriptor_callbacks& table, key where, std::unique_ptr<callback_body> body) noexcept
        : ready_node(kind::callback, &turn), table_(table), key_(where), body_(std::move(body)) {
        op_.what = operation::code::poll;
        op_.fd = where.first;
        op_.flags = where.second == direction::read ? POLLIN : POLLOUT;
        op_.owner = this;
        op_.completed = [](operation& op) noexcept {
            auto& self = *static_cast<entry*>(op.owner);
            self.where_ = place::due;
            self.table_.loop_.append(self);
        };
    }

    void watch() {
        where_ = place::watching;
        table_.loop_.io().submit(op_);
    }
    void remove() noexcept {
        removed_ = true;
        if (where_ != place::called) body_.reset();
        if (where_ == place::watching) table_.loop_.io().cancel(op_);
    }

private:
    enum class place : unsigned char { watching, due, called };

    static void turn(ready_node& node, fate what) {
        auto& self = static_cast<entry&>(node);
        if (what == fate::run && !self.removed_) self.call();
        if (what == fate::run && !self.removed_) return self.watch();
        delete &self;
    }
    void call() noexcept {
        if (op_.result < 0) return report_refusal();
        where_ = place::called;
        call_reporting(table_.loop_, *body_);
        where_ = place::due;
    }
    /// The descriptor was closed behind the loop's back, say.
    void report_refusal() noexcept {
        const std::system_error error(-op_.result, std::system_category(), describe(op_));
        table_.loop_.report(
            {"a descriptor callback has been removed: its descriptor cannot be watched",
             std::make_exception_ptr(error),
             {}});
        if (!removed_) table_.remove(key_.first, key_.second);
    }

    descriptor_callbacks& table_;
    const key key_;
    std::unique_ptr<callback_body> body_;
    operation op_;
    place where_ = place::due;
    bool removed_ = false;
};

void descriptor_callbacks::set(int fd, direction d, std::unique_ptr<callback_body> body) {
    (void)loop_.io();  // what it throws comes before anything has changed
    auto made = std::make_unique<entry>(*this, key(fd, d), std::move(body));
    remove(fd, d);
    entries_.emplace(key(fd, d), made.get());
    made.release()->watch();
}

bool descriptor_callbacks::remove(int fd, direction d) noexcept {
    const auto found = entries_.find(key(fd, d));
    if (found == entries_.end()) return false;
    entry& e = *found->second;
    entries_.erase(found);
    e.remove();
    return true;
}

void descriptor_callbacks::remove_all() noexcept {
    while (!entries_.empty()) {
        const auto [fd, d] = entries_.begin()->first;
        remove(fd, d);
    }
}

}  // namespace brio::inline v0::detail
