#include "file/file_status.hpp"
#include "net/failure.hpp"
#include "ops/ops.hpp"
#include "thread/blocking_call.hpp"
#include "thread/worker_pool.hpp"

#include <brio/io/filesystem.hpp>

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <new>
#include <sys/stat.h>
#include <utility>

namespace brio::inline v0::io {
namespace {

using detail::path_for;
using detail::throw_io_error;

file_status status_at(const std::string& path, int flags) {
    struct statx found = {};
    const int status = detail::ops::statx(AT_FDCWD, path.c_str(), flags, STATX_BASIC_STATS, &found);
    if (status < 0) throw_io_error(-status, "statx of", path);
    return detail::status_of(found);
}

void remove(const char* call, const std::string& path, int flags) {
    const int status = detail::ops::unlinkat(AT_FDCWD, path.c_str(), flags);
    if (status < 0) throw_io_error(-status, call, path);
}

/// Runs on a file thread, and owns what it works on.
struct listing {
    std::string path;
    std::vector<directory_entry> found = {};
    int error = 0;

    void operator()() noexcept {
        DIR* const directory = ::opendir(path.c_str());
        if (directory == nullptr) {
            error = errno;
            return;
        }
        try {
            error = read(directory);
        } catch (const std::bad_alloc&) {
            error = ENOMEM;
        }
        ::closedir(directory);
    }

    int read(DIR* directory) {
        for (;;) {
            errno = 0;
            const dirent* const entry = ::readdir(directory);
            if (entry == nullptr) return errno;
            std::string name = entry->d_name;
            if (name == "." || name == "..") continue;
            const file_type type = type_of(directory, *entry);
            found.push_back({std::move(name), type});
        }
    }

    /// Not every file system writes it into the directory.
    static file_type type_of(DIR* directory, const dirent& entry) {
        if (entry.d_type != DT_UNKNOWN) return detail::type_of(DTTOIF(entry.d_type));
        struct stat file = {};
        const int status = ::fstatat(::dirfd(directory), entry.d_name, &file, AT_SYMLINK_NOFOLLOW);
        return status == 0 ? detail::type_of(file.st_mode) : file_type::unknown;
    }
};

}  // namespace

file_status stat(std::string_view path) {
    return status_at(path_for("stat", path), 0);
}

file_status lstat(std::string_view path) {
    return status_at(path_for("lstat", path), AT_SYMLINK_NOFOLLOW);
}

void rename(std::string_view from, std::string_view to) {
    const std::string old_path = path_for("rename", from);
    const std::string new_path = path_for("rename", to);
    const int status =
        detail::ops::renameat(AT_FDCWD, old_path.c_str(), AT_FDCWD, new_path.c_str());
    if (status < 0) throw_io_error(-status, "rename", old_path + " to " + new_path);
}

void unlink(std::string_view path) {
    remove("unlink", path_for("unlink", path), 0);
}

void mkdir(std::string_view path, unsigned mode) {
    const std::string text = path_for("mkdir", path);
    const int status = detail::ops::mkdirat(AT_FDCWD, text.c_str(), mode);
    if (status < 0) throw_io_error(-status, "mkdir", text);
}

void rmdir(std::string_view path) {
    remove("rmdir", path_for("rmdir", path), AT_REMOVEDIR);
}

std::vector<directory_entry> scandir(std::string_view path) {
    listing done =
        detail::run_in(detail::file_pool(), "scandir", listing{path_for("scandir", path)});
    if (done.error != 0) throw_io_error(done.error, "scandir", done.path);
    return std::move(done.found);
}

}  // namespace brio::inline v0::io
