// open and its kin, and the calls that change files and directories.

#include "posix/fibers.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sys/stat.h>
#include <vector>

namespace {

using namespace posix_tests;
using namespace std::chrono_literals;
using std::string;

class files : public testing::Test {
protected:
    files() {
        EXPECT_NE(::mkdtemp(directory_.data()), nullptr);
        descriptor file(::open(name("file").c_str(), O_CREAT | O_WRONLY, 0600));
        EXPECT_EQ(::write(file, "letters", 7), 7);
        EXPECT_EQ(::symlink(name("file").c_str(), name("link").c_str()), 0);
        EXPECT_EQ(::symlink(name("loop").c_str(), name("loop").c_str()), 0);
        EXPECT_EQ(::mkdir(name("folder").c_str(), 0700), 0);
        EXPECT_EQ(::mkfifo(name("fifo").c_str(), 0600), 0);
    }
    ~files() override { std::filesystem::remove_all(directory_); }
    [[nodiscard]] string name(const string& of) const { return directory_ + "/" + of; }

    string directory_ = "/tmp/brio-files-XXXXXX";
};

/// How many descriptors of this process are of `path`.
int descriptors_of(const string& path) {
    struct stat sought = {};
    EXPECT_EQ(::stat(path.c_str(), &sought), 0);
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        struct stat found = {};  // what another thread has closed meanwhile is not found
        if (::stat(entry.path().c_str(), &found) != 0) continue;
        count += found.st_ino == sought.st_ino && found.st_dev == sought.st_dev ? 1 : 0;
    }
    return count;
}

/// The flags of what has been opened, or -1; closes it.
int flags_of(int fd) {
    if (fd < 0) return -1;
    const int flags = ::fcntl(fd, F_GETFL) << 1 | ::fcntl(fd, F_GETFD);
    ::close(fd);
    return flags;
}

}  // namespace

TEST_F(files, open_as_libc_opens_them) {
    for (const char* of : {"file", "link", "loop", "folder", "nothing", "file/below", "folder/",
                           "nowhere/file", "folder/../file"}) {
        for (const int flags :
             {O_RDONLY, O_RDWR, O_WRONLY | O_APPEND, O_RDONLY | O_CLOEXEC, O_RDONLY | O_NOFOLLOW,
              O_RDONLY | O_DIRECTORY, O_PATH, O_PATH | O_NOFOLLOW, O_RDONLY | O_NONBLOCK,
              O_RDWR | O_SYNC, O_RDONLY | 0x4000'0000, O_WRONLY | O_RDWR}) {
            expect_same([&] { return flags_of(::open(name(of).c_str(), flags)); }, of);
            expect_same([&] { return flags_of(::openat(AT_FDCWD, name(of).c_str(), flags)); }, of);
        }
        const auto create = [&] {
            const int flags = flags_of(::open(name(of).c_str(), O_CREAT | O_EXCL, 0600));
            if (flags >= 0) ::unlink(name(of).c_str());
            return flags;
        };
        expect_same(create, of);
    }
    const descriptor folder(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY));
    expect_same([&] { return flags_of(::openat(folder, "file", O_RDONLY)); }, "in a directory");
    expect_same([&] { return flags_of(::openat(folder, "", O_RDONLY)); }, "no name");
    expect_same([&] { return flags_of(::openat(-5, "file", O_RDONLY)); }, "no directory");
    expect_same([&] { return flags_of(::open(nowhere(), O_RDONLY)); }, "EFAULT");
    expect_same([&] { return flags_of(::open(string(5000, 'x').c_str(), O_RDONLY)); }, "too long");
    expect_same([] { return flags_of(::open("/dev/null", O_RDWR)); }, "a device");
    expect_same([] { return flags_of(::open("/dev/tty", O_RDWR)); }, "a terminal");
    expect_same([] { return flags_of(::open("/tmp", O_TMPFILE | O_RDWR, 0600)); }, "no name");
    expect_same([] { return flags_of(::open("/proc/self/status", O_RDONLY)); }, "proc");
}

