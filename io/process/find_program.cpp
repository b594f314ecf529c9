#include "process/find_program.hpp"

#include "net/failure.hpp"
#include "reactor/raw_call.hpp"

#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

namespace brio::inline v0::detail {

namespace {

/// 0, or why `file` cannot be executed.
int error_of(const std::string& file, int directory) noexcept {
    struct stat found {};
    if (::fstatat(directory, file.c_str(), &found, 0) != 0) return errno;
    if (!S_ISREG(found.st_mode)) return EACCES;
    return -raw_call(SYS_faccessat, directory, file.c_str(), X_OK);
}

}  // namespace

std::string find_program(const std::string& name, std::string_view path, int directory) {
    if (name.find('/') != std::string::npos) return name;
    int error = ENOENT;
    for (;;) {
        const std::size_t end = path.find(':');
        const std::string_view folder = path.substr(0, end);
        std::string file = folder.empty() ? name : std::string(folder) + '/' + name;
        const int refusal = error_of(file, directory);
        if (refusal == 0) return file;
        if (refusal != ENOENT && refusal != ENOTDIR) error = refusal;
        if (end == std::string_view::npos) throw_io_error(error, "start", name);
        path.remove_prefix(end + 1);
    }
}

}  // namespace brio::inline v0::detail
