// The libc layer: what it costs whom, and what it gives. The measurements are in the programs beside this one,
// since a program has the layer or has it not.

#include "fresh_process.hpp"

#include <string>

namespace {

const std::string with_layer = "brio-bench-posix";
const std::string without = "brio-bench-plain";

const bench::other_program_benchmark brio_mutex("brio/plain_mutex/1", with_layer);
const bench::other_program_benchmark raw_mutex("raw/plain_mutex/1", without);
const bench::other_program_benchmark brio_read("brio/plain_read/1", with_layer);
const bench::other_program_benchmark raw_read("raw/plain_read/1", without);
const bench::other_program_benchmark brio_echo_100("brio/plain_echo/100", with_layer);
const bench::other_program_benchmark brio_echo_1000("brio/plain_echo/1000", with_layer);

}  // namespace