TEST_F(files, are_created_with_their_mode_and_emptied) {
    const auto create = [&] {
        const descriptor made(::open(name("new").c_str(), O_CREAT | O_EXCL | O_WRONLY, 0640));
        struct stat file = {};
        EXPECT_EQ(::fstat(made, &file), 0);
        ::unlink(name("new").c_str());
        return file.st_mode;
    };
    expect_same(create, "open");
    brio::run([&] {
        const descriptor emptied(::open(name("file").c_str(), O_WRONLY | O_TRUNC));
        struct stat file = {};
        EXPECT_EQ(::fstat(emptied, &file), 0);
        EXPECT_EQ(file.st_size, 0);
        const descriptor made(::creat(name("new").c_str(), 0600));
        EXPECT_EQ(::write(made, "x", 1), 1);
    });
}

TEST_F(files, in_memory_are_opened_at_once) {
    const auto opens_at_once = [&] {
        bool other_ran = false;
        auto other = brio::create_task([&] { other_ran = true; });
        for (const char* of : {"file", "link", "folder"})
            descriptor(::open(name(of).c_str(), O_RDONLY));
        descriptor(::open("/dev/null", O_RDWR));
        descriptor(::open("/proc/self/status", O_RDONLY));
        std::ifstream("/proc/self/status").get();
        struct stat file = {};
        EXPECT_EQ(::stat(name("link").c_str(), &file), 0);
        descriptor(::open(name("fifo").c_str(), O_RDWR | O_NONBLOCK));
        const bool at_once = !other_ran;
        other.await();
        return at_once;
    };
    // Mostly: the kernel may drop a name, and gives up a look that a renaming anywhere crosses.
    int times = 0;
    for (int i = 0; i < 100; ++i) brio::run([&] { times += opens_at_once() ? 1 : 0; });
    EXPECT_GT(times, 50);
}

TEST_F(files, fifo_waits_for_its_other_end) {
    brio::run([&] {
        const string fifo = name("fifo");
        auto reader = brio::create_task([&] {
            const descriptor end(::open(fifo.c_str(), O_RDONLY));
            return read_all(end, 100);
        });
        let_others_run();
        EXPECT_FALSE(reader.done());
        auto writer = brio::create_task([&] {
            const descriptor end(::open(fifo.c_str(), O_WRONLY));
            EXPECT_EQ(::write(end, "through", 7), 7);
        });
        EXPECT_EQ(reader.await(), "through");
        writer.await();
    });
    expect_same([&] { return ::open(name("fifo").c_str(), O_WRONLY | O_NONBLOCK); }, "ENXIO");
}

TEST_F(files, behind_a_link_of_the_kernels_are_opened_as_libc_opens_them) {
    expect_same([] { return flags_of(::open("/proc/self/exe", O_RDONLY)); }, "a link to a disk");
    expect_same([] { return flags_of(::open("/proc/self/../cpuinfo", O_RDONLY)); }, "a way up");
}

TEST_F(files, a_stream_of_a_fifo_waits_for_its_other_end) {
    brio::run([&] {
        const string fifo = name("fifo");
        auto reader = brio::create_task([&] {
            std::ifstream in(fifo);
            string word;
            in >> word;
            return word;
        });
        let_others_run();
        EXPECT_FALSE(reader.done());
        auto writer = brio::create_task([&] {
            FILE* const out = std::fopen(fifo.c_str(), "we");
            ASSERT_NE(out, nullptr);
            EXPECT_NE(::fcntl(::fileno(out), F_GETFD) & FD_CLOEXEC, 0);
            std::fputs("through", out);
            std::fclose(out);
        });
        EXPECT_EQ(reader.await(), "through");
        writer.await();
    });
}

