#pragma once
// Forward declarations. v0 is the ABI: it moves when a public layout or signature moves, so that
// mixed versions fail to link. To declare a brio name, include this file; never write the inline
// namespace.

#include <brio/version.hpp>

namespace brio::inline v0 {
class any_future;
class any_task;
template <class T>
class [[nodiscard("a future waits for nothing: keep it, .await() it")]] future;
template <class T>
class task;
template <class T>
class outcome;
class callback_handle;
class context;
class event_loop;
class loop_handle;
class thread_pool;
template <class T>
class concurrent_future;
class runner;
class timeout_scope;
class task_group_scope;
struct exception_report;
struct loop_options;
struct task_options;

namespace detail {
class context_map;
class future_core;
class end_notice;
class executor;
class loop_core;
class remote_core;
class task_core;
struct fiber;
}  // namespace detail
}  // namespace brio::inline v0
