#pragma once
// A flag that is set while the scope lives.

#include <brio/version.hpp>

namespace brio::inline v0::detail {

class flag_scope {
public:
    explicit flag_scope(bool& flag) noexcept : flag_(flag) { flag_ = true; }
    flag_scope(const flag_scope&) = delete;
    flag_scope& operator=(const flag_scope&) = delete;
    ~flag_scope() { flag_ = false; }

private:
    bool& flag_;
};

}  // namespace brio::inline v0::detail
