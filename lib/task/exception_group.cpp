// exception_group's shared contents, and its text.

#include "task/loop_core.hpp"

#include <brio/exception_group.hpp>

#include <atomic>
#include <stdexcept>
#include <utility>

namespace brio::inline v0 {

/// Exceptions travel between threads (std::exception_ptr), so the count is atomic.
struct exception_group::shared {
    std::atomic<unsigned> references{1};
    std::string message;
    std::vector<std::exception_ptr> exceptions;
    std::string text;
};

namespace {
void append_leaves(std::string& text, const exception_group& group, const std::string& indent) {
    for (const std::exception_ptr& e : group.exceptions()) {
        if (const auto* const nested = detail::exception_as<exception_group>(e)) {
            text += "\n" + indent + std::string(nested->message());
            append_leaves(text, *nested, indent + "  ");
        } else {
            text += "\n" + indent + detail::describe_exception(e);
        }
    }
}
}  // namespace

exception_group::exception_group(std::string_view message,
                                 std::vector<std::exception_ptr> exceptions) {
    if (exceptions.empty()) throw std::invalid_argument("exception_group: there are no exceptions");
    for (const std::exception_ptr& e : exceptions) {
        if (e == nullptr) throw std::invalid_argument("exception_group: an exception is null");
        if (detail::exception_as<cancelled_error>(e) != nullptr)
            throw std::invalid_argument("exception_group: a cancelled_error cannot be in a group");
    }
    shared_ = new shared;
    shared_->message = message;
    shared_->exceptions = std::move(exceptions);
    shared_->text = shared_->message;
    append_leaves(shared_->text, *this, "  ");
}

exception_group::exception_group(const exception_group& other) noexcept
    : std::exception(other), shared_(other.shared_) {
    shared_->references.fetch_add(1, std::memory_order_relaxed);
}
exception_group& exception_group::operator=(const exception_group& other) noexcept {
    exception_group copy(other);
    std::swap(shared_, copy.shared_);
    return *this;
}
exception_group::~exception_group() {
    if (shared_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete shared_;
}

const char* exception_group::what() const noexcept {
    return shared_->text.c_str();
}
std::string_view exception_group::message() const noexcept {
    return shared_->message;
}
std::span<const std::exception_ptr> exception_group::exceptions() const noexcept {
    return shared_->exceptions;
}

}  // namespace brio::inline v0
