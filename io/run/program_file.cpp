#include "run/program_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <system_error>
#include <unistd.h>

namespace brio::inline v0::detail {

namespace {

constexpr int deepest_script = 5;  // the kernel's own limit

class file {
public:
    explicit file(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (fd_ < 0) throw std::system_error(errno, std::system_category(), path);
    }
    file(const file&) = delete;
    file& operator=(const file&) = delete;
    ~file() { ::close(fd_); }

    /// False where the file ends before.
    template <class T>
    bool read_at(ElfW(Off) offset, T& into) const {
        return ::pread(fd_, &into, sizeof into, static_cast<off_t>(offset)) ==
               static_cast<ssize_t>(sizeof into);
    }
    [[nodiscard]] std::string text_at(ElfW(Off) offset, std::size_t size) const {
        std::string text(size, '\0');
        const ssize_t count = ::pread(fd_, text.data(), size, static_cast<off_t>(offset));
        text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        return text;
    }
    [[nodiscard]] bool raises_privileges() const {
        struct stat s = {};
        if (::fstat(fd_, &s) != 0) return false;
        const bool setuid = (s.st_mode & S_ISUID) != 0 && s.st_uid != ::getuid();
        const bool setgid =
            (s.st_mode & S_ISGID) != 0 && (s.st_mode & S_IXGRP) != 0 && s.st_gid != ::getgid();
        const bool capable =
            ::getuid() != 0 && ::fgetxattr(fd_, "security.capability", nullptr, 0) > 0;
        return setuid || setgid || capable;
    }

private:
    int fd_;
};

/// The loader that an ELF file names; empty for none.
std::string loader_of(const file& program, const ElfW(Ehdr) & header) {
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        ElfW(Phdr) segment = {};
        if (!program.read_at(header.e_phoff + i * sizeof segment, segment)) break;
        if (segment.p_type == PT_INTERP)
            return program.text_at(segment.p_offset, segment.p_filesz).c_str();
    }
    return {};
}

std::string_view last_part(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

struct this_program {
    ElfW(Ehdr) header = {};
    std::string loader;

    this_program() {
        const file self("/proc/self/exe");
        self.read_at(0, header);
        loader = loader_of(self, header);
    }
};

std::string why_not_elf(const file& program, const ElfW(Ehdr) & header) {
    const this_program ours;
    if (header.e_ident[EI_CLASS] != ours.header.e_ident[EI_CLASS] ||
        header.e_machine != ours.header.e_machine)
        return "it is for another kind of processor";
    if (program.raises_privileges())
        return "it is set-user-ID, set-group-ID or has capabilities, so nothing can be preloaded";
    const std::string loader = loader_of(program, header);
    if (loader.empty()) return "it is statically linked";
    if (last_part(loader) != last_part(ours.loader))
        return "it is not for this C library: its loader is " + loader;
    return {};
}

/// What follows #! up to the first blank; empty when there is no such line.
std::string interpreter_of(std::string_view start) {
    if (!start.starts_with("#!")) return {};
    start.remove_prefix(2);
    start = start.substr(0, start.find('\n'));
    const auto begin = start.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    start.remove_prefix(begin);
    return std::string(start.substr(0, start.find_first_of(" \t")));
}

}  // namespace

std::string why_not_preloadable(const std::string& path) {
    std::string next = path;
    for (int depth = 0; depth < deepest_script; ++depth) {
        const file program(next);
        ElfW(Ehdr) header = {};
        if (program.read_at(0, header) && std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0)
            return why_not_elf(program, header);
        next = interpreter_of(program.text_at(0, 256));
        if (next.empty()) next = "/bin/sh";  // as execvp has it
    }
    return "its scripts name one another as interpreters";
}

}  // namespace brio::inline v0::detail
