// libcurl as it is: curl_easy_perform in tasks, against a server in plain blocking style on the same
// loop. That both can be on one thread is the first thing that each test shows.

#include "posix/fibers.hpp"

#include <brio/posix.hpp>

#include <cstdlib>
#include <cstring>
#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;
using std::string;

string request_on(int fd) {
    string request;
    char room[1024];
    while (request.find("\r\n\r\n") == string::npos) {
        const ssize_t count = ::recv(fd, room, sizeof room, 0);
        if (count <= 0) return {};
        request.append(room, static_cast<std::size_t>(count));
    }
    return request;
}

void answer(int fd, const string& body) {
    const string text =
        "HTTP/1.0 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
}

/// Serves each connection by `serve(fd, request)` in a task of its own, until it is destroyed.
class server {
public:
    explicit server(std::function<void(int, const string&)> serve)
        : serve_(std::move(serve)), accepting_(brio::create_task([this] { accept_all(); })) {}
    server(const server&) = delete;
    server& operator=(const server&) = delete;
    ~server() {
        accepting_.cancel();
        (void)brio::wait({accepting_});
    }
    [[nodiscard]] string url(const string& host = "127.0.0.1") const {
        return "http://" + host + ":" + std::to_string(listening_.port) + "/page";
    }

private:
    void accept_all() {
        std::vector<brio::task<void>> connections;
        for (;;) {
            const int accepted = ::accept(listening_.fd, nullptr, nullptr);
            if (accepted < 0) break;
            auto fd = std::make_shared<descriptor>(accepted);
            connections.push_back(brio::create_task([this, fd] { serve_(*fd, request_on(*fd)); }));
        }
        for (const auto& c : connections) c.cancel();
    }

    listener listening_{128};
    std::function<void(int, const string&)> serve_;
    brio::task<void> accepting_;
};

struct fetched {
    CURLcode code;
    string body;
};

std::size_t append(char* data, std::size_t, std::size_t size, void* to) {
    static_cast<string*>(to)->append(data, size);
    return size;
}

fetched fetch(const string& url, curl_write_callback write = &append) {
    const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
    fetched result = {CURLE_OK, {}};
    curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, write);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &result.body);
    result.code = curl_easy_perform(curl.get());
    return result;
}

}  // namespace

