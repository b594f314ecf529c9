#pragma once
// What mirrors asyncio. Besides: <brio/subprocess.hpp>, <brio/tls.hpp>; sockets, pipes, datagrams and
// files below the streams: <brio/io/...>; libc's calls: <brio/posix.hpp>; tests: <brio/testing.hpp>.

#include <brio/awaitable.hpp>
#include <brio/call_graph.hpp>
#include <brio/context.hpp>
#include <brio/error.hpp>
#include <brio/event_loop.hpp>
#include <brio/exception_group.hpp>
#include <brio/future.hpp>
#include <brio/gather.hpp>
#include <brio/outcome.hpp>
#include <brio/queue.hpp>
#include <brio/run.hpp>
#include <brio/stream.hpp>
#include <brio/sync.hpp>
#include <brio/task.hpp>
#include <brio/task_group.hpp>
#include <brio/thread.hpp>
#include <brio/time.hpp>
#include <brio/timeout.hpp>
#include <brio/wait.hpp>