TEST_F(files, fopen_opens_as_libcs) {
    for (const char* mode : {"r", "r+", "w", "w+", "a", "a+", "rx", "wx", "z", ""})
        for (const char* of : {"file", "new", "folder", "nowhere/at/all", "link"}) {
            const string path = name(of);
            const auto opened = [&] {
                FILE* const file = std::fopen(path.c_str(), mode);
                if (file == nullptr) return -1L;
                const long position = std::ftell(file);
                const int flags = ::fcntl(::fileno(file), F_GETFL);
                std::fclose(file);
                return position * 1'000'000 + flags;
            };
            ::unlink(name("new").c_str());
            const observed here = on_fiber(opened);
            ::unlink(name("new").c_str());
            EXPECT_EQ(here, on_thread(opened)) << mode << ' ' << of;
        }
}

TEST_F(files, a_cancelled_fopen_leaks_no_descriptor) {
    const string fifo = name("fifo");
    for (int i = 0; i < 50; ++i) {
        observed seen = {};
        brio::run([&] {
            auto opening = brio::create_task(
                [&] { seen = observe([&] { return std::fopen(fifo.c_str(), "r") == nullptr; }); });
            brio::yield();
            if (i % 2 == 1) brio::sleep(1ms);
            opening.cancel();
            EXPECT_THROW(opening.await(), brio::cancelled_error);
        });
        EXPECT_EQ(seen, (observed{1, ECANCELED}));
    }
    EXPECT_EQ(descriptors_of(fifo), 0);
}

TEST_F(files, fifo_of_a_cancelled_fiber_leaks_no_descriptor) {
    const string fifo = name("fifo");
    for (int i = 0; i < 200; ++i) {
        observed seen = {};
        brio::run([&] {
            auto opening = brio::create_task([&] {
                seen = observe([&] { return ::open(fifo.c_str(), O_RDONLY); });
                if (seen.result >= 0) ::close(static_cast<int>(seen.result));
            });
            brio::yield();
            if (i % 3 == 1) brio::sleep(1ms);
            if (i % 3 == 2) {
                const descriptor other(::open(fifo.c_str(), O_RDWR | O_NONBLOCK));
                opening.cancel();
                EXPECT_THROW(opening.await(), brio::cancelled_error);
                return;
            }
            opening.cancel();
            EXPECT_THROW(opening.await(), brio::cancelled_error);
            EXPECT_EQ(seen, (observed{-1, ECANCELED}));
        });
    }
    EXPECT_EQ(descriptors_of(fifo), 0);
    const descriptor one(::open(fifo.c_str(), O_RDWR));
    EXPECT_EQ(descriptors_of(fifo), 1);
}

TEST_F(files, on_disk_are_opened_by_a_cancelled_fiber) {
    brio::run([&] {
        auto cancelled = brio::create_task([&] {
            brio::current_task().cancel();
            EXPECT_GE(flags_of(::open(name("file").c_str(), O_RDONLY)), 0);
            EXPECT_GE(flags_of(::open(name("new").c_str(), O_RDWR | O_CREAT, 0600)), 0);
            EXPECT_EQ(observe([&] { return ::open(name("fifo").c_str(), O_RDONLY); }),
                      (observed{-1, ECANCELED}));
        });
        EXPECT_THROW(cancelled.await(), brio::cancelled_error);
    });
}

