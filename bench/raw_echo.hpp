#pragma once

#include "echo.hpp"

#include <vector>

namespace bench {

/// Answers on all of `sockets` until the other ends have closed, with a recv entry and then a send
/// entry a message.
void serve_oneshot(const std::vector<int>& sockets, echo_window& window);

/// The same with one multishot recv a connection, which fills shared buffers, and a send from
/// there.
void serve_multishot(const std::vector<int>& sockets, echo_window& window);

}  // namespace bench
