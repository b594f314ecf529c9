// An exception that two threads have caught is freed by whoever comes last. libstdc++ counts that with
// atomics inside the library, which ThreadSanitizer does not see. And the threads of a pool that is left
// to itself are never joined.

// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" const char* __tsan_default_suppressions() {
    return "race:std::__exception_ptr::exception_ptr::_M_release\n"
           "race:std::logic_error::~logic_error\n"
           "race:std::runtime_error::~runtime_error\n"
           "thread:brio::v0::detail::worker_pool::submit\n";
}
