#pragma once

#include <algorithm>
#include <sys/resource.h>

/// RLIMIT_NOFILE, as far as the hard limit allows, until it is destroyed.
class file_limit {
public:
    explicit file_limit(rlim_t wanted) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit limit{std::min(wanted, before_.rlim_max), before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    file_limit(const file_limit&) = delete;
    file_limit& operator=(const file_limit&) = delete;
    ~file_limit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};