TEST(curl, fetches_run_at_the_same_time) {
    brio::run([] {
        // Nobody is answered before everybody has asked.
        constexpr int count = 50;
        int asked = 0;
        auto all_have_asked = brio::get_running_loop().create_future<int>();
        const server site([&](int fd, const string&) {
            if (++asked == count) all_have_asked.set_result(asked);
            all_have_asked.await();
            answer(fd, string(200'000, 'x'));
        });
        std::vector<brio::task<fetched>> fetches;
        for (int i = 0; i < count; ++i)
            fetches.push_back(brio::create_task([&] { return fetch(site.url()); }));
        for (const fetched& f : brio::gather(fetches).await()) {
            EXPECT_EQ(f.code, CURLE_OK) << curl_easy_strerror(f.code);
            EXPECT_EQ(f.body.size(), 200'000U);
        }
    });
}

TEST(curl, names_are_looked_up) {
    brio::run([] {
        const server site([](int fd, const string&) { answer(fd, "hello"); });
        const fetched f = fetch(site.url("localhost"));
        EXPECT_EQ(f.code, CURLE_OK) << curl_easy_strerror(f.code);
        EXPECT_EQ(f.body, "hello");
    });
}

TEST(curl, a_dead_server_is_an_error_of_curls) {
    brio::run([] {
        string url;
        {
            const server gone([](int, const string&) {});
            url = gone.url();
        }
        EXPECT_EQ(fetch(url).code, CURLE_COULDNT_CONNECT);
    });
}

TEST(curl, a_timeout_around_it_is_a_timeout_error) {
    for (const char* const host : {"127.0.0.1", "localhost"}) {
        brio::run([&] {
            auto never = brio::get_running_loop().create_future<int>();
            const server silent([&](int, const string&) { never.await(); });
            fetched f = {CURLE_OK, {}};
            EXPECT_THROW(brio::timeout(50ms, [&] { f = fetch(silent.url(host)); }),
                         brio::timeout_error);
            EXPECT_NE(f.code, CURLE_OK);
        });
    }
}

TEST(curl, a_cancel_ends_it_cleanly) {
    brio::run([] {
        auto asked = brio::get_running_loop().create_future<int>();
        const server silent([&](int fd, const string&) {
            asked.set_result(1);
            char room[1];
            EXPECT_EQ(::recv(fd, room, 1, 0), 0);  // curl closes the connection
        });
        fetched f = {CURLE_OK, {}};
        auto task = brio::create_task([&] { f = fetch(silent.url()); });
        asked.await();
        task.cancel();
        EXPECT_THROW(task.await(), brio::cancelled_error);
        EXPECT_NE(f.code, CURLE_OK);
    });
}

TEST(curl, a_callback_may_suspend_and_is_not_unwound) {
    brio::run([] {
        const server site([](int fd, const string&) { answer(fd, string(1 << 20, 'x')); });
        const auto slowly = [](char* data, std::size_t one, std::size_t size, void* to) {
            const brio::c_callback scope;
            brio::sleep(100us);
            return append(data, one, size, to);
        };
        const fetched whole = fetch(site.url(), +slowly);
        EXPECT_EQ(whole.code, CURLE_OK);
        EXPECT_EQ(whole.body.size(), 1U << 20U);

        auto task = brio::create_task([&] { return fetch(site.url(), +slowly); });
        brio::sleep(1ms);
        task.cancel();
        EXPECT_THROW(task.await(), brio::cancelled_error);
    });
}

namespace {

/// A file of OpenSSL's that takes its time: a pipe, which nobody has opened for writing.
class slow_configuration {
public:
    slow_configuration()
        : path_(testing::TempDir() + "brio_openssl_" + std::to_string(::getpid())) {
        EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
        ::setenv("OPENSSL_CONF", path_.c_str(), 1);
    }
    slow_configuration(const slow_configuration&) = delete;
    slow_configuration& operator=(const slow_configuration&) = delete;
    ~slow_configuration() { ::unlink(path_.c_str()); }

    /// True: it is being read, and has been given to the reader.
    [[nodiscard]] bool give() const {
        const int end = ::open(path_.c_str(), O_WRONLY | O_NONBLOCK);
        if (end >= 0) ::close(end);
        return end >= 0;
    }

private:
    string path_;
};

/// False: the task has ended without it.
template <class T>
bool give_before_the_end_of(const brio::task<T>& task, const slow_configuration& file) {
    while (!file.give()) {
        if (task.done()) return false;
        brio::yield();
    }
    return true;
}

/// Runs `first` on many fibers while libcurl is not set up and its set-up waits: the exit status.
int run_while_set_up_waits(bool (*first)()) {
    const slow_configuration file;
    return brio::run([&] {
        std::vector<brio::task<bool>> all(10);
        for (auto& one : all) one = brio::create_task([&] { return first(); });
        if (!give_before_the_end_of(all.front(), file)) return 1;
        for (auto& one : all)
            if (!one.await()) return 2;
        return 0;
    });
}

bool make_handle() {
    CURL* const handle = curl_easy_init();
    curl_easy_cleanup(handle);
    return handle != nullptr;
}
bool set_up() {
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}
bool set_up_with_allocator() {
    return curl_global_init_mem(
               CURL_GLOBAL_DEFAULT, [](size_t size) { return std::malloc(size); },
               [](void* room) { std::free(room); },
               [](void* room, size_t size) { return std::realloc(room, size); },
               [](const char* text) { return ::strdup(text); },
               [](size_t count, size_t size) { return std::calloc(count, size); }) == CURLE_OK;
}

/// The one who sets libcurl up is cancelled meanwhile: he has his handle, and then his cancel.
int cancel_who_sets_up() {
    const slow_configuration file;
    return brio::run([&] {
        bool made = false;
        auto first = brio::create_task([&] {
            made = make_handle();
            brio::yield();
        });
        brio::yield();
        first.cancel();
        if (!give_before_the_end_of(first, file)) return 1;
        (void)brio::wait({first});
        return made && first.cancelled() ? 0 : 2;
    });
}

bool is_with_openssl() {
    return string(curl_version()).find("OpenSSL/") != string::npos;
}

}  // namespace

// Each in a process of its own, where libcurl has not been set up.

class curl_set_up : public testing::TestWithParam<bool (*)()> {};

INSTANTIATE_TEST_SUITE_P(first, curl_set_up,
                         testing::Values(&make_handle, &set_up, &set_up_with_allocator));

TEST_P(curl_set_up, may_be_on_many_fibers_at_once) {
    if (!is_with_openssl()) GTEST_SKIP() << "this libcurl's set-up reads no file that can be named";
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(std::_Exit(run_while_set_up_waits(GetParam())), testing::ExitedWithCode(0), "");
}

TEST(curl_set_up_on_a_fiber, is_not_cut_short_by_a_cancel) {
    if (!is_with_openssl()) GTEST_SKIP() << "this libcurl's set-up reads no file that can be named";
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(std::_Exit(cancel_who_sets_up()), testing::ExitedWithCode(0), "");
}

TEST(curl_set_up_on_a_fiber, is_of_the_libcurl_that_the_caller_was_linked_with) {
    void* const plugin = ::dlopen(CURL_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(plugin, nullptr) << ::dlerror();
    const auto has_its_own =
        reinterpret_cast<int (*)()>(::dlsym(plugin, "plugin_has_its_own_curl"));
    EXPECT_EQ(brio::run([&] { return has_its_own(); }), 1);
    EXPECT_EQ(has_its_own(), 1);
    EXPECT_TRUE(brio::run(&make_handle));
    ::dlclose(plugin);
}
