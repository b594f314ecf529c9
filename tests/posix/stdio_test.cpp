// stdio and iostreams on fibers, beyond the scenes of single calls.

#include "posix/fibers.hpp"
#include "posix/stdio_slots.hpp"

#include <brio/posix.hpp>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <vector>

namespace {

using namespace posix_tests;

using file = std::unique_ptr<std::FILE, decltype(&std::fclose)>;

file open_end(descriptor& end, const char* mode) {
    file opened(::fdopen(::dup(end), mode), &std::fclose);
    end.close();
    return opened;
}

std::string line_of(std::FILE* from) {
    char line[100] = "";
    return std::fgets(line, sizeof line, from) != nullptr ? line : "";
}

class stdio : public testing::Test {
protected:
    void SetUp() override {
        if (!has_known_stdio()) GTEST_SKIP() << "another libc";
        ASSERT_TRUE(brio::detail::posix::stdio_suspends());
    }
};

char reads;
char writes;
char ours_in;
char ours_out;
char other;

bool refuses(std::vector<void*> table, std::size_t expected) {
    const std::vector<void*> before = table;
    return !brio::detail::posix::replace_pairs(table, {&reads, &writes}, {&ours_in, &ours_out},
                                               expected) &&
           table == before;
}

}  // namespace

TEST(stdio_slots, replaces_the_pairs_that_it_expects) {
    std::array<void*, 6> table = {&other, &reads, &writes, &other, &reads, &writes};
    EXPECT_TRUE(
        brio::detail::posix::replace_pairs(table, {&reads, &writes}, {&ours_in, &ours_out}, 2));
    EXPECT_THAT(table,
                testing::ElementsAre(&other, &ours_in, &ours_out, &other, &ours_in, &ours_out));
}

TEST(stdio_slots, refuses_a_table_that_does_not_fit) {
    EXPECT_TRUE(refuses({}, 1));
    EXPECT_TRUE(refuses({&reads, &writes}, 2));                   // too few
    EXPECT_TRUE(refuses({&reads, &writes, &reads, &writes}, 1));  // too many
    EXPECT_TRUE(refuses({&reads, &other, &writes}, 1));           // not side by side
    EXPECT_TRUE(refuses({&writes, &reads}, 1));                   // the other way round
    EXPECT_TRUE(refuses({&reads, &writes, &other, &reads}, 1));   // one half more
    EXPECT_TRUE(refuses({&reads, &writes, &other, &writes, &reads}, 1));
}

TEST(stdio_slots, say_what_suspends) {
    const bool here = brio::detail::posix::stdio_suspends();
    EXPECT_EQ(brio::posix::suspends("fgets"), here);
    EXPECT_EQ(brio::posix::suspends("fprintf"), here);
    EXPECT_FALSE(brio::posix::suspends("funlockfile"));
}

TEST_F(stdio, reads_a_socket) {
    two_ends ends = make_socketpair();
    const file from = open_end(ends.first, "r+");
    brio::run([&] {
        auto reading = brio::create_task([&] {
            char room[10] = "";
            EXPECT_EQ(std::fread(room, 1, 6, from.get()), 6U);
            return std::string(room);
        });
        brio::yield();
        EXPECT_EQ(::write(ends.second, "abc", 3), 3);
        let_others_run();
        EXPECT_FALSE(reading.done());
        EXPECT_EQ(::write(ends.second, "def", 3), 3);
        EXPECT_EQ(reading.await(), "abcdef");
    });
}

TEST_F(stdio, reads_what_a_shell_writes) {
    brio::run([] {
        auto letters = make_pipe();
        int turns = 0;
        auto counting = brio::create_task([&] {
            for (;; brio::yield())
                if (++turns == 6) {
                    EXPECT_EQ(::write(letters.second, "x", 1), 1);
                }
        });
        // It says nothing before the counting has got so far.
        const std::string letter = "head -c 1 >/dev/null <&" + std::to_string(letters.first);
        std::FILE* const shell = ::popen((letter + "; echo hello").c_str(), "r");
        EXPECT_EQ(line_of(shell), "hello\n");
        EXPECT_EQ(::pclose(shell), 0);
        EXPECT_GT(turns, 5);
        counting.cancel();
        EXPECT_THROW(counting.await(), brio::cancelled_error);
    });
}

