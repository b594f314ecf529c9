#pragma once

#include "fresh_process.hpp"
#include "process.hpp"

#include <cstddef>
#include <stdexcept>

namespace bench {

/// Time and memory of fibers that are started, parked, woken and joined; made when the first is to
/// be started. The time between all_parked() and waking() does not count.
class parked_fibers {
public:
    /// Throws std::runtime_error where memory may not suffice for all of them.
    explicit parked_fibers(std::size_t count) : count_(double(count)) {
        constexpr double most_bytes = 16 * 1024;
        if (available_memory() < count_ * most_bytes)
            throw std::runtime_error("needs 16 KiB of available memory for each fiber");
    }

    void all_parked() {
        stop_clocks();
        const memory now = memory_now();
        result_.counters["bytes_per_fiber"] = (now.resident - before_.resident) / count_;
        result_.counters["page_table_bytes_per_fiber"] =
            (now.page_tables - before_.page_tables) / count_;
    }
    void waking() { start_clocks(); }
    [[nodiscard]] measurement all_joined() {
        stop_clocks();
        result_.operations = count_;
        return result_;
    }

private:
    void start_clocks() {
        cpu_start_ = process_cpu_seconds();
        real_start_ = monotonic_seconds();
    }
    void stop_clocks() {
        result_.cpu_seconds += process_cpu_seconds() - cpu_start_;
        result_.real_seconds += monotonic_seconds() - real_start_;
    }

    double count_;
    measurement result_;
    memory before_ = memory_now();
    double cpu_start_ = process_cpu_seconds();
    double real_start_ = monotonic_seconds();
};

}  // namespace bench
