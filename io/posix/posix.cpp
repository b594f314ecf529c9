// The public face of the layer, and what needs nothing but the fiber.

#include "posix/layer.hpp"
#include "scheduler/scheduler.hpp"

#include <brio/error.hpp>
#include <brio/posix.hpp>

#include <string>

namespace brio::inline v0 {

namespace detail::posix {
constinit const layer* linked_layer = nullptr;
}  // namespace detail::posix

namespace posix {

namespace {
using detail::posix::linked_layer;

/// Empty: active.
std::string why_inactive() {
    if (linked_layer == nullptr)
        return "the hooks are not in this program: link the CMake target brio::posix (with other "
               "build systems the whole archive, as pkg-config brio-posix says)";
    if (linked_layer->why_inactive != nullptr) return linked_layer->why_inactive;
    if (const char* const symbol = linked_layer->first_not_taken())
        return std::string(symbol) + " was not taken: calls of it reach another definition";
    return {};
}
}  // namespace

bool active() noexcept {
    return linked_layer != nullptr && linked_layer->why_inactive == nullptr &&
           linked_layer->first_not_taken() == nullptr;
}

void require() {
    if (const std::string why = why_inactive(); !why.empty())
        throw usage_error("brio::posix::require: libc's blocking calls do not suspend fibers: " +
                          why);
}

bool suspends(std::string_view symbol) noexcept {
    if (linked_layer == nullptr || linked_layer->why_inactive != nullptr) return false;
    for (const auto& row : linked_layer->symbols)
        if (row.name == symbol) return row.waits && (!row.is_stdio || linked_layer->stdio_suspends);
    return false;
}

passthrough_scope::passthrough_scope() noexcept : fiber_(detail::this_fiber()) {
    if (fiber_ == nullptr) return;
    bool& flag = static_cast<detail::fiber*>(fiber_)->passthrough;
    before_ = flag;
    flag = true;
}

passthrough_scope::~passthrough_scope() {
    if (fiber_ != nullptr) static_cast<detail::fiber*>(fiber_)->passthrough = before_;
}

}  // namespace posix

c_callback::c_callback() noexcept : fiber_(detail::this_fiber()) {
    if (fiber_ != nullptr) ++static_cast<detail::fiber*>(fiber_)->deferred;
}

c_callback::~c_callback() {
    if (fiber_ != nullptr) --static_cast<detail::fiber*>(fiber_)->deferred;
}

}  // namespace brio
