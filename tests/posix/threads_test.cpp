// getaddrinfo and pthread_join: what other threads do for a fiber.

#include "posix/fibers.hpp"

#include <atomic>
#include <future>
#include <memory>
#include <netdb.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;

struct freed {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using address_list = std::unique_ptr<addrinfo, freed>;

struct looked_up {
    int status;
    address_list found;
};
looked_up look_up(const char* name, const char* service, const addrinfo* hints = nullptr) {
    addrinfo* found = nullptr;
    const int status = ::getaddrinfo(name, service, hints, &found);
    return {status, address_list(status == 0 ? found : nullptr)};
}

addrinfo hints_of(int flags, int type = SOCK_STREAM) {
    addrinfo hints = {};
    hints.ai_flags = flags;
    hints.ai_socktype = type;
    return hints;
}

/// The addresses, one after another, as a text that can be compared.
std::string text_of(const looked_up& l) {
    std::string text = std::to_string(l.status);
    for (const addrinfo* a = l.found.get(); a != nullptr; a = a->ai_next) {
        char host[NI_MAXHOST] = {};
        char service[NI_MAXSERV] = {};
        ::getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof host, service, sizeof service,
                      NI_NUMERICHOST | NI_NUMERICSERV);
        text += std::string(" ") + host + ":" + service + "/" + std::to_string(a->ai_socktype);
    }
    return text;
}

/// Whether the call lets another task run before it answers.
template <class F>
bool suspends(F&& call) {
    return brio::run([&] {
        bool other_ran = false;
        auto other = brio::create_task([&] { other_ran = true; });
        call();
        const bool seen = other_ran;
        other.await();
        return seen;
    });
}

}  // namespace

TEST(getaddrinfo, numeric_names_are_answered_at_once) {
    const addrinfo passive = hints_of(AI_PASSIVE);
    const addrinfo numeric = hints_of(AI_NUMERICHOST | AI_NUMERICSERV);
    EXPECT_FALSE(suspends([] { EXPECT_EQ(look_up("127.0.0.1", "80").status, 0); }));
    EXPECT_FALSE(suspends([] { EXPECT_EQ(look_up("::1", nullptr).status, 0); }));
    EXPECT_FALSE(suspends([&] { EXPECT_EQ(look_up(nullptr, "80", &passive).status, 0); }));
    EXPECT_FALSE(
        suspends([&] { EXPECT_EQ(look_up("localhost", "80", &numeric).status, EAI_NONAME); }));
    EXPECT_TRUE(suspends([] { EXPECT_EQ(look_up("localhost", "80").status, 0); }));
    EXPECT_TRUE(suspends([] { look_up("127.0.0.1", "http"); }));
}

TEST(getaddrinfo, answers_what_libc_answers) {
    const addrinfo stream = hints_of(0);
    const addrinfo numeric = hints_of(AI_NUMERICHOST);
    const addrinfo wrong = hints_of(0x40000000);
    const addrinfo odd_type = hints_of(0, 12345);
    struct question {
        const char* name;
        const char* service;
        const addrinfo* hints;
    };
    for (const question& q : {question{"localhost", nullptr, nullptr},
                              {"localhost", "80", &stream},
                              {"localhost", "http", &stream},
                              {"localhost", "no-such-service", &stream},
                              {"127.1", "1", &stream},
                              {"10.0.0.1", "99999", &stream},
                              {"fe80::1%lo", "1", &stream},
                              {nullptr, "80", &stream},
                              {nullptr, nullptr, nullptr},
                              {"", nullptr, nullptr},
                              {"localhost", nullptr, &numeric},
                              {"localhost", "80", &wrong},
                              {"127.0.0.1", "80", &odd_type}}) {
        std::string here;
        std::string there;
        brio::run([&] { here = text_of(look_up(q.name, q.service, q.hints)); });
        std::thread([&] { there = text_of(look_up(q.name, q.service, q.hints)); }).join();
        EXPECT_EQ(here, there) << (q.name ? q.name : "(none)") << " "
                               << (q.service ? q.service : "(none)");
    }
}

