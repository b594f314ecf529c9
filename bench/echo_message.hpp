#pragma once

#include <cstddef>

namespace bench {

constexpr std::size_t message_bytes = 64;
/// Room for one read; a receiver does not count on the size of messages.
constexpr std::size_t read_bytes = 256;

}  // namespace bench