TEST_F(files, are_described_as_libc_describes_them) {
    const descriptor folder(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY));
    const auto text_of = [](int result, const struct stat& file) {
        return result != 0 ? -1 : static_cast<long>(file.st_ino * 100'000 + file.st_mode);
    };
    struct stat file = {};
    struct statx more = {};
    for (const char* of : {"file", "link", "loop", "folder", "folder/", "fifo", "nothing",
                           "file/below", "link/", "folder/.."}) {
        const string path = name(of);
        const auto same = [&](auto&& call) {
            expect_same([&] { return text_of(call(), file); }, of);
        };
        same([&] { return ::stat(path.c_str(), &file); });
        same([&] { return ::lstat(path.c_str(), &file); });
        for (const int flags : {0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_NO_AUTOMOUNT, 0x80000}) {
            same([&] { return ::fstatat(folder, of, &file, flags); });
            expect_same(
                [&] {
                    const int result = ::statx(folder, of, flags, STATX_BASIC_STATS, &more);
                    return result != 0 ? -1 : static_cast<long>(more.stx_ino + more.stx_mode);
                },
                of);
        }
    }
    expect_same([&] { return ::stat("", &file); }, "no name");
    expect_same([&] { return ::fstatat(folder, "", &file, AT_EMPTY_PATH); }, "the directory");
    expect_same([&] { return ::fstatat(folder, "", &file, 0); }, "no name");
    expect_same([&] { return ::fstatat(-5, "x", &file, 0); }, "no directory");
    expect_same([&] { return ::stat(nowhere(), &file); }, "EFAULT");
    expect_same([&] { return ::stat("/", reinterpret_cast<struct stat*>(nowhere())); }, "EFAULT");
    expect_same([&] { return ::stat("/proc/self/exe", &file); }, "proc");
}

TEST_F(files, changes_fail_as_libcs) {
    const string nothing = name("nothing");
    const string file = name("file");
    const string folder = name("folder");
    const descriptor reader(::open(file.c_str(), O_RDONLY));
    const descriptor unnamed = make_file("x");
    const auto forms = std::vector<std::function<int()>>{
        [] { return ::fsync(-1); },
        [] { return ::fdatasync(-1); },
        [] { return ::syncfs(-1); },
        [] { return ::ftruncate(-1, 5); },
        [&] { return ::ftruncate(reader, 5); },
        [&] { return ::ftruncate(unnamed, -5); },
        [&] { return ::truncate(nothing.c_str(), 5); },
        [&] { return ::truncate(folder.c_str(), 5); },
        [&] { return ::truncate(nowhere(), 5); },
        [&] { return ::fallocate(reader, 0, 0, 5); },
        [&] { return ::fallocate(unnamed, 0, 0, 0); },
        [&] { return ::fallocate(unnamed, 12345, 0, 5); },
        [&] { return ::posix_fallocate(reader, 0, 5); },
        [&] { return ::posix_fallocate(unnamed, -5, 5); },
        [&] { return ::rename(nothing.c_str(), file.c_str()); },
        [&] { return ::rename(file.c_str(), folder.c_str()); },
        [&] { return ::renameat(-5, "x", -5, "y"); },
        [&] {
            return ::renameat2(AT_FDCWD, file.c_str(), AT_FDCWD, folder.c_str(), RENAME_NOREPLACE);
        },
        [&] { return ::unlink(nothing.c_str()); },
        [&] { return ::unlink(folder.c_str()); },
        [&] { return ::unlinkat(AT_FDCWD, file.c_str(), AT_REMOVEDIR); },
        [&] { return ::unlinkat(AT_FDCWD, nothing.c_str(), 12345); },
        [&] { return ::rmdir(file.c_str()); },
        [&] { return ::rmdir(directory_.c_str()); },
        [&] { return ::remove(nothing.c_str()); },
        [&] { return ::remove(directory_.c_str()); },
        [&] { return ::mkdir(file.c_str(), 0700); },
        [&] { return ::mkdirat(-5, "x", 0700); },
    };
    for (std::size_t i = 0; i < forms.size(); ++i) expect_same(forms[i], std::to_string(i).c_str());
}

TEST_F(files, are_written_to_disk_while_others_run) {
    const descriptor file(::open(name("file").c_str(), O_RDWR));
    brio::run([&] {
        for (const auto& call : std::vector<std::function<int()>>{
                 [&] { return ::fsync(file); }, [&] { return ::fdatasync(file); },
                 [&] { return ::ftruncate(file, 100); },
                 [&] { return ::rename(name("file").c_str(), name("other").c_str()); }}) {
            bool other_ran = false;
            auto other = brio::create_task([&] { other_ran = true; });
            EXPECT_EQ(observe(call), (observed{0, 0}));
            EXPECT_TRUE(other_ran);
            other.await();
        }
    });
}
