#include "stream/descriptor_channel.hpp"

#include "net/failure.hpp"
#include "ops/operation.hpp"
#include "scheduler/park.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace brio::inline v0::detail {

operation descriptor_channel::transfer(operation::code what, const void* bytes,
                                       std::size_t length) noexcept {
    // What is sent is only read.
    return {.what = what,
            .address = const_cast<void*>(bytes),
            .length = static_cast<std::uint32_t>(std::min<std::size_t>(length, INT32_MAX))};
}

int descriptor_channel::perform_here(direction which, operation op, const char* call) {
    fiber& self = require_fiber(call);
    if (fd_.get() < 0) return -ECONNABORTED;
    op.fd = fd_.get();
    under_way_[which] = &op;
    const int result = perform(op);
    under_way_[which] = nullptr;
    const bool ended = op.fd < 0;
    if (result == -ECANCELED && !ended) deliver_cancel(self);
    return ended && result < 0 ? -ECONNABORTED : result;
}

std::size_t descriptor_channel::counted(int result, const char* what) const {
    if (result < 0) throw_io_error(-result, what, name_);
    return static_cast<std::size_t>(result);
}

void descriptor_channel::end() noexcept {
    if (fd_.get() < 0) return;
    scheduler* const loop = this_scheduler();
    if (loop != nullptr && loop->has_reactor()) {
        for (operation* const op : under_way_) {
            if (op == nullptr) continue;
            const bool in_flight = op->owner != nullptr;  // perform's mark
            if (in_flight) loop->io().cancel(*op);
            // Should perform() submit it once more (a cancel of its fiber was withdrawn), then not on
            // a number that may be another file's by now. Reactors know operations by address.
            op->fd = -1;
        }
        loop->io().forget(fd_.get());
    }
    fd_.close();
}

}  // namespace brio::inline v0::detail
