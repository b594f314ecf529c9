#pragma once

#include "echo.hpp"

#include <array>
#include <vector>

namespace bench {

/// Answers on all of `sockets` until the other ends have closed, with a recv entry and then a send
/// entry a message.
void serve_oneshot(const std::vector<int>& sockets, echo_window& window);

/// The same with one multishot recv a connection, which fills shared buffers, and a send from
/// there.
void serve_multishot(const std::vector<int>& sockets, echo_window& window);

/// Both, with a client of their own.
[[nodiscard]] std::array<echo_run, 2> raw_echoes(unsigned connections);

}  // namespace bench
