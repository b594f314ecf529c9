// Libraries that are loaded at run time: their blocking calls suspend only the fiber that is in them.

#include "posix/command_line.hpp"
#include "posix/fibers.hpp"

#include <brio/brio.hpp>

#include <dlfcn.h>
#include <memory>
#include <string>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

using plugin_function = int(int);

struct unload {
    void operator()(void* library) const { ::dlclose(library); }
};
using plugin = std::unique_ptr<void, unload>;

plugin load(int flags) {
    plugin loaded(::dlopen(PLUGIN, flags));
    if (loaded == nullptr) throw std::runtime_error(::dlerror());
    return loaded;
}

plugin_function* function(const plugin& from, const char* name) {
    return reinterpret_cast<plugin_function*>(::dlsym(from.get(), name));
}

struct waited {
    int result;
    bool others_ran;
    bool operator==(const waited&) const = default;
};
std::ostream& operator<<(std::ostream& out, const waited& w) {
    return out << w.result << (w.others_ran ? ", others ran" : ", nobody else ran");
}

/// Calls it on a fiber, beside one that sends `text` to it.
waited call_beside_another(plugin_function* call, const std::string& text) {
    const two_ends ends = make_socketpair();
    set_timeout(ends.first, SO_RCVTIMEO, 10s);  // an error, where the other fiber cannot run
    return brio::run([&] {
        bool ran = false;
        auto other = brio::create_task([&] {
            ran = true;
            EXPECT_EQ(::write(ends.second, text.data(), text.size()), ssize_t(text.size()));
        });
        const int result = call(ends.first);
        const waited seen = {result, ran};
        other.await();
        return seen;
    });
}

class loaded_library : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(bound, loaded_library,
                         testing::Values(RTLD_NOW, RTLD_LAZY, RTLD_NOW | RTLD_LOCAL,
                                         RTLD_LAZY | RTLD_GLOBAL));

}  // namespace

TEST_P(loaded_library, suspends_only_its_fiber) {
    const plugin loaded = load(GetParam());
    EXPECT_EQ(call_beside_another(function(loaded, "plugin_read"), "r"), (waited{'r', true}));
    EXPECT_EQ(call_beside_another(function(loaded, "plugin_recv"), "v"), (waited{'v', true}));
    EXPECT_EQ(call_beside_another(function(loaded, "plugin_poll"), ""), (waited{0, true}));
    EXPECT_EQ(call_beside_another(function(loaded, "plugin_sleep"), ""), (waited{0, true}));
}

TEST_P(loaded_library, may_be_loaded_by_the_fiber_that_waits_in_it) {
    const auto load_and_read = [](int fd) { return function(load(GetParam()), "plugin_read")(fd); };
    EXPECT_EQ(call_beside_another(load_and_read, "r"), (waited{'r', true}));
}

// Address sanitizer refuses to load such libraries.
#if !defined(__SANITIZE_ADDRESS__)
TEST(library_with_deep_binding, has_libcs_calls) {
    const plugin loaded = load(RTLD_NOW | RTLD_DEEPBIND);
    EXPECT_EQ(call_beside_another(function(loaded, "plugin_poll"), ""), (waited{0, false}));
    EXPECT_EQ(call_beside_another(function(loaded, "plugin_sleep"), ""), (waited{0, false}));
}
#endif

#if defined(RUN)
TEST(loaded_library_under_brio_run, suspends_main) {
    const ended plain = shell(PROGRAM_LOADING " " PLUGIN);
    EXPECT_EQ(plain.text, "poll 0, sleep 0\n");
    const ended ours = shell(RUN " --stats " PROGRAM_LOADING " " PLUGIN);
    EXPECT_EQ(ours.status, plain.status);
    EXPECT_THAT(ours.text, AllOf(HasSubstr(plain.text),
                                 HasSubstr(": 2 calls of the main thread have waited by ")));
}

TEST(loaded_library_under_brio_run, has_libcs_calls_where_it_is_bound_deeply) {
    const ended ours = shell(RUN " --stats " PROGRAM_LOADING " " PLUGIN " deep");
    EXPECT_EQ(ours.status, 0);
    EXPECT_THAT(ours.text, HasSubstr(": 0 calls of the main thread have waited by "));
}
#endif