TEST_F(stdio, pclose_suspends_while_it_writes) {
    brio::run([] {
        auto letters = make_pipe();
        const std::string letter = "head -c 1 >/dev/null <&" + std::to_string(letters.first);
        std::FILE* const shell = ::popen((letter + "; cat >/dev/null").c_str(), "w");
        std::vector<char> buffer(200'000);
        std::setvbuf(shell, buffer.data(), _IOFBF, buffer.size());
        const std::string text(150'000, 'x');
        std::fwrite(text.data(), 1, text.size(), shell);
        auto closing = brio::create_task([&] { return ::pclose(shell); });
        let_others_run();
        EXPECT_FALSE(closing.done());
        EXPECT_EQ(::write(letters.second, "x", 1), 1);
        EXPECT_EQ(closing.await(), 0);
    });
}

// Between two fibers of one thread libc's lock locks nothing.
TEST_F(stdio, two_writers_of_a_file_mix_nothing_up) {
    two_ends pipe = make_pipe();
    const std::string text = brio::run([&] {
        auto into = std::make_shared<file>(open_end(pipe.second, "w"));
        for (const char letter : {'a', 'b'})
            brio::create_task([=] {
                const std::string line = std::string(99, letter) + '\n';
                for (int i = 0; i < 700; ++i) EXPECT_GE(std::fputs(line.c_str(), into->get()), 0);
            });
        into.reset();  // the last writer closes it
        return read_all(pipe.first, 140'000);
    });
    EXPECT_EQ(std::count(text.begin(), text.end(), 'a'), 69'300);
    EXPECT_EQ(std::count(text.begin(), text.end(), 'b'), 69'300);
    for (std::size_t at = 0; at < text.size(); at += 100) {
        const std::string line = text.substr(at, 100);
        ASSERT_TRUE(line == std::string(99, line[0]) + '\n') << at;
    }
}

TEST_F(stdio, two_writers_of_big_blocks_take_turns) {
    two_ends pipe = make_pipe();
    const file into = open_end(pipe.second, "w");
    brio::run([&] {
        std::vector<brio::task<void>> writers;
        for (const char letter : {'a', 'b'})
            writers.push_back(brio::create_task([&, letter] {
                const std::string block(70'000, letter);
                EXPECT_EQ(std::fwrite(block.data(), 1, block.size(), into.get()), block.size());
            }));
        auto flushing = brio::create_task([&] {
            for (auto& w : writers) w.await();
            EXPECT_EQ(std::fflush(into.get()), 0);
        });
        const std::string text = read_all(pipe.first, 140'000);
        EXPECT_TRUE(text == std::string(70'000, 'a') + std::string(70'000, 'b'));
        flushing.await();
    });
}

TEST_F(stdio, two_readers_of_a_file_get_a_line_each) {
    two_ends pipe = make_pipe();
    const file from = open_end(pipe.first, "r");
    brio::run([&] {
        auto first = brio::create_task([&] { return line_of(from.get()); });
        auto second = brio::create_task([&] { return line_of(from.get()); });
        let_others_run();
        EXPECT_EQ(::write(pipe.second, "on", 2), 2);
        let_others_run();
        EXPECT_FALSE(first.done() || second.done());
        EXPECT_EQ(::write(pipe.second, "e\ntwo\n", 6), 6);
        EXPECT_EQ(first.await(), "one\n");
        EXPECT_EQ(second.await(), "two\n");
    });
}

TEST_F(stdio, readers_on_two_loops_get_a_line_each) {
    two_ends pipe = make_pipe();
    const file from = open_end(pipe.first, "r");
    std::array<std::string, 2> lines;
    const auto reader = [&](std::string& line) {
        return std::thread([&] {
            brio::run(
                [&] { line = brio::create_task([&] { return line_of(from.get()); }).await(); });
        });
    };
    std::thread one = reader(lines[0]);
    std::thread two = reader(lines[1]);
    EXPECT_EQ(::write(pipe.second, "on", 2), 2);
    EXPECT_EQ(::write(pipe.second, "e\ntwo\n", 6), 6);
    one.join();
    two.join();
    EXPECT_THAT(lines, testing::UnorderedElementsAre("one\n", "two\n"));
}

TEST_F(stdio, flockfile_keeps_other_fibers_out_while_its_fiber_is_suspended) {
    const file into(std::tmpfile(), &std::fclose);
    brio::run([&] {
        auto holding = brio::create_task([&] {
            ::flockfile(into.get());
            ::flockfile(into.get());
            std::fputs("one ", into.get());
            let_others_run();
            ::funlockfile(into.get());
            let_others_run();
            std::fputs("two ", into.get());
            ::funlockfile(into.get());
        });
        brio::yield();
        EXPECT_EQ(::ftrylockfile(into.get()), EBUSY);
        std::fputs("three", into.get());
        EXPECT_TRUE(holding.done());
        EXPECT_EQ(::ftrylockfile(into.get()), 0);
        ::funlockfile(into.get());
    });
    std::rewind(into.get());
    EXPECT_EQ(line_of(into.get()), "one two three");
}

TEST_F(stdio, a_cancel_is_an_error_of_the_file) {
    two_ends pipe = make_pipe();
    const file from = open_end(pipe.first, "r");
    brio::run([&] {
        auto reading = brio::create_task([&] {
            EXPECT_EQ(observe([&] { return line_of(from.get()).empty() ? -1 : 0; }),
                      (observed{-1, ECANCELED}));
            EXPECT_NE(std::ferror(from.get()), 0);
            EXPECT_EQ(std::feof(from.get()), 0);
        });
        brio::yield();
        reading.cancel();
        EXPECT_THROW(reading.await(), brio::cancelled_error);
        std::clearerr(from.get());
        EXPECT_EQ(::write(pipe.second, "later\n", 6), 6);
        EXPECT_EQ(line_of(from.get()), "later\n");
    });
}

TEST_F(stdio, fflush_of_all_does_not_wait_for_readers) {
    two_ends ask = make_pipe();
    two_ends answer = make_pipe();
    const file from = open_end(ask.first, "r");
    const file into = open_end(answer.second, "w");
    brio::run([&] {
        auto reading = brio::create_task([&] { return line_of(from.get()); });
        brio::yield();
        std::fputs("x", into.get());
        EXPECT_EQ(std::fflush(nullptr), 0);
        EXPECT_EQ(read_all(answer.first, 1), "x");
        std::thread([&] {
            std::fputs("y", into.get());
            EXPECT_EQ(std::fflush(nullptr), 0);
        }).join();
        EXPECT_EQ(read_all(answer.first, 1), "y");
        EXPECT_EQ(::write(ask.second, "z\n", 2), 2);
        EXPECT_EQ(reading.await(), "z\n");
    });
}

TEST_F(stdio, fflush_of_all_suspends_and_leaves_the_list_of_files_free) {
    two_ends pipe = make_pipe();
    const file into = open_end(pipe.second, "w");
    std::vector<char> buffer(200'000);
    std::setvbuf(into.get(), buffer.data(), _IOFBF, buffer.size());
    const std::string text(150'000, 'x');
    brio::run([&] {
        std::fwrite(text.data(), 1, text.size(), into.get());
        auto flushing = brio::create_task([&] { return std::fflush(nullptr); });
        auto another = brio::create_task([&] { return std::fflush(nullptr); });
        let_others_run();
        EXPECT_FALSE(flushing.done());
        std::thread([] { EXPECT_EQ(std::fclose(std::fopen("/dev/null", "r")), 0); }).join();
        EXPECT_TRUE(read_all(pipe.first, text.size()) == text);
        EXPECT_EQ(flushing.await(), 0);
        EXPECT_EQ(another.await(), 0);
        int left = 0;
        EXPECT_EQ(::fcntl(pipe.first, F_SETFL, O_NONBLOCK), 0);
        EXPECT_EQ(::read(pipe.first, &left, 1), -1);
    });
}

TEST_F(stdio, a_callback_of_the_loop_is_refused_where_a_fiber_is_suspended) {
    two_ends pipe = make_pipe();
    const file from = open_end(pipe.first, "r");
    brio::run([&] {
        auto reading = brio::create_task([&] { return line_of(from.get()); });
        brio::yield();
        observed seen = {};
        brio::get_running_loop().call_soon(
            [&] { seen = observe([&] { return std::fgetc(from.get()); }); });
        let_others_run();
        EXPECT_EQ(seen, (observed{EOF, EDEADLK}));
        EXPECT_EQ(::write(pipe.second, "a\n", 2), 2);
        EXPECT_EQ(reading.await(), "a\n");
    });
}

// Reading without a buffer makes libc flush a line-buffered stdout.
TEST_F(stdio, a_reader_does_not_repeat_what_a_writer_is_writing) {
    two_ends input = make_pipe();
    two_ends output = make_pipe(O_NONBLOCK);
    while (::write(output.second, numbered(4096).data(), 4096) > 0) {
    }
    ::fcntl(output.second, F_SETFL, 0);
    const file from = open_end(input.first, "r");
    const file into = open_end(output.second, "w");
    std::setvbuf(from.get(), nullptr, _IONBF, 0);
    std::setvbuf(into.get(), nullptr, _IOLBF, 1000);
    std::FILE* const before = std::exchange(stdout, into.get());
    brio::run([&] {
        auto writing = brio::create_task([&] { std::fputs("text\n", into.get()); });
        auto reading = brio::create_task([&] { return std::fgetc(from.get()); });
        let_others_run();
        const bool both_wait = !writing.done() && !reading.done();
        char room[4096];
        while (::read(output.first, room, sizeof room) == sizeof room) {
        }
        writing.await();
        const ssize_t left = ::read(output.first, room, sizeof room);
        stdout = before;
        EXPECT_TRUE(both_wait);
        EXPECT_EQ(std::string(room, left > 0 ? std::size_t(left) : 0), "text\n");
        EXPECT_EQ(::write(input.second, "x", 1), 1);
        EXPECT_EQ(reading.await(), 'x');
    });
}

TEST_F(stdio, a_passthrough_fiber_waits_for_who_is_in_the_file) {
    two_ends pipe = make_pipe();
    const file from = open_end(pipe.first, "r");
    brio::run([&] {
        auto reading = brio::create_task([&] { return line_of(from.get()); });
        brio::yield();
        auto passing = brio::create_task([&] {
            const brio::posix::passthrough_scope blocking;
            return line_of(from.get());
        });
        let_others_run();
        EXPECT_FALSE(passing.done());
        EXPECT_EQ(::write(pipe.second, "a\nb\n", 4), 4);
        EXPECT_EQ(reading.await(), "a\n");
        EXPECT_EQ(passing.await(), "b\n");
    });
}

TEST_F(stdio, a_child_of_fork_finds_every_file_free) {
    two_ends pipe = make_pipe();
    const file from = open_end(pipe.first, "r");
    brio::run([&] {
        auto reading = brio::create_task([&] { return line_of(from.get()); });
        brio::yield();
        const pid_t child = ::fork();
        if (child == 0) ::_exit(std::ungetc('c', from.get()) == std::fgetc(from.get()) ? 3 : 4);
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(WEXITSTATUS(status), 3);
        EXPECT_EQ(::write(pipe.second, "own\n", 4), 4);
        EXPECT_EQ(reading.await(), "own\n");
    });
}

TEST(iostreams, an_ifstream_of_a_fifo_suspends) {
    char name[] = "/tmp/brio-posix-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    const std::string path = std::string(name) + "/fifo";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const descriptor both(::open(path.c_str(), O_RDWR));
    brio::run([&] {
        std::ifstream from(path);
        auto reading = brio::create_task([&] {
            std::string line;
            std::getline(from, line);
            return line;
        });
        brio::yield();
        EXPECT_FALSE(reading.done());
        EXPECT_EQ(::write(both, "text\n", 5), 5);
        EXPECT_EQ(reading.await(), "text");
    });
    ::unlink(path.c_str());
    ::rmdir(name);
}
