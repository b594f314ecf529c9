// Files and directories, on whatever reactor the variant chooses.

#include "io/native.hpp"

#include <brio/io/file.hpp>
#include <brio/io/filesystem.hpp>

#include <array>
#include <chrono>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace brio::testing_native {
namespace {

class native_files : public native_test {
protected:
    [[nodiscard]] std::string path(const std::string& name) const { return where_.path(name); }
    [[nodiscard]] const std::string& directory() const { return where_.path(); }
    static io::file made(const std::string& path, bytes_view content = "") {
        auto f = io::file::open(path, O_RDWR | O_CREAT | O_TRUNC);
        f.write(content);
        return f;
    }
    static std::string content_of(const std::string& path) {
        return io::file::open(path, O_RDONLY).read_all();
    }
    static bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

private:
    temporary_directory where_;
};

// ----------------------------------------------------------------------------------------- contents

TEST_F(native_files, have_a_position_that_reading_and_writing_move) {
    run([&] {
        auto f = made(path("a"), "0123456789");
        EXPECT_EQ(f.position(), 10U);
        f.seek(3);
        std::array<char, 4> part;
        EXPECT_EQ(f.read(part), 4U);
        EXPECT_EQ(std::string(part.data(), 4), "3456");
        EXPECT_EQ(f.position(), 7U);
        f.write_at("x", 0);
        EXPECT_EQ(f.read_at(part, 9), 1U);
        EXPECT_EQ(f.position(), 7U);
        EXPECT_EQ(f.read_all(), "789");
        EXPECT_EQ(f.read(part), 0U);
        EXPECT_EQ(f.read_at(part, 1000), 0U);
    });
}

TEST_F(native_files, are_written_read_and_measured) {
    run([&] {
        auto f = made(path("a"));
        f.write("hello ");
        f.write("world");
        f.write_at("W", 6);
        EXPECT_EQ(f.size(), 11U);
        EXPECT_EQ(content_of(path("a")), "hello World");
    });
}

TEST_F(native_files, opened_for_appending_write_at_the_end) {
    run([&] {
        static_cast<void>(made(path("a"), "first "));
        auto f = io::file::open(path("a"), O_WRONLY | O_APPEND);
        f.seek(0);
        f.write("second");
        EXPECT_EQ(content_of(path("a")), "first second");
    });
}

TEST_F(native_files, can_be_cut_off_and_lengthened) {
    run([&] {
        auto f = made(path("a"), "0123456789");
        f.truncate(4);
        EXPECT_EQ(f.size(), 4U);
        EXPECT_EQ(f.position(), 10U);
        f.truncate(6);
        EXPECT_EQ(content_of(path("a")), std::string("0123\0\0", 6));
        auto read_only = io::file::open(path("a"), O_RDONLY);
        EXPECT_EQ(refusal_of([&] { read_only.truncate(1); }).text,
                  "ftruncate of descriptor " + std::to_string(read_only.native_handle()) +
                      ": Invalid argument");
    });
}

TEST_F(native_files, are_brought_to_the_storage) {
    run([&] {
        auto f = made(path("a"), "content");
        f.datasync();
        f.sync();
        auto null = io::file::open("/dev/null", O_WRONLY);
        const std::string object =
            " of descriptor " + std::to_string(null.native_handle()) + ": Invalid argument";
        EXPECT_EQ(refusal_of([&] { null.sync(); }).text, "fsync" + object);
        EXPECT_EQ(refusal_of([&] { null.datasync(); }).text, "fdatasync" + object);
    });
}

TEST_F(native_files, refuse_what_they_were_not_opened_for) {
    run([&] {
        static_cast<void>(made(path("a"), "x"));
        auto reading = io::file::open(path("a"), O_RDONLY);
        auto writing = io::file::open(path("a"), O_WRONLY);
        std::array<char, 1> byte;
        const auto object = [](const io::file& f) {
            return " descriptor " + std::to_string(f.native_handle()) + ": Bad file descriptor";
        };
        EXPECT_EQ(refusal_of([&] { reading.write("y"); }).text, "write to" + object(reading));
        EXPECT_EQ(refusal_of([&] { static_cast<void>(writing.read(byte)); }).text,
                  "read from" + object(writing));
        EXPECT_EQ(refusal_of([&] {
                      static_cast<void>(io::file::open(path("a"), O_RDONLY | O_DIRECTORY));
                  }).text,
                  "open " + path("a") + ": Not a directory");
    });
}

TEST_F(native_files, without_a_position_say_so) {
    run([&] {
        ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
        io::file f{io::descriptor(::open(path("fifo").c_str(), O_RDWR | O_CLOEXEC))};
        const std::string words =
            "lseek of descriptor " + std::to_string(f.native_handle()) + ": Illegal seek";
        EXPECT_EQ(refusal_of([&] { static_cast<void>(f.position()); }).text, words);
        EXPECT_EQ(refusal_of([&] { f.seek(1); }).text, words);
    });
}

// ------------------------------------------------------------------------------------------- status

TEST_F(native_files, tell_what_they_are) {
    run([&] {
        const auto before = std::chrono::system_clock::now() - 1s;  // the kernel's ticks are coarse
        auto f = made(path("a"), "0123456789");
        ASSERT_EQ(::chmod(path("a").c_str(), 0640), 0);
        ASSERT_EQ(::link(path("a").c_str(), path("b").c_str()), 0);
        const io::file_status s = f.stat();
        EXPECT_EQ(s.type, io::file_type::regular);
        EXPECT_EQ(s.mode, 0640U);
        EXPECT_EQ(s.size, 10U);
        EXPECT_EQ(s.links, 2U);
        EXPECT_EQ(s.uid, ::getuid());
        EXPECT_EQ(s.gid, ::getgid());
        EXPECT_GE(s.modified, before);
        EXPECT_LE(s.modified, std::chrono::system_clock::now());
        EXPECT_EQ(io::stat(path("b")).inode, s.inode);
    });
}

TEST_F(native_files, tell_when_they_were_changed_to_the_nanosecond_and_before_the_epoch) {
    run([&] {
        auto f = made(path("a"));
        const timespec times[2] = {{0, UTIME_OMIT}, {-5, 250'000'000}};
        ASSERT_EQ(::futimens(f.native_handle(), times), 0);
        EXPECT_EQ(f.stat().modified, std::chrono::system_clock::time_point(-4750ms));
    });
}

TEST_F(native_files, of_each_type_are_told_apart) {
    run([&] {
        ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
        ASSERT_EQ(::symlink("fifo", path("link").c_str()), 0);
        const io::unix_listener listener(path("socket"));
        EXPECT_EQ(io::stat(directory()).type, io::file_type::directory);
        EXPECT_EQ(io::stat("/dev/null").type, io::file_type::character_device);
        EXPECT_EQ(io::stat(path("fifo")).type, io::file_type::fifo);
        EXPECT_EQ(io::stat(path("socket")).type, io::file_type::socket);
        EXPECT_EQ(io::stat(path("link")).type, io::file_type::fifo);
        EXPECT_EQ(io::lstat(path("link")).type, io::file_type::symlink);
    });
}

// -------------------------------------------------------------------------------------------- names

TEST_F(native_files, are_renamed_in_place_of_others) {
    run([&] {
        static_cast<void>(made(path("old"), "old"));
        static_cast<void>(made(path("new"), "new"));
        io::rename(path("old"), path("new"));
        EXPECT_FALSE(exists(path("old")));
        EXPECT_EQ(content_of(path("new")), "old");
    });
}

TEST_F(native_files, are_unlinked_and_live_on_while_open) {
    run([&] {
        auto f = made(path("a"), "still here");
        io::unlink(path("a"));
        EXPECT_FALSE(exists(path("a")));
        f.seek(0);
        EXPECT_EQ(f.read_all(), "still here");
        EXPECT_EQ(f.stat().links, 0U);
    });
}

TEST_F(native_files, directories_are_made_and_removed) {
    run([&] {
        io::mkdir(path("d"));
        EXPECT_EQ(io::stat(path("d")).type, io::file_type::directory);
        io::mkdir(path("d/private"), 0700);
        EXPECT_EQ(io::stat(path("d/private")).mode, 0700U);
        EXPECT_EQ(refusal_of([&] { io::rmdir(path("d")); }).code, std::errc::directory_not_empty);
        io::rmdir(path("d/private"));
        io::rmdir(path("d"));
        EXPECT_FALSE(exists(path("d")));
    });
}

TEST_F(native_files, errors_name_the_call_and_the_path) {
    run([&] {
        const std::string gone = path("gone"), words = gone + ": No such file or directory";
        EXPECT_EQ(refusal_of([&] { static_cast<void>(io::stat(gone)); }).text, "statx of " + words);
        EXPECT_EQ(refusal_of([&] { static_cast<void>(io::lstat(gone)); }).text,
                  "statx of " + words);
        EXPECT_EQ(refusal_of([&] { io::unlink(gone); }).text, "unlink " + words);
        EXPECT_EQ(refusal_of([&] { io::rmdir(gone); }).text, "rmdir " + words);
        EXPECT_EQ(refusal_of([&] { static_cast<void>(io::scandir(gone)); }).text,
                  "scandir " + words);
        EXPECT_EQ(refusal_of([&] { io::rename(gone, path("b")); }).text,
                  "rename " + gone + " to " + path("b") + ": No such file or directory");
        EXPECT_EQ(refusal_of([&] { io::mkdir(directory()); }).text,
                  "mkdir " + directory() + ": File exists");
    });
}

// -------------------------------------------------------------------------------------- directories

TEST_F(native_files, in_a_directory_are_listed_with_their_types) {
    run([&] {
        static_cast<void>(made(path("file")));
        io::mkdir(path("directory"));
        ASSERT_EQ(::symlink("file", path("link").c_str()), 0);
        std::set<std::pair<std::string, io::file_type>> found;
        for (const auto& e : io::scandir(directory())) found.emplace(e.name, e.type);
        EXPECT_EQ(found, (std::set<std::pair<std::string, io::file_type>>{
                             {"file", io::file_type::regular},
                             {"directory", io::file_type::directory},
                             {"link", io::file_type::symlink}}));
    });
}

TEST_F(native_files, in_a_directory_of_ten_thousand_are_all_listed_once) {
    constexpr int many = 10'000;
    static_cast<void>(std::ofstream(path("0")));
    for (int i = 1; i < many; ++i)
        ASSERT_EQ(::link(path("0").c_str(), path(std::to_string(i)).c_str()), 0);
    run([&] {
        std::set<std::string> names;
        const auto found = io::scandir(directory());
        for (const auto& e : found) names.insert(e.name);
        EXPECT_EQ(found.size(), static_cast<std::size_t>(many));
        EXPECT_EQ(names.size(), static_cast<std::size_t>(many));
    });
}

TEST_F(native_files, an_empty_directory_has_nothing_in_it) {
    run([&] { EXPECT_TRUE(io::scandir(directory()).empty()); });
}

// ------------------------------------------------------------------------------------------ cancels

TEST_F(native_files, a_cancelled_rename_has_happened_or_not_as_it_says) {
    run([&] {
        for (int round = 0; round < 5 * cancel_turns; ++round) {
            static_cast<void>(made(path("old")));
            const bool cancelled = cancelled_after(round % cancel_turns,
                                                   [&] { io::rename(path("old"), path("new")); });
            EXPECT_EQ(exists(path("old")), cancelled);
            EXPECT_EQ(exists(path("new")), !cancelled);
            io::unlink(cancelled ? path("old") : path("new"));
        }
    });
}

TEST_F(native_files, a_cancelled_unlink_has_happened_or_not_as_it_says) {
    run([&] {
        for (int round = 0; round < 5 * cancel_turns; ++round) {
            static_cast<void>(made(path("a")));
            const bool cancelled =
                cancelled_after(round % cancel_turns, [&] { io::unlink(path("a")); });
            EXPECT_EQ(exists(path("a")), cancelled);
        }
    });
}

TEST_F(native_files, a_cancelled_mkdir_or_rmdir_has_happened_or_not_as_it_says) {
    run([&] {
        for (int round = 0; round < 5 * cancel_turns; ++round) {
            const int turns = round % cancel_turns;
            bool cancelled = cancelled_after(turns, [&] { io::mkdir(path("d")); });
            EXPECT_EQ(exists(path("d")), !cancelled);
            if (cancelled) io::mkdir(path("d"));
            cancelled = cancelled_after(turns, [&] { io::rmdir(path("d")); });
            EXPECT_EQ(exists(path("d")), cancelled);
            if (cancelled) io::rmdir(path("d"));
        }
    });
}

TEST_F(native_files, a_cancelled_truncate_has_happened_or_not_as_it_says) {
    run([&] {
        auto f = made(path("a"));
        for (int round = 0; round < 5 * cancel_turns; ++round) {
            f.truncate(10);
            const bool cancelled = cancelled_after(round % cancel_turns, [&] { f.truncate(5); });
            EXPECT_EQ(f.size(), cancelled ? 10U : 5U);
        }
    });
}

TEST_F(native_files, a_cancelled_stat_sync_or_listing_ends) {
    run([&] {
        auto f = made(path("a"), "x");
        for (int round = 0; round < 2 * cancel_turns; ++round) {
            const int turns = round % cancel_turns;
            std::optional<io::file_status> found;
            bool cancelled = cancelled_after(turns, [&] { found = io::stat(path("a")); });
            EXPECT_NE(cancelled, found.has_value());
            std::optional<std::vector<io::directory_entry>> entries;
            cancelled = cancelled_after(turns, [&] { entries = io::scandir(directory()); });
            EXPECT_NE(cancelled, entries.has_value());
            cancelled_after(turns, [&] { f.sync(); });
            cancelled_after(turns, [&] { f.datasync(); });
        }
    });
}

TEST_F(native_files, an_open_that_is_cancelled_leaves_nothing_open) {
    static_cast<void>(std::ofstream(path("a")));
    run([&] {
        for (int round = 0; round < 5 * cancel_turns; ++round)
            cancelled_after(round % cancel_turns,
                            [&] { static_cast<void>(io::file::open(path("a"), O_RDONLY)); });
    });
}

}  // namespace
}  // namespace brio::testing_native
