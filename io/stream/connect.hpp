#pragma once
// Connecting to one of several addresses: in turn, or as happy eyeballs do it (RFC 8305).

#include "net/address.hpp"

#include <brio/io/descriptor.hpp>
#include <brio/stream.hpp>

#include <string>
#include <vector>

namespace brio::inline v0::detail {

/// Suspends until the first of `found` answers; the descriptors of the others are closed then, as all
/// are when it throws. `host` is for errors.
[[nodiscard]] io::descriptor connect_to_one_of(const std::vector<address>& found,
                                               const stream_options& options,
                                               const std::string& host);

}  // namespace brio::inline v0::detail
