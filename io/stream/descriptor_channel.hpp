#pragma once
// What channels on a descriptor have in common: their operations, and how those end.
//
// 1. The operations of the two fibers that may be suspended here are noted while the kernel has
//    them, so that abort() can take them back: their calls then fail with ECONNABORTED.
// 2. A result that arrived is returned, also when the channel was aborted or the fiber cancelled
//    meanwhile.

#include "scheduler/reactor.hpp"

#include <brio/detail/byte_channel.hpp>
#include <brio/io/descriptor.hpp>

#include <cstddef>
#include <string>
#include <utility>

namespace brio::inline v0::detail {

class descriptor_channel : public byte_channel {
public:
    ~descriptor_channel() override { end(); }

    [[nodiscard]] bool ends_at_once() const noexcept final { return true; }
    void close() final { end(); }
    void abort() noexcept final { end(); }
    [[nodiscard]] int descriptor() const noexcept final { return fd_.get(); }

protected:
    enum direction : unsigned char { reading, writing };

    /// `name` is what its errors call the other side.
    descriptor_channel(io::descriptor fd, std::string name) noexcept
        : fd_(std::move(fd)), name_(std::move(name)) {}

    /// An operation that moves up to `length` bytes.
    [[nodiscard]] static operation transfer(operation::code what, const void* bytes,
                                            std::size_t length) noexcept;
    /// perform() on this descriptor; throws cancelled_error, or returns the result, or -errno.
    int perform_here(direction which, operation op, const char* call);
    /// A count, or throws what -errno says.
    [[nodiscard]] std::size_t counted(int result, const char* what) const;
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    void end() noexcept;

    io::descriptor fd_;
    std::string name_;
    operation* under_way_[2] = {nullptr, nullptr};
};

}  // namespace brio::inline v0::detail
