#pragma once
// The descriptors behind a child's standard streams: what the child gets, and our ends of the pipes.
//
// 1. All of them are O_CLOEXEC, so a child that another thread starts meanwhile inherits none.
// 2. The child's are numbered 3 or higher, so that putting one in its place overwrites no other.

#include <brio/io/descriptor.hpp>
#include <brio/subprocess_options.hpp>

#include <array>

namespace brio::inline v0::detail {

struct standard_streams {
    /// Throws std::system_error, and std::invalid_argument for what makes no sense.
    explicit standard_streams(const subprocess::options& wanted);

    std::array<io::descriptor, 3> childs;  // -1: what we have under this number
    std::array<io::descriptor, 3> ours;    // -1: no pipe
};

}  // namespace brio::inline v0::detail