TEST(getaddrinfo, many_fibers_look_up_at_once) {
    brio::run([] {
        std::vector<brio::task<int>> all;
        for (int i = 0; i < 100; ++i)
            all.push_back(brio::create_task([] { return look_up("localhost", "80").status; }));
        EXPECT_THAT(brio::gather(all).await(), testing::Each(0));
    });
}

TEST(getaddrinfo, a_cancel_ends_the_wait_and_what_is_found_later_is_freed) {
    brio::run([] {
        observed seen = {};
        auto cancelled = brio::create_task([&] {
            seen = observe([] { return look_up("localhost", nullptr).status; });
            // Told to C, so it is still there for C++.
            EXPECT_THROW(brio::yield(), brio::cancelled_error);
            // Delivered: the next call is as any other.
            EXPECT_EQ(look_up("localhost", nullptr).status, 0);
        });
        brio::yield();
        cancelled.cancel("enough");
        cancelled.await();
        EXPECT_EQ(seen, (observed{EAI_SYSTEM, ECANCELED}));
    });
}

TEST(getaddrinfo, a_loop_that_ends_does_not_wait_for_helpers) {
    // The task is cancelled by run(); the helper may still be at work when the loop is gone.
    for (int i = 0; i < 50; ++i) {
        brio::run([] {
            brio::create_task([] { look_up("localhost", "80"); });
            brio::yield();
        });
    }
}

namespace {

/// A thread that waits for a letter and returns a value.
struct waiting_thread {
    waiting_thread() : pipe(make_pipe()) {
        EXPECT_EQ(::pthread_create(&id, nullptr, &run, this), 0);
    }
    static void* run(void* self) {
        char letter = 0;
        ::syscall(SYS_read, static_cast<int>(static_cast<waiting_thread*>(self)->pipe.first),
                  &letter, 1);
        return &static_cast<waiting_thread*>(self)->value;
    }
    void end() const { EXPECT_EQ(::write(pipe.second, "x", 1), 1); }
    two_ends pipe;
    pthread_t id = {};
    int value = 0;
};

}  // namespace

TEST(pthread_join, waits_for_the_thread_and_takes_its_result) {
    waiting_thread thread;
    brio::run([&] {
        void* result = nullptr;
        auto joiner = brio::create_task([&] { return ::pthread_join(thread.id, &result); });
        let_others_run();
        EXPECT_FALSE(joiner.done());
        thread.end();
        EXPECT_EQ(joiner.await(), 0);
        EXPECT_EQ(result, &thread.value);
    });
}

TEST(pthread_join, joins_many_threads_at_once) {
    brio::run([] {
        std::vector<std::unique_ptr<waiting_thread>> threads;
        std::vector<brio::task<int>> joiners;
        for (int i = 0; i < 50; ++i) {
            threads.push_back(std::make_unique<waiting_thread>());
            joiners.push_back(brio::create_task(
                [id = threads.back()->id] { return ::pthread_join(id, nullptr); }));
        }
        brio::yield();
        for (const auto& t : threads) t->end();
        EXPECT_THAT(brio::gather(joiners).await(), testing::Each(0));
    });
}

TEST(pthread_join, answers_errors_as_libc_does) {
    expect_same([] { return ::pthread_join(::pthread_self(), nullptr); }, "itself");
    static waiting_thread thread;  // nobody can wait for its end
    ASSERT_EQ(::pthread_detach(thread.id), 0);
    expect_same([&] { return ::pthread_join(thread.id, nullptr); }, "a detached thread");
    thread.end();
}

TEST(pthread_join, std_thread_and_std_async_join_in_fibers) {
    brio::run([] {
        const two_ends pipe = make_pipe();
        auto joiner = brio::create_task([&] {
            std::jthread worker([&] {
                char letter = 0;
                EXPECT_EQ(::read(pipe.first, &letter, 1), 1);
            });
        });
        brio::yield();
        EXPECT_FALSE(joiner.done());
        EXPECT_EQ(::write(pipe.second, "x", 1), 1);
        joiner.await();
    });
}
